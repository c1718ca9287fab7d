"""A file's name by keys: completed, emptied, and given another ending."""

from __future__ import annotations

from pathlib import Path

import pytest
from textual.app import App

from inspector.records import Problem
from inspector.tui.file_box import FileBox
from inspector.tui.line_box import LineBox
from inspector.tui.screens.file_prompt import FilePrompt


async def refuse(file: str) -> Problem | None:
    return Problem(f"there is no {file}")


@pytest.mark.parametrize(
    ("keys", "value", "said"),
    [
        ("ctrl+u b tab", "baseline", "baseline.pt  baseline.toml  baselines/"),
        ("ctrl+u b tab s tab", "baselines/", ""),
        ("ctrl+u b tab s tab tab", "baselines/[deep].pt", ""),
        ("ctrl+u x tab", "x", "no file begins so"),
        ("ctrl+u b tab x", "baselinex", ""),
        ("ctrl+u tab", "baseline", ""),
        ("ctrl+u . tab", ".hidden", ""),
        ("ctrl+u", "", ""),
        ("2", "net-hooks2.toml", ""),
        (". p y", "net-hooks.py", ""),
        ("end . p y", "net-hooks.toml.py", ""),
    ],
)
async def test_a_name_is_typed(
    keys: str, value: str, said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "baselines").mkdir()
    for name in ("baseline.pt", "baseline.toml", ".hidden", "baselines/[deep].pt", "odd\x1bname"):
        (tmp_path / name).touch()
    async with App().run_test(size=(80, 24)) as pilot:
        prompt = FilePrompt("Write", "about", "Write", "net-hooks.toml", refuse)
        await pilot.app.push_screen(prompt)
        await pilot.press(*(key if key != "." else "full_stop" for key in keys.split()))
        await pilot.pause()
        box = prompt.query_one(FileBox)
        assert box.value == value and box.has_focus
        if said:
            assert str(prompt.query_one("#names").render()) == said


async def test_ctrl_u_empties_every_box_wherever_the_cursor_is() -> None:
    async with App().run_test() as pilot:
        box = LineBox("some text")
        await pilot.app.mount(box)
        box.focus()
        await pilot.press("home", "right", "ctrl+u")
        assert box.value == ""
