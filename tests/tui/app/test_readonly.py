"""`--readonly`: every key that would change the model says so and asks the engine for nothing; looking goes on."""

from __future__ import annotations

from pathlib import Path

import pytest

from inspector.records import LoadStateDict, Observe, Open, Run, SetHook, Undo
from inspector.tui.app.actions.changer import READONLY
from inspector.tui.screens.hooks.all_hooks import AllHooksScreen

from ..fake_engine import running
from .test_app import settle
from .test_hook_actions import OURS, THEIRS, at_hooks, title, with_hooks
from .test_pass_actions import told
from .test_weight_actions import WHOLE, offering


@pytest.mark.parametrize("size", [(80, 24), (120, 36)])
async def test_keys_that_change_say_that_they_may_not(tmp_path: Path, size: tuple[int, int]):
    async with running(tmp_path, with_hooks(OURS, THEIRS), size=size, readonly=True) as (app, pilot, engine):
        assert engine.requests(Open)[0].target.readonly and "read-only" in title(app)
        before = len(engine.asked)
        for key in ("a", "E", "X", "R"):
            await pilot.press(key)
            await settle(app, pilot)
            assert told(app)[-1].startswith(READONLY) and app.screen is app.workbench
        assert len(engine.asked) == before
        await at_hooks(app, pilot)
        for key in ("space", "i", "d"):
            await pilot.press(key)
            await settle(app, pilot)
        assert app.screen is app.workbench and not engine.requests(SetHook)
        await pilot.press("tab", "space", "u", "r", "H")
        await settle(app, pilot)
        assert engine.requests(Observe) and engine.requests(Undo) and engine.requests(Run)
        assert isinstance(app.screen, AllHooksScreen)


async def test_a_state_dict_is_compared_and_not_loaded(tmp_path: Path):
    async with running(tmp_path, offering(WHOLE), readonly=True) as (app, pilot, engine):
        await pilot.press("D", *"w.pt", "enter")
        await settle(app, pilot)
        await pilot.press("enter")
        await settle(app, pilot)
        assert told(app)[-1].startswith(READONLY) and not engine.requests(LoadStateDict)
