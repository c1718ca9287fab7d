"""The first bad value, asked by a key: shown where it was asked, logged, and gone to."""

from __future__ import annotations

from pathlib import Path

from textual.pilot import Pilot

from inspector.records import CodeLine, Failed, FindFirstBad, FirstBadValue, Problem, Statistics, TensorValue
from inspector.tui.app.app import InspectorApp
from inspector.tui.panels.parameters import ParametersPanel
from inspector.tui.panels.source import SourcePanel
from inspector.tui.screens.forms.first_bad import FirstBadDialog

from ..fake_engine import FakeEngine, running
from .test_app import settle


async def opened(app: InspectorApp, pilot: Pilot[None]) -> FirstBadDialog:
    await pilot.press("Z")
    await settle(app, pilot)
    assert isinstance(app.screen, FirstBadDialog)
    return app.screen


def shown(dialog: FirstBadDialog) -> str:
    return "\n".join(line.body.plain for line in dialog._view.page.lines)


async def test_nothing_is_found_and_what_was_asked_is_kept(tmp_path: Path) -> None:
    async with running(tmp_path) as (app, pilot, engine):
        dialog = await opened(app, pilot)
        await pilot.press("enter")
        await settle(app, pilot)
        assert engine.requests(FindFirstBad) == [FindFirstBad(1)]
        assert "nothing bad" in shown(dialog) and "5 operations" in shown(dialog)
        await pilot.press(*"std > 9", "down", "space", "ctrl+r")
        await settle(app, pilot)
        assert engine.requests(FindFirstBad)[-1] == FindFirstBad(1, True, "mean", "std > 9")
        assert "no operation" in shown(dialog)
        await pilot.press("escape")
        await settle(app, pilot)
        dialog = await opened(app, pilot)
        assert dialog._condition.value == "std > 9" and dialog._backward.ticked


async def test_its_module_and_line_are_gone_to(tmp_path: Path) -> None:
    engine = FakeEngine()
    output = TensorValue((2,), "float32", "cpu")
    place = CodeLine("/x/[red]net.py", 3, "torch.log(x)")
    async with running(tmp_path, engine) as (app, pilot, _):
        path = app.state.model.paths[1]
        found = FirstBadValue(1, True, "forward", path, 1, 0, place, "torch.log", (), output, (), "a logarithm of 0")
        engine.replies[FindFirstBad] = lambda request: found
        dialog = await opened(app, pilot)
        await pilot.press("enter")
        await settle(app, pilot)
        assert "at: /x/[red]net.py:3" in shown(dialog) and "(call 1)" in shown(dialog)
        await pilot.press("escape")
        await settle(app, pilot)
        assert app.workbench.panels.current is app.workbench.panels.find(SourcePanel)
        assert app.workbench.selected_path == path


async def test_a_parameter_is_shown_among_the_others(tmp_path: Path) -> None:
    engine = FakeEngine()
    async with running(tmp_path, engine) as (app, pilot, _):
        path = app.state.model.paths[1]
        value = TensorValue((2,), "float32", "cpu", statistics=Statistics(nan=1))
        found = FirstBadValue(1, True, "parameter", path, output=value, parameters=("a.weight",), explanation="1 NaN")
        engine.replies[FindFirstBad] = lambda request: found
        dialog = await opened(app, pilot)
        await pilot.press("enter")
        await settle(app, pilot)
        assert "value " in shown(dialog) and "among the parameters" in shown(dialog)
        await pilot.press("escape")
        await settle(app, pilot)
        assert app.workbench.selected_path == path
        assert app.workbench.panels.current is app.workbench.panels.find(ParametersPanel)


async def test_a_refusal_is_shown(tmp_path: Path) -> None:
    engine = FakeEngine()
    engine.replies[FindFirstBad] = lambda request: Failed(Problem("no such measure", hint="std > 1"))
    async with running(tmp_path, engine) as (app, pilot, _):
        dialog = await opened(app, pilot)
        await pilot.press("enter")
        await settle(app, pilot)
        assert "no such measure" in shown(dialog)
