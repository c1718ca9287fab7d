"""`$`: what modules cost, asked for, shown, kept, and said to be old."""

from __future__ import annotations

from pathlib import Path

import pytest
from msgspec.structs import replace

from inspector.records import AnyRequest, Changes, Cost, CostRow, Costs, MeasureCosts, Run
from inspector.tui.screens.forms.costs import CostsDialog

from ..fake_engine import FakeEngine, failed, running
from .test_app import settle
from .test_pass_actions import told


def reply(request: AnyRequest) -> Costs:
    rows = [(0, 10.0, 1.0), (1, 2.0, 2.0), (2, 7.0, 0.5), (3, 1.5, 1.5), (4, 5.0, 5.0)]
    found = tuple(CostRow(module, 1, Cost(ms, own, 64, 64, 32, 32)) for module, ms, own in rows)
    return Costs(1, found, (), 10.0, 5, "host", ("aten.relu",))


def make_engine() -> FakeEngine:
    engine = FakeEngine()
    engine.replies[MeasureCosts] = reply
    return engine


@pytest.mark.parametrize("size", [(80, 24), (120, 36)])
async def test_columns_are_chosen_measured_and_kept(tmp_path: Path, size: tuple[int, int]) -> None:
    async with running(tmp_path, make_engine(), size=size) as (app, pilot, engine):
        tree = app.workbench.module_tree
        await pilot.press("$")
        await settle(app, pilot)
        assert isinstance(app.screen, CostsDialog)
        await pilot.press("space", "down", "space", "enter")  # the time too, and no own time
        await settle(app, pilot)
        assert engine.requests(MeasureCosts) == [MeasureCosts(1)]
        assert tree.options.costs == ("time", "share", "flops") and "share" in str(tree.border_title)
        await pilot.press("$", "enter")
        await settle(app, pilot)
        assert len(engine.requests(MeasureCosts)) == 1  # nothing was changed since
        await pilot.press("q")
    async with running(tmp_path, make_engine(), size=size) as (app, pilot, engine):
        assert app.workbench.module_tree.options.costs == ("time", "share", "flops")
        assert not engine.requests(MeasureCosts) and "share" not in str(app.workbench.module_tree.border_title)
        await pilot.press("$", "x", "enter")
        await settle(app, pilot)
        assert app.workbench.module_tree.options.costs == () and not engine.requests(MeasureCosts)


async def test_backward_columns_are_measured_once_a_pass_went_backward(tmp_path: Path) -> None:
    engine = make_engine()
    end = engine.end_pass

    def end_as_asked(problem=None):
        ended = end(problem)
        return replace(ended, summary=replace(ended.summary, backward=engine.requests(Run)[-1].backward))

    engine.end_pass = end_as_asked
    async with running(tmp_path, engine, size=(120, 36)) as (app, pilot, _):
        await pilot.press("$", "x", *["down"] * 6, "space", "enter")
        await settle(app, pilot)
        assert app.workbench.module_tree.options.costs == ("backward",)
        assert any("b runs a backward pass first" in words for words in told(app))
        assert len(engine.requests(MeasureCosts)) == 1
        await pilot.press("$", "enter")
        await settle(app, pilot)
        assert len(engine.requests(MeasureCosts)) == 1
        engine.replies[MeasureCosts] = lambda request: replace(reply(request), backward_ms=20.0)
        await pilot.press("b")
        await settle(app, pilot)
        await pilot.press("$", "enter")
        await settle(app, pilot)
        assert len(engine.requests(MeasureCosts)) == 2  # what there was has no backward pass
        await pilot.press("$", "enter")
        await settle(app, pilot)
        assert len(engine.requests(MeasureCosts)) == 2


async def test_the_hot_path_leads_into_what_takes_the_longest(tmp_path: Path) -> None:
    async with running(tmp_path, make_engine()) as (app, pilot, engine):
        await pilot.press("$", "h")
        await settle(app, pilot)
        assert len(engine.requests(MeasureCosts)) == 1 and app.workbench.module_tree.cursor == 4
        assert told(app)[-1] == "hot path, 2 down: 5.00 ms of 10.0 ms"
        await pilot.press("g")
        await app.action_perform("hot-path")
        await settle(app, pilot)
        assert app.workbench.module_tree.cursor == 4 and len(engine.requests(MeasureCosts)) == 1


async def test_after_a_change_costs_are_old_until_they_are_measured_anew(tmp_path: Path) -> None:
    slow = make_engine()
    slow.pass_ms = 5000.0  # no pass follows a change by itself
    async with running(tmp_path, slow) as (app, pilot, engine):
        tree = app.workbench.module_tree
        await pilot.press("$", "enter")
        await settle(app, pilot)
        engine.say(Changes(1, altering=1))
        await settle(app, pilot)
        assert "· old" in str(tree.border_title)
        await pilot.press("$", "m")
        await settle(app, pilot)
        assert "· old" not in str(tree.border_title) and len(engine.requests(MeasureCosts)) == 2


async def test_what_went_wrong_is_said_and_nothing_is_shown(tmp_path: Path) -> None:
    engine = make_engine()
    engine.replies[MeasureCosts] = failed("measuring costs was stopped: nothing is known")
    async with running(tmp_path, engine) as (app, pilot, _):
        await pilot.press("$", "enter")
        await settle(app, pilot)
        assert app.workbench.model.costs is None and not app.workbench.title_bar.work
        assert "was stopped" in app.presenter.log_panel.copy_text()
