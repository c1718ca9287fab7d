"""The memory of a step, asked by a command and shown where it was asked."""

from __future__ import annotations

import asyncio
from pathlib import Path

from textual.pilot import Pilot

from inspector.records import Cancel, EstimateMemory, Failed, MemoryEstimate, Problem
from inspector.tui.app.app import InspectorApp
from inspector.tui.screens.forms.memory import MemoryDialog

from ..fake_engine import FakeEngine, running
from .test_app import settle


async def opened(app: InspectorApp, pilot: Pilot[None]) -> MemoryDialog:
    app.host.perform("estimate-memory")
    await settle(app, pilot)
    assert isinstance(app.screen, MemoryDialog)
    return app.screen


def shown(dialog: MemoryDialog) -> str:
    return "\n".join(line.body.plain for line in dialog._view.page.lines)


async def test_sizes_are_asked_and_the_table_stays_for_others(tmp_path: Path) -> None:
    async with running(tmp_path) as (app, pilot, engine):
        dialog = await opened(app, pilot)
        await pilot.press("enter")
        await settle(app, pilot)
        assert engine.requests(EstimateMemory) == [EstimateMemory(1, (1, 8, 32))]
        assert "batch 32" in shown(dialog) and "32.0 kB" in shown(dialog) and "body" in shown(dialog)
        await pilot.press("ctrl+u", *"4, 5", "down", "space", "down", *"SGD(lr=1)", "ctrl+r")
        await settle(app, pilot)
        assert engine.requests(EstimateMemory)[-1] == EstimateMemory(1, (4, 5), True, "", "SGD(lr=1)")
        assert "batch 5" in shown(dialog) and "batch 32" not in shown(dialog)
        await pilot.press("escape")
        await settle(app, pilot)
        assert app.screen is app.workbench
        dialog = await opened(app, pilot)
        assert dialog._sizes.value == "4,5" and dialog._optimizer.value == "SGD(lr=1)"


async def test_what_cannot_be_meant_is_said_and_not_asked(tmp_path: Path) -> None:
    async with running(tmp_path) as (app, pilot, engine):
        dialog = await opened(app, pilot)
        for typed, words in (("0", "whole numbers"), ("1,,2", "whole numbers"), ("x", "whole numbers")):
            await pilot.press("ctrl+u", *typed, "enter")
            assert words in str(dialog.query_one("#fault").content)
        await pilot.press("ctrl+u", "1", "down", "down", *"Adam()", "enter")
        assert "backward pass" in str(dialog.query_one("#fault").content)
        assert not engine.requests(EstimateMemory)


async def test_a_refusal_is_shown(tmp_path: Path) -> None:
    engine = FakeEngine()
    engine.replies[EstimateMemory] = lambda request: Failed(Problem("no dimension of examples", hint="give one"))
    async with running(tmp_path, engine) as (app, pilot, _):
        dialog = await opened(app, pilot)
        await pilot.press("enter")
        await settle(app, pilot)
        assert "no dimension of examples" in shown(dialog) and "give one" in shown(dialog)


async def test_leaving_stops_the_engine_at_it(tmp_path: Path) -> None:
    asked, go_on = asyncio.Event(), asyncio.Event()

    class Slow(FakeEngine):
        async def ask(self, request):
            if isinstance(request, EstimateMemory):
                asked.set()
                await go_on.wait()
                return MemoryEstimate(1, (), "forward", complete=False)
            return await super().ask(request)

    engine = Slow()
    async with running(tmp_path, engine) as (app, pilot, _):
        dialog = await opened(app, pilot)
        await pilot.press("enter")
        await asked.wait()
        await pilot.pause()
        assert "the engine is at it" in shown(dialog)
        await pilot.press("enter")  # asks for nothing more
        await pilot.press("escape")
        await pilot.pause()
        assert engine.requests(Cancel) and app.screen is app.workbench
        go_on.set()
        await settle(app, pilot)
