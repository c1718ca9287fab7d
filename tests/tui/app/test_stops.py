"""Stops in the app: set by a key, listed, kept with the target; and a pass that stands still, from posted messages."""

from __future__ import annotations

from pathlib import Path

import pytest
from msgspec.structs import replace

from inspector.records import (
    Completed,
    CompleteLine,
    Done,
    Evaluate,
    Evaluated,
    Failed,
    FrameRow,
    GetFrameSource,
    GetLocals,
    GetSource,
    GoOnWith,
    LocalRow,
    Locals,
    NamedValue,
    OtherValue,
    PassEnded,
    PassSummary,
    Paused,
    Problem,
    Resumed,
    Run,
    ScalarValue,
    SetStops,
    Source,
    Stack,
    Statistics,
    Stop,
    StopRow,
    Stops,
    Target,
    TensorValue,
)
from inspector.tui.app.app import InspectorApp
from inspector.tui.panels.log import LogPanel
from inspector.tui.panels.source import SourcePanel
from inspector.tui.saved_state import SavedState, ViewState
from inspector.tui.screens.stops.python_line import PythonLine
from inspector.tui.screens.stops.stop_form import StopForm
from inspector.tui.screens.stops.stop_list import StopList

from ..fake_engine import FakeEngine, running
from .test_app import settle
from .test_pass_actions import told

VALUE = TensorValue((2, 4), "float32", "cpu", statistics=Statistics(-3, 4, 0.5, 1, 2))
PAUSED = Paused(1, 1, 1, "after", ("body", "0"), 1, 2, "nan 2", values=(NamedValue("output", VALUE),))


def bar(app: InspectorApp) -> str:
    return str(app.workbench.stop_bar.render())


def tree(app: InspectorApp) -> str:
    return "\n".join(strip.text for strip in app.screen._compositor.render_strips())


async def test_a_key_sets_a_stop_and_takes_it_away(tmp_path: Path) -> None:
    async with running(tmp_path) as (app, pilot, engine):
        await pilot.press("j", "exclamation_mark")
        await settle(app, pilot)
        assert engine.requests(SetStops) == [SetStops(1, (Stop(1, "before", ("stem",)),))]
        assert "■ stop" in tree(app)
        await pilot.press("exclamation_mark")
        await settle(app, pilot)
        assert engine.requests(SetStops)[-1] == SetStops(1, ()) and "■ stop" not in tree(app)


async def test_a_stopped_pass_has_a_bar_and_keys_of_its_own(tmp_path: Path) -> None:
    async with running(tmp_path) as (app, pilot, engine):
        app.state.running = True
        engine.say(PAUSED, Stops(1, (StopRow(Stop(1, "after", ("body", "0"))),)))
        await settle(app, pilot)
        assert "stopped after body.0 · call 1 · step 2 · nan 2" in bar(app)
        assert "output 2×4" in bar(app) and "NaN 2" in bar(app) and "mean 0.5" in bar(app)
        assert app.workbench.selected_path == ("body", "0")
        shown = tree(app)
        assert "c Go on" in shown and "r Run" not in shown
        await pilot.press("r", "a", "H")
        await settle(app, pilot)
        assert app.screen is app.workbench and len(engine.requests(Run)) == 1
        await pilot.press("c", "M")
        await settle(app, pilot)
        assert engine.requests(GoOnWith) == [GoOnWith(1), GoOnWith(1, "module")]
        engine.say(Resumed(1, "nobody asked for anything for 3 s"))
        await settle(app, pilot)
        assert not app.workbench.stop_bar.has_class("-shown") and "c Go on" not in tree(app)
        assert "stopped after body.0" in app.workbench.panels.find(LogPanel).copy_text()
        app.state.running = False
        await pilot.press("M")
        await settle(app, pilot)
        assert app.screen is not app.workbench  # the marks' own key again


