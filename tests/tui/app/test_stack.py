"""The frames of what was raised: listed, gone along with the cursor, and away without a stack."""

from __future__ import annotations

from pathlib import Path

import pytest
from msgspec.structs import replace

from inspector.records import (
    CodeLine,
    FrameRow,
    GetFrameSource,
    GetLocals,
    GetSource,
    GetStack,
    LocalRow,
    Locals,
    MappingValue,
    NoneValue,
    Problem,
    Run,
    ScalarValue,
    Stack,
    Statistics,
    TensorValue,
)
from inspector.tui.app.app import InspectorApp
from inspector.tui.panels.log import LogPanel
from inspector.tui.panels.source import SourcePanel

from ..fake_engine import FakeEngine, running
from .test_app import settle
from .test_call_actions import Traced
from .test_pass_actions import told

FRAMES = (
    FrameRow(0, "<module>", "/x/train.py", 9, "main()", "yours"),
    FrameRow(1, "Module._call_impl", "/x/module.py", 1, "", "plumbing", ()),
    FrameRow(2, "Net.forward", "/x/net.py", 3, "return self.body(x)", "yours", ()),
    FrameRow(3, "Block.forward", "/x/[red]net.py", 7, "raise", "package", ("body", "0")),
    FrameRow(4, "linear", "/x/functional.py", 70, "", "torch", ("body", "0")),
)
RAISED = Problem("ValueError: [red]wrong", path=("body", "0"))


def at_stack() -> FakeEngine:
    engine = FakeEngine()
    engine.opened = replace(engine.opened, stack=Stack(FRAMES, 5, 3, RAISED))
    return engine


def listed(app: InspectorApp) -> list[str]:
    return [line.body.plain for line in app.workbench.stack.frames.page.lines]


def variables(app: InspectorApp) -> list[str]:
    return [line.body.plain for line in app.workbench.stack.variables.page.lines]


async def test_it_opens_at_the_frame_that_raised_and_runs_nothing(tmp_path: Path) -> None:
    async with running(tmp_path, at_stack()) as (app, pilot, engine):
        await settle(app, pilot)
        stack = app.workbench.stack
        assert stack.display and stack.frames.has_focus
        assert listed(app) == ["Block.forward", "Net.forward", "<module>"]
        assert app.workbench.selected_path == ("body", "0")
        assert isinstance(app.workbench.panels.current, SourcePanel)
        assert engine.requests(GetLocals)[-1] == GetLocals(1, 3)
        assert engine.requests(GetFrameSource)[-1] == GetFrameSource(1, 3, ("body", "0"))
        assert "wrong" in str(stack.border_title) and not engine.requests(Run)


async def test_the_tree_and_the_source_follow_the_cursor(tmp_path: Path) -> None:
    async with running(tmp_path, at_stack()) as (app, pilot, _):
        await settle(app, pilot)
        source = app.workbench.panels.find(SourcePanel)
        await pilot.press("down")
        await settle(app, pilot)
        assert app.workbench.selected_path == () and source.source is not None and source.source.title == "frame 2"
        await pilot.press("down")
        await settle(app, pilot)
        assert source.source.title == "frame 0" and app.workbench.selected_path == ()
        await pilot.press("x")
        await settle(app, pilot)
        assert len(listed(app)) == 5 and app.workbench.stack.row == FRAMES[0]
        await pilot.press("v")  # another part of the module: no frame any more
        await settle(app, pilot)
        await pilot.press("tab", "tab", "v")
        await settle(app, pilot)
        assert source.source is not None and source.source.part != "frame"


async def test_variables_stand_one_on_a_line_with_what_is_bad_in_them(tmp_path: Path) -> None:
    engine = at_stack()
    tensor = TensorValue((2, 3), "float16", "cuda:0", statistics=Statistics(-1.0, 2.0, 0.0, 1.0, nan=4))
    held = MappingValue("dict", ("key",), (ScalarValue("int", 3),), 1)
    rows = (
        LocalRow("self", "argument", ScalarValue("x", "y"), ("body", "0")),
        LocalRow("x", "argument", tensor),
        LocalRow("held", "variable", held),
    )
    engine.replies[GetLocals] = lambda request: Locals(request.number, rows, 5)
    async with running(tmp_path, engine) as (app, pilot, _):
        await settle(app, pilot)
        shown = [" ".join(line.split()) for line in variables(app)]
        assert shown[0] == "self body.0 x"
        assert shown[1] == "x 2×3 float16 cuda:0 -1 … 2 4 NaN"
        assert shown[2:] == ["held dict of 1", "key 3", "and 2 more"]


