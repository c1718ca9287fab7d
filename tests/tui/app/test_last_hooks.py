"""Hooks and edits that are in no file: asked about once, kept, offered, and never put on by themselves."""

from __future__ import annotations

from pathlib import Path

from inspector.records import AddHook, LoadRecipe, Recipe, Target
from inspector.tui.saved_state import SavedState, ViewState
from inspector.tui.screens.last_hooks import LastHooksOffer, list_lines
from inspector.tui.screens.leaving import Leaving, ask_to_leave

from ..fake_engine import FakeEngine, failed, running
from .test_hook_actions import settle, told

KEPT = Recipe("a recipe", ("body: zero()", "[@click=app.exit]x[/]\x1b]0;owned\x07: scale(2)"), ("stem: scale(2)",))


def keep(folder: Path, recipe: Recipe = KEPT) -> Path:
    SavedState(folder).keep(Target("net"), ViewState(recipe=recipe))
    return folder


def kept_in(folder: Path) -> Recipe:
    return SavedState(folder).recall(Target("net")).recipe


async def press(app, pilot, *keys: str) -> None:
    for key in keys:
        await pilot.press(key)
        await settle(app, pilot)


async def add_scale(app, pilot) -> None:
    await app.ask(AddHook(1, "stem", "scale(2)"))
    await settle(app, pilot)


async def test_q_asks_once_and_keeps_what_is_in_no_file(tmp_path: Path) -> None:
    async with running(tmp_path) as (app, pilot, engine):
        await add_scale(app, pilot)
        assert engine.added.hooks == ("stem: scale(2)",)
        await press(app, pilot, "q")
        assert isinstance(app.screen, Leaving)
        await press(app, pilot, "escape")
        assert app.is_running and app.screen is app.workbench
        await press(app, pilot, "q", "q")
        assert app.return_code == 0
    assert kept_in(tmp_path) == engine.added


async def test_what_was_written_is_not_asked_about(tmp_path: Path) -> None:
    async with running(tmp_path) as (app, pilot, _):
        await add_scale(app, pilot)
        await press(app, pilot, "q", "w", "enter", "q")
        assert app.return_code == 0


async def test_hooks_of_last_time_go_on_by_enter_alone(tmp_path: Path) -> None:
    async with running(keep(tmp_path)) as (app, pilot, engine):
        assert isinstance(app.screen, LastHooksOffer) and not engine.requests(LoadRecipe)
        shown = "\n".join(line.plain for line in list_lines(KEPT))
        assert shown.startswith("edit  stem: scale(2)\nhook  body: zero()") and "\x1b" not in shown
        await press(app, pilot, "escape", "j", "enter")
        assert not engine.requests(LoadRecipe)
        await press(app, pilot, "A", "enter")
        assert engine.requests(LoadRecipe) == [LoadRecipe(1, text=KEPT.text)]
        assert "applied 2 hooks and 1 edit of last time" in told(app)
        await press(app, pilot, "escape", "q")
        assert app.return_code == 0  # as they were kept: nothing is lost


async def test_those_that_were_left_wait_for_the_next_time(tmp_path: Path) -> None:
    async with running(keep(tmp_path)) as (app, pilot, _):
        await press(app, pilot, "escape", "q")
    assert kept_in(tmp_path) == KEPT


async def test_those_that_were_forgotten_do_not(tmp_path: Path) -> None:
    async with running(keep(tmp_path)) as (app, pilot, _):
        await press(app, pilot, "d", "A")
        assert "no hooks of last time are waiting" in told(app)
        await press(app, pilot, "q")
    assert kept_in(tmp_path) == Recipe()


async def test_those_that_do_not_fit_any_more_are_kept(tmp_path: Path) -> None:
    engine = FakeEngine()
    engine.replies[LoadRecipe] = failed("no module is called body")
    async with running(keep(tmp_path), engine) as (app, pilot, _):
        await press(app, pilot, "enter")
        assert "not applied: no module is called body" in told(app)
        await press(app, pilot, "q")
    assert kept_in(tmp_path) == KEPT


def test_the_question_counts(tmp_path: Path) -> None:
    assert ask_to_leave(KEPT).startswith("2 hooks and 1 edit are not written to a file. Kept for next time")
    assert "Too long to be kept" in ask_to_leave(Recipe(hooks=("body: zero()",)))
