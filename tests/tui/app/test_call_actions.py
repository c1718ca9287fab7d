"""Through a pass call by call: the tree, the source line and the outputs follow, whoever moves."""

from __future__ import annotations

from pathlib import Path

from inspector.records import (
    AnyEvent,
    Brief,
    CallColumns,
    CallDetail,
    CallRow,
    CallRows,
    Calls,
    GetCalls,
    GetSource,
    MappingValue,
    PassEnded,
    PassSummary,
    Problem,
    ScalarValue,
)
from inspector.tui.panels.outputs import OutputsPanel
from inspector.tui.panels.source import SourcePanel
from tests.tui.fake_engine import PATHS, FakeEngine

from .test_pass_actions import running, settle, told
from .test_steps import SteppingEngine

CALLS = (
    CallRow(1, 0, 1, 2, 1, 0.5, "ok", Brief((1, 8)), caller=0),
    CallRow(3, 0, 4, 5, 2, 0.5, "ok", Brief((1, 8)), caller=3),
    CallRow(3, 1, 6, 7, 2, 0.5, "ok", Brief((1, 8)), in_step=1, caller=3),
    CallRow(2, 0, 3, 8, 1, 0.5, "ok", Brief((1, 8)), caller=0),
    CallRow(0, 0, 0, 9, 0, 2.0, "ok", Brief((1, 8))),
)
"""The root calls `stem` and `body`, which calls `body.0` twice."""
NOTHING = MappingValue("dict", (), (), 0)


class Traced(FakeEngine):
    """Keeps two calls of a module, and one more where it is asked for."""

    most = 2

    def end_pass(self, problem: Problem | None = None) -> PassEnded:
        self.passes += 1
        self.say(CallRows(1, self.passes, CallColumns.of(self.made()), len(self.made())))
        return PassEnded(1, PassSummary(self.passes, 1.0, len(self.made()), hooks=5, problem=problem))

    def made(self) -> tuple[CallRow, ...]:
        return CALLS

    async def ask(self, request: object) -> AnyEvent:
        if isinstance(request, GetCalls):
            self.asked.append(request)
            own = [call for call in self.made() if PATHS[call.module] == request.path]
            kept = own[: self.most] + [call for call in own[self.most :] if call.in_step == request.call]
            details = [CallDetail(row, request.path, "X", (), NOTHING, ScalarValue("int", row.start)) for row in kept]
            return Calls(1, self.passes, tuple(details), len(own), path=request.path)
        return await super().ask(request)


async def test_parentheses_go_through_the_pass_and_all_panes_follow(tmp_path: Path) -> None:
    async with running(tmp_path, Traced()) as (app, pilot, engine):
        outputs = app.workbench.panels.find(OutputsPanel)
        await pilot.press("2")
        seen = []
        for _ in range(4):
            await pilot.press("right_parenthesis")
            await settle(app, pilot)
            assert app.state.model.looked_at is not None and outputs.calls is not None
            shown = outputs.calls.calls[outputs.call]
            seen.append((app.workbench.selected_path, shown.row.in_step))
            assert shown.row == app.state.model.calls[app.state.model.looked_at]
        assert seen == [(("stem",), 0), (("body",), 0), (("body", "0"), 0), (("body", "0"), 1)]
        await pilot.press("right_parenthesis")
        await settle(app, pilot)
        assert "this is the last call of the pass" in told(app) and outputs.call == 1
        await pilot.press("1")
        await settle(app, pilot)
        assert engine.requests(GetSource)[-1] == GetSource(1, ("body", "0"), "site", 1)
        await pilot.press("left_parenthesis")
        await settle(app, pilot)
        assert engine.requests(GetSource)[-1] == GetSource(1, ("body", "0"), "site", 0)
        await pilot.press(*["left_parenthesis"] * 4)
        await settle(app, pilot)
        assert "this is the first call of the pass" in told(app) and app.workbench.selected_path == ()


