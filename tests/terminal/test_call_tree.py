"""The call tree by real keys: folded, gone into and back, and the pass gone through call by call."""

from __future__ import annotations

import sys
from pathlib import Path

from .harness import Terminal

FILE = """\
import torch


class Net(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.cell = torch.nn.Sequential(torch.nn.Linear(4, 4), torch.nn.Tanh())

    def forward(self, x):
        for _ in range(3):
            x = self.cell(x)
        first = x.sum(-1)
        return self.cell(x), first
"""


def test_calls_are_gone_through(tmp_path: Path) -> None:
    (tmp_path / "net.py").write_text(FILE)
    command = [sys.executable, "-m", "inspector", f"{tmp_path / 'net.py'}:Net", "-i", "2x4"]
    with Terminal(command, columns=100, environment={"XDG_STATE_HOME": str(tmp_path)}) as terminal:

        def wait_for_line(*parts: str) -> None:
            def is_there() -> bool:
                under = next((line for line in terminal.text.splitlines() if "▌" in line), "")
                return all(part in under for part in parts)

            terminal.wait_for(is_there, f"the cursor on {parts}")

        terminal.wait_for_text("pass 1 ")
        terminal.send("tt")
        terminal.wait_for_text("Call tree")
        terminal.wait_for_text("cell #3")
        terminal.send("\r")
        wait_for_line("cell #0")
        terminal.send("\r")
        wait_for_line("0 #0", "Linear")
        terminal.send("\x7f")
        wait_for_line("cell #0")
        terminal.send(")")
        wait_for_line("0 #0", "Linear")
        terminal.wait_for_text("called at container.py")
        terminal.send("))")
        wait_for_line("cell #1")
        terminal.wait_for_text("called at net.py:11")
        terminal.send("2")
        terminal.wait_for_text("call #1 of 4")
        terminal.send("." * 2)
        wait_for_line("cell #3")
        terminal.wait_for_text("call #3 of 4")
        terminal.send("1")
        terminal.wait_for_text("called at net.py:13")
        terminal.send(")))")
        terminal.wait_for_text("this is the last call of the pass")
        terminal.send("q")
        assert terminal.wait_for_end() == 0