async def test_a_backward_pass_leads_to_the_forward_that_it_goes_back_to(tmp_path: Path) -> None:
    engine = FakeEngine()
    raised = Problem("RuntimeError: nan", path=("body", "0"), why="in the backward pass, in [red]SqrtBackward0")
    engine.opened = replace(engine.opened, stack=Stack(FRAMES[:2], 2, 0, raised, CodeLine("/tmp/net.py", 1)))
    async with running(tmp_path, engine) as (app, pilot, _):
        await settle(app, pilot)
        assert app.workbench.selected_path == ("body", "0")
        assert engine.requests(GetSource)[-1] == GetSource(1, ("body", "0"), "forward")
        assert not engine.requests(GetFrameSource)


async def test_why_stands_above_the_variables_of_the_frame_that_raised(tmp_path: Path) -> None:
    engine = at_stack()
    engine.opened = replace(engine.opened, stack=Stack(FRAMES, 5, 3, replace(RAISED, why="it takes [red]2")))
    engine.replies[GetLocals] = lambda request: Locals(request.number, (LocalRow("x", "argument", NoneValue()),), 1)
    async with running(tmp_path, engine) as (app, pilot, _):
        await settle(app, pilot)
        assert variables(app)[0] == "it takes [red]2" and len(variables(app)) == 2
        await pilot.press("down")
        await settle(app, pilot)
        assert [line.split()[0] for line in variables(app)] == ["x"]


async def test_variables_of_a_frame_that_was_left_are_not_shown(tmp_path: Path) -> None:
    async with running(tmp_path, at_stack()) as (app, pilot, _):
        await settle(app, pilot)
        before = variables(app)
        app.workbench.stack.show_locals(Locals(0, (LocalRow("late", "variable", ScalarValue("int", 1)),), 1))
        assert variables(app) == before == ["nothing in frame 3"]


async def test_a_stack_comes_and_goes_while_the_model_stays(tmp_path: Path) -> None:
    async with running(tmp_path) as (app, pilot, engine):
        await settle(app, pilot)
        assert not app.workbench.stack.display
        engine.say(Stack(FRAMES, 5, 2))
        await settle(app, pilot)
        assert app.workbench.stack.display and app.workbench.stack.row == FRAMES[2]
        assert app.workbench.module_tree.has_focus  # nothing was raised: the keyboard stays where it is
        await pilot.press("tab", "tab")
        assert app.workbench.stack.frames.has_focus and app.workbench.key_bar.context == "stack"
        await pilot.press("tab")
        assert app.workbench.stack.variables.has_focus
        await pilot.press("shift+tab", "shift+tab")
        assert app.workbench.panels.has_focus_within
        await pilot.press("tab")
        engine.say(Stack())
        await settle(app, pilot)
        assert not app.workbench.stack.display and app.focused is not None and app.focused.display


async def test_source_shows_the_module_again_when_the_stack_is_gone(tmp_path: Path) -> None:
    async with running(tmp_path) as (app, pilot, engine):
        await settle(app, pilot)
        engine.say(Stack(FRAMES, 5, 2))
        await settle(app, pilot)
        source = app.workbench.panels.find(SourcePanel)
        assert source.source is not None and source.source.title == "frame 2"
        engine.say(Stack())
        await settle(app, pilot)
        assert source.source is not None and source.source.title == "Net.forward"


def failing(engine: FakeEngine) -> FakeEngine:
    """Its passes raise."""
    engine.replies[Run] = lambda request: engine.end_pass(RAISED)
    engine.replies[GetStack] = lambda request: Stack(FRAMES, 5, 3, RAISED)
    return engine


async def test_a_pass_that_failed_shows_what_it_went_through_beside_the_problem(tmp_path: Path) -> None:
    async with running(tmp_path, failing(FakeEngine())) as (app, pilot, engine):
        await settle(app, pilot)
        stack, panels = app.workbench.stack, app.workbench.panels
        assert stack.display and listed(app) == ["Block.forward", "Net.forward", "<module>"]
        assert variables(app)[-1] == "nothing in frame 3"
        assert isinstance(panels.current, LogPanel) and not stack.has_focus_within, "the problem stays in sight"
        assert not engine.requests(GetFrameSource)
        assert sum("wrong" in line.body.plain for line in panels.current.view.page.lines) == 1, "it is told once"
        stack.frames.focus()
        await settle(app, pilot)
        assert isinstance(panels.current, SourcePanel)
        assert engine.requests(GetFrameSource)[-1] == GetFrameSource(1, 3, ("body", "0"))
        await pilot.press("down")
        await settle(app, pilot)
        assert app.workbench.selected_path == ()
        del engine.replies[Run]
        await pilot.press("r")
        await settle(app, pilot)
        assert not stack.display and app.focused is not None and app.focused.display, "the next pass takes it away"


