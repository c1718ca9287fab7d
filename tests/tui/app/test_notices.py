"""Notices: the same words once, a few at a time, all of them in the Log."""

from __future__ import annotations

from pathlib import Path

import pytest
from textual.widgets._toast import Toast

from ..fake_engine import running


def notices(app) -> list[str]:
    return [str(notice.message) for notice in app._notifications]


async def test_the_same_words_are_one_notice_with_a_count(tmp_path: Path):
    async with running(tmp_path) as (app, pilot, _):
        for _ in range(3):
            app.host.tell("nothing [/] to undo")
        await pilot.pause()
        app.notify("nothing [/] to undo", markup=False)  # as a box does that knows no host
        await pilot.pause()
        assert notices(app) == ["nothing [/] to undo (said 4 times)"]
        assert app.presenter.log_panel.copy_text().count("nothing [/] to undo") == 1


async def test_the_newest_is_shown_and_all_are_in_the_log(tmp_path: Path):
    async with running(tmp_path) as (app, pilot, _):
        for number in range(5):
            app.host.tell(f"notice {number}")
            await pilot.pause()
        assert notices(app) == ["notice 4  (4 more: Log)"]
        assert all(f"notice {number}" in app.presenter.log_panel.copy_text() for number in range(5))


async def test_one_line_is_shown_however_soon_the_next_comes(tmp_path: Path):
    async with running(tmp_path, notifications=True) as (app, pilot, _):
        app.host.tell("the first")
        app.call_later(app.call_later, app.host.tell, "the second")  # before Textual has drawn the first
        await pilot.pause()
        shown = [str(toast.render()) for toast in app.screen.query(Toast) if toast.region]
        assert shown == ["the second  (1 more: Log)"]


async def test_what_was_written_down_is_not_written_down_twice(tmp_path: Path):
    async with running(tmp_path) as (app, pilot, _):
        app.presenter.log("warning", "mind the gap")
        app.host.tell("mind the gap", in_log=True)
        await pilot.pause()
        assert notices(app) == ["mind the gap"]
        assert app.presenter.log_panel.copy_text().count("mind the gap") == 1


@pytest.mark.parametrize("size", [(80, 24), (120, 36)])
async def test_notices_take_one_line_above_the_keys_and_leave_a_question_free(tmp_path: Path, size: tuple[int, int]):
    async with running(tmp_path, size=size, notifications=True) as (app, pilot, _):
        for number in range(5):
            app.host.tell(f"notice {number} of them")
            await pilot.pause()
        await pilot.press("ctrl+x")
        await pilot.pause()
        (said,) = app.screen.query(Toast)
        assert said.region == (0, size[1] - 2, size[0], 1)
        assert not said.region.overlaps(app.screen.query_one("#layer").region)
