"""The steps of a pass in the app: one after the other, and how several are asked for."""

from __future__ import annotations

from pathlib import Path

import pytest
from msgspec.structs import replace
from textual.widgets import Input

from inspector.client.model import Model
from inspector.records import (
    AnyEvent,
    Brief,
    CallColumns,
    CallRow,
    CallRows,
    Change,
    Changes,
    Done,
    Failed,
    PassEnded,
    PassSummary,
    Problem,
    Progress,
    Run,
    ShowStep,
)
from inspector.tui.bars.pass_words import describe_last, describe_running
from inspector.tui.panels.outputs import OutputsPanel
from inspector.tui.screens.forms.batches import BatchesDialog
from tests.tui.fake_engine import FakeEngine

from .test_pass_actions import running, settle, told


class SteppingEngine(FakeEngine):
    """Every pass has four steps; calls of the first are no longer kept. In step n the output is 1×n."""

    def end_pass(self, problem: Problem | None = None) -> PassEnded:
        self.passes += 1
        self.show(3)
        return PassEnded(1, PassSummary(self.passes, 1.0, 4, hooks=5, steps=4, first_step=1, prefill=True))

    def show(self, step: int) -> Done:
        row = CallRow(0, step, 0, step, 0, 0.5, "ok", Brief((1, step)), step=step)
        self.say(CallRows(1, self.passes, CallColumns.of([row]), 1, step))
        return Done()

    async def ask(self, request: object) -> AnyEvent:
        if isinstance(request, ShowStep):
            self.asked.append(request)
            return self.show(request.step)
        return await super().ask(request)


def steps_asked(engine: FakeEngine) -> list[int]:
    return [request.step for request in engine.requests(ShowStep)]


async def test_braces_go_from_step_to_step_and_say_where_it_ends(tmp_path: Path):
    async with running(tmp_path, SteppingEngine()) as (app, pilot, engine):
        tree = app.workbench.module_tree
        assert "step #3 of 4 · decode" in str(tree.border_title)
        for _ in range(3):
            await pilot.press("left_curly_bracket")
            await settle(app, pilot)
        assert steps_asked(engine) == [2, 1] and "step #1 is the first of which calls were kept" in told(app)
        assert "step #1 of 4 · decode" in str(tree.border_title)
        assert [call.step for call in app.state.model.calls] == [1]
        await pilot.press(*["right_curly_bracket"] * 3)
        await settle(app, pilot)
        assert steps_asked(engine) == [2, 1, 2, 3] and "step #3 is the last one" in told(app)


async def test_one_step_is_no_axis(tmp_path: Path):
    async with running(tmp_path) as (app, pilot, engine):
        assert "step" not in str(app.workbench.module_tree.border_title)
        await pilot.press("right_curly_bracket")
        await settle(app, pilot)
        assert not engine.requests(ShowStep) and told(app) == ["the last pass has one step: m runs several batches"]


async def test_a_step_that_is_gone_is_said_and_nothing_moves(tmp_path: Path):
    engine = SteppingEngine()
    async with running(tmp_path, engine) as (app, pilot, _):
        engine.show = lambda step: Failed(Problem(f"there is no step {step}"))
        await pilot.press("left_curly_bracket")
        await settle(app, pilot)
        assert "there is no step 2" in told(app) and app.state.model.step == 3


def test_only_where_there_is_a_prefill_the_steps_are_told_apart():
    model = Model()
    model.summary, model.trace = PassSummary(1, 1.0, 4, steps=3, prefill=True), 1
    assert model.step_words == "step #0 of 3 · prefill"
    model.summary = replace(model.summary, prefill=False)
    assert model.step_words == "step #0 of 3"
    model.summary = PassSummary(1, 1.0, 4)
    assert model.step_words == ""


async def test_tokens_are_asked_for_where_the_model_makes_them(tmp_path: Path):
    engine = FakeEngine()
    async with running(tmp_path, engine) as (app, pilot, _):
        await pilot.press("m")
        assert isinstance(app.screen, BatchesDialog) and not app.screen.query("#generate")
        await pilot.press("escape")
        app.state.model.info = replace(app.state.model.info, generates=True)
        await pilot.press("m")
        box = app.screen.query_one("#generate", Input)
        box.value = "many"
        await pilot.pause()
        assert "the number of tokens is a whole number" in app.screen.query_one("#fault").render().plain
        box.value = "16"
        await pilot.press("enter")
        await settle(app, pilot)
        assert engine.requests(Run)[-1] == Run(1, generate=16)
        engine.say(Changes(1, (Change("add scale(2)"),)))
        await settle(app, pilot)
        assert engine.requests(Run)[-1] == Run(1, generate=16), "a change repeats it"


async def test_the_outputs_say_which_step_and_which_call_it_is(tmp_path: Path):
    async with running(tmp_path, SteppingEngine()) as (app, pilot, _):
        await pilot.press("2")
        await settle(app, pilot)
        assert isinstance(app.workbench.panels.current, OutputsPanel)
        assert app.workbench.panels.current.model.step_words == "step #3 of 4 · decode"


@pytest.mark.parametrize("ascii", [False, True])
def test_tokens_under_way_and_done_are_counted(ascii: bool):
    now = Progress(1, 0, 0, 0, 1.0, 3, 16, "token")
    assert describe_running(now, 4, ascii).startswith("token 3/16 ")
    assert describe_last(PassSummary(2, 5.0, 9, steps=16), "x", 60, " · ") == "pass 2 · 16 steps · 5.00 ms · x"
    assert describe_last(PassSummary(2, 5.0, 9, steps=7, batches=7), "x", 60, " · ") == "7 batches · 5.00 ms · x"
