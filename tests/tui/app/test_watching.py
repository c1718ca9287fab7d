"""Files that change under an open model, with an engine that answers by a script."""

from __future__ import annotations

import os
from pathlib import Path

from inspector.records import Failed, LoadRecipe, Open, OwnFiles, Problem, Recipe, Run
from inspector.tui.app.watching import describe_files
from inspector.tui.saved_state import SavedState
from inspector.tui.screens.last_hooks import LastHooksOffer

from ..fake_engine import FakeEngine, running
from .test_hook_actions import settle, title, told
from .test_last_hooks import add_scale, press


async def write(app, pilot, file: Path, text: str = "changed") -> None:
    """As an editor does, and the looks that follow."""
    file.write_text(text)
    os.utime(file, ns=(len(text), len(text)))  # however coarse the clock of the disk is
    for _ in range(2):
        await app.watching.look()
        await settle(app, pilot)


def target(folder: Path) -> dict[str, object]:
    (folder / "net.py").write_text("")
    (folder / "parts.py").write_text("")
    return {"target": {"target": f"{folder}/net.py:Net", "inputs": ["1x3"]}}


async def test_f5_keeps_hooks_place_and_input(tmp_path: Path) -> None:
    async with running(tmp_path, **target(tmp_path)) as (app, pilot, engine):
        engine.say(OwnFiles(1, (f"{tmp_path}/net.py", f"{tmp_path}/parts.py")))
        await add_scale(app, pilot)
        await press(app, pilot, "down", "down")
        place, added = app.workbench.selected_path, engine.added
        await write(app, pilot, tmp_path / "parts.py")
        assert "parts.py changed, F5 reloads" in title(app)
        engine.added, engine.changed, runs = Recipe(), [], len(engine.requests(Run))
        await press(app, pilot, "f5")
        assert engine.restarts == 1 and "changed, F5" not in title(app)
        assert engine.requests(LoadRecipe) == [LoadRecipe(1, text=added.text)]
        assert engine.requests(Open)[0] == engine.requests(Open)[1]
        assert "reloaded, with 1 hook as before" in told(app)
        assert "changed since" not in title(app) and len(engine.requests(Run)) == runs + 1
        assert app.workbench.selected_path == place == ("body",)
        first = engine.asked.index(engine.requests(LoadRecipe)[0])
        assert isinstance(next(each for each in engine.asked[first:] if isinstance(each, Run)), Run)


async def test_a_reload_that_fails_is_said_and_tried_again(tmp_path: Path) -> None:
    engine = FakeEngine()
    async with running(tmp_path, engine, **target(tmp_path)) as (app, pilot, _):
        await add_scale(app, pilot)
        added = engine.added
        broken = Failed(Problem("SyntaxError: invalid syntax", exit_code=2))
        engine.replies[Open] = lambda request: broken
        await press(app, pilot, "f5")
        assert "SyntaxError: invalid syntax" in title(app) and app.is_running
        await write(app, pilot, tmp_path / "net.py")
        assert "net.py changed, F5 reloads" in title(app)
        await app.ask(Run(1))
        del engine.replies[Open]
        await press(app, pilot, "f5")
        assert engine.requests(LoadRecipe) == [LoadRecipe(1, text=added.text)]
        engine.replies[Open] = lambda request: broken
        await press(app, pilot, "f5", "q")
        assert app.return_code is not None
    kept = [SavedState(tmp_path).recall(request.target).recipe for request in engine.requests(Open)]
    assert added.hooks[0] not in kept and kept[0].hooks  # of a model that is not there, too


async def test_an_engine_that_is_started_again_has_hooks_offered(tmp_path: Path) -> None:
    async with running(tmp_path, **target(tmp_path)) as (app, pilot, engine):
        await add_scale(app, pilot)
        engine.added = Recipe()
        await press(app, pilot, "ctrl+k")
        assert isinstance(app.screen, LastHooksOffer) and not engine.requests(LoadRecipe)
        await press(app, pilot, "enter")
        assert len(engine.requests(LoadRecipe)) == 1


async def test_watching_reloads_by_itself_but_in_no_pass_and_under_no_layer(tmp_path: Path) -> None:
    async with running(tmp_path, watch=True, **target(tmp_path)) as (app, pilot, engine):
        app.state.running = True
        await write(app, pilot, tmp_path / "net.py")
        app.state.running = False
        await press(app, pilot, "question_mark")
        await write(app, pilot, tmp_path / "net.py", "again")
        assert not engine.restarts
        await press(app, pilot, "q")
        await app.watching.look()
        await settle(app, pilot)
        assert engine.restarts == 1
        (tmp_path / "net.py").unlink()
        await app.watching.look()
        await app.watching.look()
        await settle(app, pilot)
        assert engine.restarts == 1 and "net.py changed" in title(app)


def test_several_files_are_counted() -> None:
    assert describe_files(("/a/net.py", "/a/parts.py")) == "2 files changed" and describe_files(()) == ""
