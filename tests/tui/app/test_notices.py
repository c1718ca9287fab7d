"""Notices: the same words once, a few at a time, all of them in the Log."""

from __future__ import annotations

from pathlib import Path

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
        assert notices(app) == ["nothing [/] to undo (4 times)"]
        assert app.presenter.log_panel.copy_text().count("nothing [/] to undo") == 1


async def test_at_most_three_are_shown_and_all_are_in_the_log(tmp_path: Path):
    async with running(tmp_path) as (app, pilot, _):
        for number in range(5):
            app.host.tell(f"notice {number}")
            await pilot.pause()
        assert notices(app) == ["notice 2", "notice 3", "notice 4"]
        assert all(f"notice {number}" in app.presenter.log_panel.copy_text() for number in range(5))


async def test_what_was_written_down_is_not_written_down_twice(tmp_path: Path):
    async with running(tmp_path) as (app, pilot, _):
        app.presenter.log("warning", "mind the gap")
        app.host.tell("mind the gap", in_log=True)
        await pilot.pause()
        assert notices(app) == ["mind the gap"]
        assert app.presenter.log_panel.copy_text().count("mind the gap") == 1
