"""The tabs of the panels: their text is the same whichever shows, and they say where there is something to see."""

from __future__ import annotations

from pathlib import Path

from inspector.records import HookMarks, Problem
from inspector.tui.messages import EngineOutput

from ..fake_engine import FakeEngine, running

WHOLE = "1 Source  2 Out  3 Param  4 Hooks  5 Attr  6 hist  7 grad  8 log"


def plain(app) -> str:
    return app.workbench.panels._border_title.plain


def is_dim(app, name: str) -> bool:
    """Whether the tab is drawn as an empty one."""
    title = app.workbench.panels._border_title
    at = title.plain.index(name)
    return any(span.start <= at < span.end and "muted" in str(span.style) for span in title.spans)


async def test_a_tab_has_one_text_whichever_shows(tmp_path: Path):
    async with running(tmp_path, size=(200, 50)) as (app, pilot, _):
        assert plain(app) == WHOLE
        for key in "12345678":
            await pilot.press(key)
            await pilot.pause()
            assert plain(app) == WHOLE, key


async def test_tabs_are_cut_off_at_no_width(tmp_path: Path):
    for width in (40, 60, 84, 85, 100, 120):
        async with running(tmp_path, size=(width, 24)) as (app, _, _):
            room = app.workbench.panels.size.width - 2
            assert len(plain(app)) <= room and plain(app).endswith(("8 log", "8log", "8lo")), width


async def test_just_wide_enough_for_two_panes_each_tab_has_a_name_of_its_own(tmp_path: Path):
    async with running(tmp_path, size=(85, 24)) as (app, _, _):
        assert plain(app) == "1Src 2Out 3Par 4Hks 5Att 6hist 7grd 8log"


async def test_empty_tabs_are_dim_in_small_letters_and_others_are_not(tmp_path: Path):
    async with running(tmp_path, size=(200, 50)) as (app, _, _):
        assert not is_dim(app, "Out") and not is_dim(app, "Attr")
        assert is_dim(app, "hist") and is_dim(app, "grad")


async def test_hooks_that_were_added_are_counted(tmp_path: Path):
    async with running(tmp_path, FakeEngine(), size=(200, 50)) as (app, pilot, engine):
        engine.say(HookMarks(1, bytes(5), added={app.workbench.selected: 2}))
        await pilot.pause()
        assert "4 Hooks◉2  5" in plain(app)


async def test_news_in_the_log_is_marked_until_it_is_looked_at(tmp_path: Path):
    async with running(tmp_path, size=(200, 50)) as (app, pilot, _):
        app.post_message(EngineOutput("stdout", "hello\n"))
        await pilot.pause()
        assert plain(app).endswith("8 Log") and not is_dim(app, "Log")
        app.presenter.log("warning", "mind the gap")
        await pilot.pause()
        assert plain(app).endswith("8 Log!")
        await pilot.press("8")
        await pilot.press("1")
        await pilot.pause()
        assert plain(app).endswith("8 Log")
        app.presenter.log_panel.show_problem(Problem("it broke"))
        await pilot.pause()
        assert plain(app).endswith("8 Log!")


async def test_a_zoomed_panel_says_which_module_it_is(tmp_path: Path):
    async with running(tmp_path, size=(80, 24)) as (app, pilot, _):
        host = app.workbench.panels
        await pilot.press("j", "2", "tab", "plus")
        await pilot.pause()
        assert host.region.size == (80, 22) and str(host.border_subtitle) == "stem"
        await pilot.press("underscore")
        await pilot.pause()
        assert str(host.border_subtitle) == ""