async def test_all_stops_in_one_list(tmp_path: Path) -> None:
    async with running(tmp_path) as (app, pilot, engine):
        await pilot.press("j", "exclamation_mark", "j", "asterisk")
        await settle(app, pilot)
        assert isinstance(app.screen, StopList)
        row = StopRow(Stop(1, "before", ("stem",)), 3, "TypeError: no")
        engine.say(Stops(1, (row,)))
        await settle(app, pilot)
        shown = tree(app)
        assert "● stem  before" in shown and "3 hits" in shown and "TypeError: no" in shown
        await pilot.press("space")
        await settle(app, pilot)
        assert engine.requests(SetStops)[-1].stops == (Stop(1, "before", ("stem",), enabled=False),)  # type: ignore[attr-defined]
        await pilot.press("a")
        await settle(app, pilot)
        assert isinstance(app.screen, StopForm)
        await pilot.press(
            "space", "down", *"1", "down", *"2:5", "down", *"nan > 0", "down", *"output", "down", *"9", "enter"
        )
        await settle(app, pilot)
        assert isinstance(app.screen, StopList)
        wanted = Stop(2, "after", ("body",), 1, "2:5", "nan > 0", "output", 9.0)
        assert engine.requests(SetStops)[-1].stops[-1] == wanted  # type: ignore[attr-defined]
        await pilot.press("j", "d", "enter")
        await settle(app, pilot)
        assert [row.stop.id for row in app.state.stops] == [1]


async def test_what_is_wrong_with_a_stop_is_said_in_its_form(tmp_path: Path) -> None:
    engine = FakeEngine()
    engine.replies[SetStops] = lambda request: Failed(Problem("'nam' cannot be compared", hint="nan > 0"))
    async with running(tmp_path, engine) as (app, pilot, _):
        await pilot.press("asterisk", "a")
        await settle(app, pilot)
        await pilot.press("down", *"x", "enter")
        await settle(app, pilot)
        assert "a call is a number" in tree(app)
        await pilot.press("backspace", "enter")
        await settle(app, pilot)
        assert isinstance(app.screen, StopForm) and "cannot be compared" in tree(app)


async def test_stops_are_kept_with_the_target(tmp_path: Path) -> None:
    stops = (Stop(3, "after", ("stem",), when="nan > 0"), Stop(4, "before", ("gone",)))
    SavedState(tmp_path).keep(Target("net"), ViewState(stops=stops))
    async with running(tmp_path) as (app, pilot, engine):
        await settle(app, pilot)
        assert engine.requests(SetStops) == [SetStops(1, stops[:1])]
        kinds = [type(request) for request in engine.asked]
        assert kinds.index(SetStops) < kinds.index(Run)
        app.bookmarks.keep()
    assert SavedState(tmp_path).recall(Target("net")).stops == stops[:1]


async def test_an_engine_that_dies_stands_still_no_more(tmp_path: Path) -> None:
    async with running(tmp_path) as (app, pilot, engine):
        engine.say(PAUSED)
        await settle(app, pilot)
        assert app.state.paused is not None
        app.controller.lose_engine(Problem("the engine was killed"))
        await settle(app, pilot)
        assert app.state.paused is None and not app.workbench.stop_bar.has_class("-shown")


async def test_a_line_of_the_source_is_stopped_at(tmp_path: Path) -> None:
    async with running(tmp_path) as (app, pilot, engine):
        await pilot.press("j", "tab")
        await settle(app, pilot)
        await pilot.press("exclamation_mark")
        await settle(app, pilot)
        stop = Stop(1, "line", ("stem",), file="/tmp/net.py", line=1)
        assert engine.requests(SetStops)[-1].stops == (stop,)  # type: ignore[attr-defined]
        assert "1■" in tree(app)
        event = Paused(1, 1, 1, "line", ("stem",), file="/tmp/net.py", line=1, text="return x")
        engine.say(event, Stops(1, (StopRow(stop, 1),)))
        await settle(app, pilot)
        assert "stopped net.py:1 in stem" in bar(app) and "return x" in bar(app)
        await pilot.press("s", "o", "O")
        await settle(app, pilot)
        assert [request.how for request in engine.requests(GoOnWith)] == ["into", "over", "out"]  # type: ignore[attr-defined]
        await pilot.press("asterisk")
        await settle(app, pilot)
        assert "net.py:1 in stem" in tree(app) and "1 hit" in tree(app)
        await pilot.press("i", *["down"] * 3, *"x.max() > 3", "enter")
        await settle(app, pilot)
        assert engine.requests(SetStops)[-1].stops[-1] == replace(stop, when="x.max() > 3")  # type: ignore[attr-defined]


