"""What a mouse, `y` and `e` do in a terminal that only passes bytes on."""

from __future__ import annotations

import sys
from base64 import b64encode
from pathlib import Path

from .harness import Terminal

MODEL = """
import torch
class Net(torch.nn.Sequential):
    def forward(self, x):
        return super().forward(x)
def build():
    return Net(*(torch.nn.Sequential(torch.nn.Linear(4, 4), torch.nn.ReLU()) for _ in range(40)))
"""
WHEEL_DOWN = "\x1b[<65;{};{}M"


def click(column: int, row: int) -> str:
    return f"\x1b[<0;{column};{row}M\x1b[<0;{column};{row}m"


def test_the_mouse_the_clipboard_and_the_editor(tmp_path: Path) -> None:
    model, editor = tmp_path / "net.py", tmp_path / "editor"
    model.write_text(MODEL)
    editor.write_text(f'#!/bin/sh\necho "$@" > "{tmp_path}/edited"\n')
    editor.chmod(0o755)
    command = [sys.executable, "-m", "inspector", f"{model}:build", "-i", "2x4"]
    environment = {"XDG_STATE_HOME": str(tmp_path), "EDITOR": str(editor)}
    with Terminal(command, columns=100, lines=24, environment=environment) as terminal:

        def rows() -> list[str]:
            return terminal.text.splitlines()

        def cursor_is_in(row: int) -> bool:
            return "▌" in rows()[row - 1][:3]

        def copied(text: str) -> bool:
            return f"]52;c;{b64encode(text.encode()).decode()}".encode() in terminal.written

        terminal.wait_for_text("pass 1 ")
        terminal.send(click(12, 5))
        terminal.wait_for(lambda: cursor_is_in(5), "the cursor where the click was")
        terminal.send("y")
        terminal.wait_for(lambda: copied("0.0") or copied("1"), "a path that is copied")
        terminal.send(click(12, 4) * 2)
        terminal.wait_for(lambda: cursor_is_in(4) and "v Part" in rows()[-1], "the details of what was clicked twice")
        before = rows()[2:10]
        terminal.send(WHEEL_DOWN.format(12, 8) * 3)
        terminal.wait_for(lambda: rows()[2:10] != before, "a tree that the wheel moved")
        terminal.send("\tg")
        terminal.wait_for_text("return super().forward(x)")
        terminal.send("e")
        terminal.wait_for(lambda: (tmp_path / "edited").exists(), "an editor that was started")
        assert (tmp_path / "edited").read_text() == f"+4 {model}\n"
        terminal.send("j")
        terminal.wait_for(lambda: cursor_is_in(4), "the app after the editor")
