"""A target that cannot be opened, or is not chosen, leaves what is open as it is."""

from __future__ import annotations

from pathlib import Path

import pytest

from inspector.records import Choice, Choices, GetParameters, Open, Run
from inspector.tui.app.app import InspectorApp

from ..fake_engine import FakeEngine, failed, running
from .test_hook_actions import title, told
from .test_last_hooks import press


def tree_of(app: InspectorApp) -> list[str]:
    tree = app.workbench.module_tree
    return [tree.render_line(y).text for y in range(tree.size.height)]


def choices(request: Open) -> Choices:
    return Choices("models.py", (Choice("models.py:One", "module"), Choice("models.py:Two", "module")))


@pytest.mark.parametrize("reply", [failed("there is no resnet81", exit_code=2), choices])
async def test_the_open_model_stays(tmp_path: Path, reply) -> None:
    engine = FakeEngine()
    async with running(tmp_path, engine) as (app, pilot, _):
        await press(app, pilot, "j", "j", "4")
        before, place, passes = tree_of(app), app.workbench.view_state(), len(engine.requests(Run))
        model, target, shown = app.state.model, app.state.target, title(app)
        engine.replies[Open] = reply
        await press(app, pilot, "o", "ctrl+u", "z", "enter")
        await press(app, pilot, "escape" if reply is choices else "4")
        assert reply is choices or "there is no resnet81; what was open still is" in told(app)
        assert (app.state.model, app.state.target) == (model, target)
        assert tree_of(app) == before and app.workbench.view_state() == place
        assert title(app) == shown and len(engine.requests(Run)) == passes


async def test_a_model_that_the_engine_let_go_of_is_not_shown(tmp_path: Path) -> None:
    engine = FakeEngine()
    async with running(tmp_path, engine) as (app, pilot, _):
        engine.replies[Open] = failed("scale has no argument x", exit_code=2)
        engine.replies[GetParameters] = failed("no model is open")
        await press(app, pilot, "o", "ctrl+u", "z", "enter")
        assert not app.state.ready and "scale has no argument x" in title(app)
        await press(app, pilot, "2")
        beside = app.workbench.panels.current.build(80).lines
        assert [line.body.plain for line in beside] == ["", "no model yet", "press o to open one"], "nothing is loaded"