async def test_a_line_of_a_call_site_is_stopped_at_in_the_module_that_calls(tmp_path: Path) -> None:
    engine = FakeEngine()
    site = Source(("body", "0"), "site", "called at net.py:7", "x = f(x)", file="/tmp/net.py", first_line=7, focus=7)
    engine.replies[GetSource] = lambda request: replace(site, runs_in=("body",))
    async with running(tmp_path, engine) as (app, pilot, engine):
        app.workbench.select_path(("body", "0"))
        await pilot.press("tab", "c")
        await settle(app, pilot)
        await pilot.press("exclamation_mark")
        await settle(app, pilot)
        stop = Stop(1, "line", ("body",), file="/tmp/net.py", line=7)
        assert engine.requests(SetStops)[-1].stops == (stop,)  # type: ignore[attr-defined]
        assert "7■" in tree(app)


async def test_a_pass_that_met_no_stop_says_so(tmp_path: Path) -> None:
    stem, line = Stop(1, "before", ("stem",)), Stop(2, "line", ("body",), file="/tmp/net.py", line=9)
    async with running(tmp_path) as (app, pilot, engine):
        quiet = [StopRow(stem, 1), StopRow(line)], [StopRow(replace(stem, enabled=False))], []
        for number, rows in enumerate((*quiet, [StopRow(stem), StopRow(line)]), 2):
            assert not told(app)
            engine.say(Stops(1, tuple(rows)), PassEnded(1, PassSummary(number, 1.0, 2)))
            await settle(app, pilot)
        assert told(app) == ["the pass did not meet the stop at stem nor 1 more; * lists all"]


async def test_a_line_may_be_stopped_at_in_every_module(tmp_path: Path) -> None:
    async with running(tmp_path) as (app, pilot, engine):
        await pilot.press("j", "tab", "exclamation_mark")
        await settle(app, pilot)
        stop = Stop(1, "line", ("stem",), file="/tmp/net.py", line=1)
        await pilot.press("shift+tab", "j")
        await settle(app, pilot)
        assert "1■" not in tree(app), "the line of another module"
        await pilot.press("asterisk", "i", "space", "ctrl+r")
        await settle(app, pilot)
        assert engine.requests(SetStops)[-1].stops == (replace(stop, everywhere=True),)  # type: ignore[attr-defined]
        assert "net.py:1 in every module" in tree(app)
        await pilot.press("q")
        await settle(app, pilot)
        assert "1■" in tree(app)
        await pilot.press("tab", "exclamation_mark")
        await settle(app, pilot)
        assert engine.requests(SetStops)[-1].stops == ()  # type: ignore[attr-defined]


async def test_python_where_it_stands_still(tmp_path: Path) -> None:
    engine = FakeEngine()
    found = [
        Evaluated(VALUE),
        Evaluated(problem=Problem("the line raised NameError: name 'y' is not defined")),
        Evaluated(values=(NamedValue("output", VALUE),), changed=("output",)),
    ]
    engine.replies[Evaluate] = lambda request: found.pop(0)
    engine.replies[CompleteLine] = lambda request: Completed(("output", "output2"))
    async with running(tmp_path, engine) as (app, pilot, _):
        await pilot.press("semicolon")
        await settle(app, pilot)
        assert app.screen is app.workbench  # nothing stands still
        engine.say(PAUSED)
        await settle(app, pilot)
        await pilot.press("semicolon")
        await settle(app, pilot)
        assert isinstance(app.screen, PythonLine) and "Python after body.0" in tree(app)
        await pilot.press(*"out", "tab")
        await settle(app, pilot)
        assert "output  output2" in tree(app)
        await pilot.press("enter")
        await settle(app, pilot)
        assert engine.requests(Evaluate) == [Evaluate(1, "output")] and "> output" in tree(app) and "2×4" in tree(app)
        await pilot.press(*"y", "enter")
        await settle(app, pilot)
        assert "NameError" in tree(app)
        await pilot.press("up", "up", *" = 1", "enter")
        await settle(app, pilot)
        assert engine.requests(Evaluate)[-1] == Evaluate(1, "output = 1")
        await pilot.press("escape")
        await settle(app, pilot)
        await pilot.press("semicolon", "up")
        await settle(app, pilot)
        assert "output = 1" in tree(app)  # what was run before is remembered