async def test_frames_that_come_after_the_next_pass_began_are_not_shown(tmp_path: Path) -> None:
    engine = failing(FakeEngine())
    engine.replies[GetStack] = lambda request: Stack(FRAMES, 5, 3, Problem("another"))
    async with running(tmp_path, engine) as (app, pilot, _):
        await settle(app, pilot)
        assert engine.requests(GetStack) and not app.workbench.stack.display


async def test_the_frames_are_closed_and_opened_again(tmp_path: Path) -> None:
    async with running(tmp_path, failing(FakeEngine())) as (app, pilot, engine):
        await settle(app, pilot)
        stack = app.workbench.stack
        assert str(stack.border_title).startswith("0 Stack")
        await pilot.press("0")
        assert not stack.display and app.workbench.module_tree.has_focus
        await pilot.press("r")
        await settle(app, pilot)
        assert not stack.display, "the same error again"
        await pilot.press("0")
        assert stack.display and stack.frames.has_focus
        await settle(app, pilot)
        assert variables(app)[-1] == "nothing in frame 3"
        await pilot.press("escape")
        await settle(app, pilot)
        assert not stack.display and app.workbench.module_tree.has_focus
        assert "0 opens the frames again" in str(told(app))
        engine.replies[GetStack] = lambda request: Stack(FRAMES, 5, 3, replace(RAISED, hint="another"))
        await pilot.press("r")
        await settle(app, pilot)
        assert stack.display, "another error"


async def test_with_no_frames_it_is_said_what_shows_some(tmp_path: Path) -> None:
    async with running(tmp_path) as (app, pilot, _):
        await settle(app, pilot)
        await pilot.press("0")
        assert not app.workbench.stack.display
        assert "a pass that fails shows them" in str(told(app))


@pytest.mark.parametrize("raised", [None, RAISED])
async def test_the_tree_keeps_five_rows_beside_the_frames(tmp_path: Path, raised: Problem | None) -> None:
    async with running(tmp_path, at_stack(), size=(80, 24)) as (app, pilot, engine):
        engine.say(Stack(FRAMES, 5, 3, raised))
        await settle(app, pilot)
        app.workbench.module_tree.focus()
        await settle(app, pilot)
        assert app.workbench.stack.display
        assert app.workbench.module_tree.size.height >= 5 and app.workbench.panels.size.height >= 8


async def test_enter_leads_to_the_call_of_the_frame(tmp_path: Path) -> None:
    engine = failing(Traced())
    frames = (*FRAMES[:3], replace(FRAMES[3], call=1, step=0), FRAMES[4])
    engine.replies[GetStack] = lambda request: Stack(frames, 5, 3, RAISED)
    async with running(tmp_path, engine) as (app, pilot, _):
        await settle(app, pilot)
        stack, model = app.workbench.stack, app.workbench.model
        await pilot.press("tab", "tab", "enter")
        await settle(app, pilot)
        looked_at = model.calls[model.looked_at] if model.looked_at is not None else None
        assert looked_at is not None and (looked_at.in_step, model.paths[looked_at.module]) == (1, ("body", "0"))
        assert app.workbench.module_tree.has_focus and stack.display
        await pilot.press("tab", "tab", "down", "enter")
        await settle(app, pilot)
        assert app.workbench.selected_path == ()
        assert "nobody counted the calls" in str(told(app))


async def test_of_a_long_function_and_a_long_file_both_are_told(tmp_path: Path) -> None:
    long = replace(FRAMES[3], function="LlamaDecoderLayer.forward", file="/x/modeling_long_llama.py", line=313)
    engine = FakeEngine()
    engine.opened = replace(engine.opened, stack=Stack((long,), 1, 0, RAISED))
    async with running(tmp_path, engine, size=(80, 24)) as (app, pilot, _):
        await settle(app, pilot)
        (line,) = app.workbench.stack.frames.page.lines
        assert line.body.plain.startswith("LlamaDecoder") and line.aside.plain.endswith("llama.py:313")
