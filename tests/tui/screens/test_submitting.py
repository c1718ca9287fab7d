"""A layer that waits for the engine says so."""

from __future__ import annotations

import asyncio

import pytest
from textual.app import App

from inspector.records import Problem
from inspector.tui.screens import submitting
from inspector.tui.screens.file_prompt import FilePrompt


@pytest.mark.parametrize("ended_by", ["refusal", "escape"])
async def test_who_waits_for_the_engine_is_told_so(ended_by: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A comparison of 300,000 names took a minute and a half, and nothing was seen of it."""
    monkeypatch.setattr(submitting, "PATIENCE", 0.01)
    answered = asyncio.Event()

    async def carry_out(file: str) -> Problem | None:
        await answered.wait()
        return Problem(f"there is no {file}")

    app: App[None] = App()
    async with app.run_test() as pilot:
        prompt = FilePrompt("Try", "about", "Compare", "a file", carry_out)
        await app.push_screen(prompt)
        before = str(prompt.query_one("#layer").border_subtitle)
        await pilot.press("enter")
        while str(prompt.query_one("#layer").border_subtitle) != submitting.WAITING:
            await pilot.pause(0.01)
        if ended_by == "escape":
            await pilot.press("escape")
            assert app.screen is not prompt
        answered.set()
        await app.workers.wait_for_complete()
        await pilot.pause()
        assert app.screen is not prompt or str(prompt.query_one("#layer").border_subtitle) == before