FRAMES = (
    FrameRow(0, "Net.forward", "/x/net.py", 3, "return self.body(x)", "yours", ()),
    FrameRow(1, "Linear.forward", "/x/linear.py", 134, "return F.linear(input)", "torch", ("body", "0")),
)


async def test_the_tree_stays_at_the_module_and_source_shows_who_calls_it(tmp_path: Path) -> None:
    async with running(tmp_path) as (app, pilot, engine):
        engine.say(PAUSED, Stack(FRAMES, 2, 0))
        await settle(app, pilot)
        assert app.workbench.selected_path == ("body", "0")
        assert engine.requests(GetFrameSource)[-1] == GetFrameSource(1, 0, ("body", "0"))


async def test_a_line_of_torch_is_listed_where_it_stands_still(tmp_path: Path) -> None:
    async with running(tmp_path) as (app, pilot, engine):
        engine.say(replace(PAUSED, on="line", file="/x/linear.py", line=134), Stack(FRAMES, 2, 1))
        await settle(app, pilot)
        stack = app.workbench.stack
        assert [row.number for row in stack.rows] == [1, 0] and stack.row == FRAMES[1]
        assert "stands still in Linear.forward" in str(stack.border_title)


@pytest.mark.parametrize("line", [1, 9, 17])
async def test_the_stack_leaves_room_for_the_line_that_it_stands_at(tmp_path: Path, line: int) -> None:
    engine = FakeEngine()
    code = "def forward(self, x):\n" + "".join(f"    x = x + {n}\n" for n in range(2, 30))
    engine.replies[GetFrameSource] = lambda request: Source(
        request.path, "frame", "forward", code, file="/tmp/net.py", focus=line
    )
    rows = tuple(LocalRow(f"x{n}", "variable", VALUE) for n in range(20))
    engine.replies[GetLocals] = lambda request: Locals(request.number, rows[: 1 if request.number else 20], 1)
    async with running(tmp_path, engine, size=(80, 24)) as (app, pilot, _):
        engine.say(PAUSED, Stack(FRAMES, 2, 1))
        await settle(app, pilot)
        assert app.workbench.stack.size.height == 3  # two frames, and one line less than is there
        assert app.workbench.panels.find(SourcePanel).view.shows(line - 1)
        await pilot.press("tab", "tab", "j")
        await settle(app, pilot)
        await pilot.pause()
        assert 3 < app.workbench.stack.size.height <= 24 * 0.4
        assert app.workbench.panels.find(SourcePanel).view.shows(line - 1)


async def test_a_stop_that_is_there_is_not_set_twice(tmp_path: Path) -> None:
    async with running(tmp_path) as (app, pilot, engine):
        await pilot.press("j", "exclamation_mark", "asterisk", "a")
        await settle(app, pilot)
        await pilot.press("enter")
        await settle(app, pilot)
        assert len(engine.requests(SetStops)[-1].stops) == 1  # type: ignore[attr-defined]


async def test_a_timeout_is_off_while_a_person_types(tmp_path: Path) -> None:
    engine = FakeEngine()
    engine.replies[CompleteLine] = lambda request: Completed()
    async with running(tmp_path, engine) as (app, pilot, _):
        engine.say(replace(PAUSED, timeout=8))
        await settle(app, pilot)
        assert "goes on after 8 s" in bar(app)
        await pilot.press("semicolon")
        await settle(app, pilot)
        assert engine.requests(CompleteLine) == [CompleteLine(1, "")]  # which the engine takes for work there
        assert "goes on after" not in bar(app)


async def test_variables_are_looked_at_again_after_a_line(tmp_path: Path) -> None:
    engine = FakeEngine()
    engine.replies[Evaluate] = lambda request: Evaluated()
    async with running(tmp_path, engine) as (app, pilot, _):
        engine.say(PAUSED, Stack(FRAMES, 2, 0))
        await settle(app, pilot)
        before = len(engine.requests(GetLocals))
        await pilot.press("semicolon", *"x.zero_()", "enter")
        await settle(app, pilot)
        assert engine.requests(GetLocals)[before:] == [GetLocals(1, 0)]


