"""The app with an engine that lies, and one that dies of writing over what it leaves behind: it says so, goes on, and
starts another one."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from random import Random
from typing import Any

import pytest

from inspector.client import engine_client
from inspector.records import Run
from inspector.tui.app.app import InspectorApp
from inspector.tui.engine_client import make_client
from inspector.tui.options import AppOptions
from inspector.tui.saved_state import SavedState
from tests.client.retold import Answers, RetoldEngine, hear_out, lie_at_random
from tests.client.trails import leave_behind, overwrite

KEYS = (*"r12345678jkgGnvBH", "space", "enter", "escape", "right_square_bracket")


@pytest.fixture(scope="module")
def answers() -> Answers:
    return hear_out()


@asynccontextmanager
async def showing(engine: RetoldEngine, folder: Path, call_log: int | None = None) -> AsyncIterator[Any]:
    """The app with this engine; gives its pilot."""
    connection = engine.start(call_log)
    options = AppOptions(target={"target": "tests/models.py:two_names"})
    app = InspectorApp(options, lambda post: make_client(connection, post), SavedState(folder))
    async with app.run_test(size=(120, 36)) as pilot:
        await wait_for(pilot, lambda: app.state.ready or not app.engine.alive)
        yield pilot
        await app.engine.close()


async def wait_for(pilot: Any, holds: Callable[[], object]) -> None:
    for _ in range(200):
        await pilot.pause(0.02)
        if holds():
            return
    raise AssertionError(f"it does not come: the engine {pilot.app.engine.problem}")


async def assert_restarts(pilot: Any, answers: Answers, monkeypatch: pytest.MonkeyPatch) -> None:
    """What it said until now is no bug of ours, and ctrl+k starts an engine that is used as before."""
    app, problem = pilot.app, pilot.app.engine.problem
    assert problem is None or "itself failed" not in problem.what
    monkeypatch.setattr(engine_client, "start_engine", RetoldEngine(answers).start)
    while len(app.screen_stack) > 1:
        app.screen.dismiss()
        await pilot.pause()
    await pilot.press("escape", "ctrl+k")
    await wait_for(pilot, lambda: app.engine.alive and app.state.ready and app.state.model.complete)
    await pilot.press("r")
    await wait_for(pilot, lambda: app.state.model.summary is not None)


@pytest.mark.parametrize("seed", [*range(6), *(pytest.param(seed, marks=pytest.mark.slow) for seed in range(6, 30))])
async def test_random_lies(seed: int, answers: Answers, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    random = Random(seed)
    async with showing(RetoldEngine(answers, lie_at_random(random)), tmp_path) as pilot:
        for key in random.choices(KEYS, k=12):
            await pilot.press(key)
        await assert_restarts(pilot, answers, monkeypatch)


@pytest.mark.parametrize("seed", [*range(6), *(pytest.param(seed, marks=pytest.mark.slow) for seed in range(6, 30))])
async def test_a_trail_that_was_written_over(
    seed: int, answers: Answers, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    call_log = leave_behind()
    overwrite(call_log, Random(seed))
    async with showing(RetoldEngine(answers, dies_at=(Run,)), tmp_path, call_log) as pilot:
        await wait_for(pilot, lambda: not pilot.app.engine.alive and pilot.app.engine.problem)
        assert pilot.app.engine.problem.what.startswith("the engine was killed by SIGSEGV during the forward pass")
        for key in "12345678jk":
            await pilot.press(key)
        await assert_restarts(pilot, answers, monkeypatch)
