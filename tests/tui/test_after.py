"""What is done a little later is done, however late it is."""

from __future__ import annotations

import asyncio
import itertools

import pytest
from textual import _time
from textual.app import App

from inspector.tui.after import after


@pytest.mark.parametrize("seconds", [0.0, 0.001])
async def test_it_is_called_where_the_machine_is_too_busy_to_look_in_time(
    seconds: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Textual's own timer, started with a clock on which a second goes by between any two looks, calls nothing."""
    app = App[None]()
    async with app.run_test() as pilot:
        monkeypatch.setattr(_time, "get_time", itertools.count(1.0).__next__)
        called = asyncio.Event()
        lost = asyncio.Event()
        app.set_timer(seconds or 0.001, lost.set)
        after(seconds, app, called.set)
        await asyncio.wait_for(called.wait(), 5)
        await pilot.pause()
        assert not lost.is_set()


async def test_it_is_not_called_once_it_is_taken_back() -> None:
    app = App[None]()
    async with app.run_test() as pilot:
        called = asyncio.Event()
        after(0.0, app, called.set).cancel()
        await pilot.pause(0.05)
        assert not called.is_set()