PROGRAM = Paused(1, 0, 0, "line", ("body", "0"), file="/x/train.py", line=9, text="loss = model(x)", program=True)


def at_breakpoint() -> FakeEngine:
    engine = FakeEngine()
    engine.opened = replace(engine.opened, stack=Stack(FRAMES, 1, 0), paused=PROGRAM)
    return engine


async def test_a_program_that_stands_still_has_the_keys_of_a_stop_and_lets_passes_run(tmp_path: Path) -> None:
    async with running(tmp_path, at_breakpoint()) as (app, pilot, engine):
        await settle(app, pilot)
        assert "your program stopped train.py:9 in body.0" in bar(app) and app.workbench.key_bar.context == "stopped"
        await pilot.press("r")
        await settle(app, pilot)
        assert len(engine.requests(Run)) == 1
        engine.say(PAUSED)
        await settle(app, pilot)
        assert "your program" not in bar(app)
        engine.replies[GoOnWith] = lambda request: engine.say(Resumed(1)) or Done()
        await pilot.press("c")
        await settle(app, pilot)
        assert app.return_code is None, "only the pass went on"
        assert "your program stopped train.py:9" in bar(app), "the pass is over, and the program still stands there"
        await pilot.press("semicolon")
        await settle(app, pilot)
        await pilot.press(*"x", "enter")
        await settle(app, pilot)
        assert engine.requests(Evaluate) == [Evaluate(1, "x", 0)]
        await pilot.press("escape", "o")
        await settle(app, pilot)
        assert engine.requests(GoOnWith)[1:] == [GoOnWith(1, "over")] and app.return_code is None


async def test_a_script_is_in_no_module_and_its_tensors_are_named_first(tmp_path: Path) -> None:
    engine = at_breakpoint()
    values = (
        NamedValue("torch", OtherValue("torch", "")),
        NamedValue("step", ScalarValue("int", 3)),
        NamedValue("x", VALUE),
    )
    assert engine.opened.paused is not None
    engine.opened = replace(engine.opened, paused=replace(engine.opened.paused, path=(), values=values))
    async with running(tmp_path, engine) as (app, pilot, engine):
        await settle(app, pilot)
        first, second = bar(app).splitlines()
        assert first.endswith("your program stopped train.py:9")
        assert second.split()[3:5] == ["x", "2×4"] and second.index(" torch") > second.index(" x ")


async def test_a_key_that_comes_before_the_program_is_told_of_is_for_it(tmp_path: Path) -> None:
    async with running(tmp_path, held=True) as (app, pilot, engine):
        await pilot.press("o")
        await settle(app, pilot)
        assert app.screen is app.workbench and not engine.requests(GoOnWith)
        app.controller.opening.stopping.hold(PROGRAM)
        await settle(app, pilot)
        assert engine.requests(GoOnWith) == [GoOnWith(1, "over")] and app.return_code is None


async def test_a_program_is_ended_by_asking_twice(tmp_path: Path) -> None:
    async with running(tmp_path, at_breakpoint()) as (app, pilot, engine):
        await settle(app, pilot)
        await pilot.press("ctrl+c")
        assert "end your program" in str(told(app)) and not engine.requests(GoOnWith)
        await pilot.press("ctrl+c")
        await settle(app, pilot)
        assert engine.requests(GoOnWith) == [GoOnWith(1, "abort")] and app.return_code is not None


async def test_python_runs_in_the_frames_of_what_was_raised(tmp_path: Path) -> None:
    engine = FakeEngine()
    engine.opened = replace(engine.opened, stack=Stack(FRAMES, 1, 0, Problem("ValueError: no")))
    async with running(tmp_path, engine) as (app, pilot, _):
        await settle(app, pilot)
        await pilot.press("semicolon")
        await settle(app, pilot)
        await pilot.press(*"x", "enter")
        await settle(app, pilot)
        assert engine.requests(Evaluate) == [Evaluate(1, "x", 0)]