async def test_a_call_that_is_chosen_is_the_same_everywhere(tmp_path: Path) -> None:
    async with running(tmp_path, Traced()) as (app, pilot, _):
        tree, outputs = app.workbench.module_tree, app.workbench.panels.find(OutputsPanel)
        app.workbench.select_path(("body", "0"))
        await pilot.press("2", "full_stop")
        await settle(app, pilot)
        assert outputs.call == 1 and app.state.model.looked_at == 2
        await pilot.press("t")
        await settle(app, pilot)
        assert tree.selected_call == app.state.model.calls[2] and outputs.call == 1
        await pilot.press("comma")
        await settle(app, pilot)
        assert tree.selected_call == app.state.model.calls[1] and outputs.call == 0
        await pilot.press("t")
        await settle(app, pilot)
        assert tree.nested and tree.selected_call == app.state.model.calls[1]
        await pilot.press("j")
        await settle(app, pilot)
        assert tree.selected_call == app.state.model.calls[2] and outputs.call == 1 and app.state.model.looked_at == 2
        await pilot.press("r")
        await settle(app, pilot)
        assert tree.selected_call == app.state.model.calls[2] and outputs.call == 1, "another pass"
        await pilot.press("t", "k")
        await settle(app, pilot)
        assert not tree.order and app.state.model.looked_at is None, "another module, of which no call was chosen"


async def test_a_filter_lets_only_its_own_calls_through(tmp_path: Path) -> None:
    async with running(tmp_path, Traced()) as (app, pilot, _):
        app.workbench.module_tree.filter = "body.0"
        await settle(app, pilot)
        await pilot.press(*["right_parenthesis"] * 3)
        await settle(app, pilot)
        assert app.state.model.looked_at == 2
        assert told(app)[-1].startswith("this is the last call of the pass that the filter lets through")


async def test_a_call_past_those_that_are_kept_is_asked_for(tmp_path: Path) -> None:
    engine = Traced()
    many = [CallRow(1, n, 1 + 2 * n, 2 + 2 * n, 1, 0.5, "ok", Brief(), in_step=n, caller=0) for n in range(9)]
    engine.made = lambda: (*many, CallRow(0, 0, 0, 99, 0, 2.0, "ok", Brief()))
    async with running(tmp_path, engine) as (app, pilot, _):
        outputs = app.workbench.panels.find(OutputsPanel)
        app.workbench.select_path(("stem",))
        await pilot.press("2", *["full_stop"] * 7)
        await settle(app, pilot)
        assert engine.requests(GetCalls)[-1].call == 7 and outputs.calls is not None
        assert outputs.calls.calls[outputs.call].row.in_step == 7


async def test_without_a_pass_there_is_nothing_to_go_through(tmp_path: Path) -> None:
    engine = Traced()
    engine.made = lambda: ()
    async with running(tmp_path, engine) as (app, pilot, _):
        await pilot.press("right_parenthesis", "t", "t", "enter", "backspace", "l", "h", "equals_sign", "G")
        await settle(app, pilot)
        assert told(app) == ["no calls: r runs a pass"]
        assert app.workbench.panels.find(SourcePanel).part != "site"


async def test_the_end_of_a_step_names_the_key_for_the_next(tmp_path: Path) -> None:
    async with running(tmp_path, SteppingEngine()) as (app, pilot, _):
        await pilot.press("left_curly_bracket", "right_parenthesis", "left_parenthesis")
        await settle(app, pilot)
        assert "this is the last call of step #2: } goes to the next step" in told(app)
        assert "this is the first call of step #2: { goes to the previous step" in told(app)


async def test_the_end_of_the_last_step_is_that_of_the_pass(tmp_path: Path) -> None:
    async with running(tmp_path, SteppingEngine()) as (app, pilot, _):
        await pilot.press("right_parenthesis")
        await settle(app, pilot)
        assert told(app)[-1] == "this is the last call of the pass"
