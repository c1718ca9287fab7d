"""A program that goes on from where it stood still and stands still again: it has the terminal meanwhile, and the app
is the same one afterwards."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from msgspec.structs import replace

from inspector.records import (
    Evaluate,
    Evaluated,
    Failed,
    GoOnWith,
    ModuleRows,
    NamedValue,
    Opened,
    Problem,
    ScalarValue,
    Stack,
)
from inspector.tui.app.app import InspectorApp
from inspector.tui.messages import EngineGone

from ..fake_engine import ROWS, FakeEngine, info, running
from .test_app import settle
from .test_pass_actions import told
from .test_stops import FRAMES, PROGRAM, at_breakpoint, bar


class Lending:
    """In place of the terminal's."""

    is_lent = False

    def lend(self) -> None:
        self.is_lent = True

    def take_back(self) -> None:
        self.is_lent = False


def come_again(engine: FakeEngine, line: int) -> None:
    paused = replace(PROGRAM, generation=2, line=line, why="h: inf 6")
    engine.say(
        Opened(2, info(notes=("of the model",)), stack=Stack(FRAMES, 1, 0), paused=paused), ModuleRows(2, ROWS, 5)
    )


async def start(app: InspectorApp, pilot: Any) -> Lending:
    await settle(app, pilot)
    app.host.lending = lending = Lending()
    return lending


async def test_the_terminal_is_the_programs_until_it_stands_still_again(tmp_path: Path) -> None:
    async with running(tmp_path, at_breakpoint()) as (app, pilot, engine):
        lending = await start(app, pilot)
        await pilot.press("c")
        await settle(app, pilot)
        assert lending.is_lent and engine.requests(GoOnWith) == [GoOnWith(1)]
        come_again(engine, 10)
        await settle(app, pilot)
        assert not lending.is_lent and "your program stopped train.py:10" in bar(app)
        await pilot.press("o")
        await settle(app, pilot)
        assert lending.is_lent and engine.requests(GoOnWith)[1:] == [GoOnWith(2, "over")]


async def test_what_was_seen_and_run_before_is_there_after_a_step(tmp_path: Path) -> None:
    engine = at_breakpoint()
    engine.opened = replace(engine.opened, info=info(notes=("of the model",)))
    async with running(tmp_path, engine) as (app, pilot, _):
        await start(app, pilot)
        for keys in (["j", "8", "semicolon"], ["x", "enter"], ["escape"], ["o"]):
            await pilot.press(*keys)
            await settle(app, pilot)
        come_again(engine, 10)
        await settle(app, pilot)
        await pilot.press("8")
        await settle(app, pilot)
        log = "\n".join(strip.text for strip in app.screen._compositor.render_strips())
        assert log.count("of the model") == 1 and "> x" in log, "the Log goes on, and says nothing twice"
        assert "stopped train.py:10 in body.0: h: inf 6" in log
        await pilot.press("semicolon", "up")
        assert app.screen.query_one("PythonBox").value == "x"  # type: ignore[attr-defined]


async def test_the_bar_shows_what_a_line_made_of_the_frame_that_stands_still(tmp_path: Path) -> None:
    engine = at_breakpoint()
    engine.opened = replace(engine.opened, stack=Stack(FRAMES[:1], 1, 0))
    engine.replies[Evaluate] = lambda request: Evaluated(None, None, (NamedValue("x", ScalarValue("int", 42)),), ("x",))
    async with running(tmp_path, engine) as (app, pilot, _):
        await start(app, pilot)
        await pilot.press("semicolon")
        await settle(app, pilot)
        await pilot.press(*"x=42", "enter")
        await settle(app, pilot)
        assert engine.requests(Evaluate) == [Evaluate(1, "x=42", 0)] and "x 42" in bar(app)


async def test_a_key_that_comes_meanwhile_is_for_the_next_place(tmp_path: Path) -> None:
    async with running(tmp_path, at_breakpoint()) as (app, pilot, engine):
        await start(app, pilot)
        await pilot.press("o")
        await settle(app, pilot)
        await pilot.press("s")
        await settle(app, pilot)
        assert engine.requests(GoOnWith) == [GoOnWith(1, "over")]
        come_again(engine, 10)
        await settle(app, pilot)
        assert engine.requests(GoOnWith)[1:] == [GoOnWith(2, "into")]


async def test_it_leaves_without_a_word_where_the_program_ends(tmp_path: Path) -> None:
    async with running(tmp_path, at_breakpoint()) as (app, pilot, _):
        await start(app, pilot)
        await pilot.press("c")
        await settle(app, pilot)
        app.post_message(EngineGone(Problem("the connection is gone")))
        await settle(app, pilot)
        assert app.return_code == 0


async def test_the_app_stays_where_it_cannot_go_on(tmp_path: Path) -> None:
    async with running(tmp_path, at_breakpoint()) as (app, pilot, engine):
        lending = await start(app, pilot)
        engine.replies[GoOnWith] = lambda request: Failed(Problem("no pass stands still"))
        await pilot.press("o")
        await settle(app, pilot)
        assert not lending.is_lent and "no pass stands still" in str(told(app)) and "train.py:9" in bar(app)
