"""Pastes of more than a box is made for: the beginning is taken, the rest is said, and keys answer as before."""

from __future__ import annotations

from pathlib import Path

import pytest
from textual.events import Paste
from textual.widgets import Input

from inspector.tui.line_box import LONGEST
from inspector.tui.screens.hooks.code_box import LONGEST as LONGEST_CODE
from inspector.tui.screens.hooks.code_box import CodeBox

from .app.test_hook_actions import settle, told
from .fake_engine import running

KINDS = {"narrow": "x", "wide": "漢", "combining": "e\u0301", "families": "👩\u200d👩\u200d👧"}
BOXES = ["f", "slash", "colon", "o", "s", "a", "w", "R", "D", "m"]
SIZES = [(1, 1), (3, 2), (20, 4), (250, 70)]


@pytest.mark.parametrize("size", SIZES, ids=str)
@pytest.mark.parametrize("key", BOXES)
async def test_a_box_takes_the_beginning_of_a_line(key: str, size: tuple[int, int], tmp_path: Path) -> None:
    async with running(tmp_path, size=size) as (app, pilot, _):
        await pilot.press(key)
        await settle(app, pilot)
        box = app.focused
        assert isinstance(box, Input)
        for text in KINDS.values():
            box.value = "12"
            box.cursor_position = 1
            app.post_message(Paste(text * LONGEST + "\nmore"))
            await settle(app, pilot)
            assert box.value == "1" + (text * LONGEST)[: LONGEST - 2] + "2"
            assert "the rest is left out" in told(app)
        await pilot.press("x")
        await settle(app, pilot)
        assert len(box.value) == LONGEST


async def test_a_line_that_is_full_does_not_ring(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with running(tmp_path) as (app, pilot, _):
        rung: list[None] = []
        monkeypatch.setattr(app, "bell", lambda: rung.append(None))
        await pilot.press("f")
        box = app.focused
        assert isinstance(box, Input)
        box.value = "x" * LONGEST
        await pilot.press("y", "y")
        assert len(box.value) == LONGEST and not rung


async def test_a_paste_over_a_selection_takes_its_room(tmp_path: Path) -> None:
    async with running(tmp_path) as (app, pilot, _):
        await pilot.press("f")
        box = app.focused
        assert isinstance(box, Input)
        box.value = "x" * LONGEST
        box.select_all()
        app.post_message(Paste("first\nsecond"))
        await settle(app, pilot)
        assert box.value == "first"


@pytest.mark.parametrize("text", ["x", "漢", "x\n", "\n"], ids=repr)
async def test_code_takes_what_can_be_typed_in(text: str, tmp_path: Path) -> None:
    async with running(tmp_path) as (app, pilot, _):
        await pilot.press("a", *"python", "enter")
        await settle(app, pilot)
        box = app.screen.query_one(CodeBox)
        box.focus()
        before = len(box.text)
        app.post_message(Paste(text * LONGEST_CODE * 2))
        await settle(app, pilot)
        assert len(box.text) == before  # it is only looked at
        await pilot.press("i")
        app.post_message(Paste(text * LONGEST_CODE * 2))
        await settle(app, pilot)
        assert len(box.text) == LONGEST_CODE
        assert "the rest is left out" in told(app)


async def test_the_tree_takes_no_paste(tmp_path: Path) -> None:
    async with running(tmp_path) as (app, pilot, engine):
        asked = len(engine.asked)
        app.post_message(Paste("q" * 1_000_000))
        await settle(app, pilot)
        assert app.is_running and len(engine.asked) == asked
