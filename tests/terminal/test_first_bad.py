"""`Z` in a real pseudo-terminal: the module and the line where the first bad value came from."""

from __future__ import annotations

import sys
from pathlib import Path

from .harness import Terminal

FILE = """\
import torch


class Head(torch.nn.Module):
    def forward(self, x):
        shifted = x - x.max()
        return torch.log(shifted * 0)


class Net(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.body, self.head = torch.nn.Linear(4, 4), Head()

    def forward(self, x):
        return self.head(self.body(x))
"""


def test_the_line_is_gone_to(tmp_path: Path) -> None:
    (tmp_path / "net.py").write_text(FILE)
    command = [sys.executable, "-m", "inspector", f"{tmp_path / 'net.py'}:Net", "-i", "2x4"]
    with Terminal(command, environment={"XDG_STATE_HOME": str(tmp_path)}) as terminal:
        terminal.wait_for_text("pass 1")
        terminal.send("Z")
        terminal.wait_for_text("The first bad value")
        terminal.send("\r")
        terminal.wait_for_text("a logarithm of 8 zeros")
        terminal.send("\x1b")
        terminal.wait_for(lambda: "Bad is" not in terminal.text, "the form gone")
        terminal.wait_for_text("torch.log(shifted * 0)")
        terminal.wait_for_text("Head.forward")
