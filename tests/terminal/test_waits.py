"""What is waited for, by real keys: how far it is, and how it is stopped."""

from __future__ import annotations

import sys
from pathlib import Path

from .harness import ROOT, Terminal

MODELS = """
import time, torch

class Picky(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.fc = torch.nn.Linear(7, 3)

    def forward(self, x):
        time.sleep(0.4)
        return self.fc(x.reshape(-1, 12345))

def build():
    net = torch.nn.ModuleList()
    while True:
        time.sleep(0.02)
        net.append(torch.nn.Linear(3, 3))
"""


def test_a_guess_and_a_load_say_how_far_they_are_and_stop(tmp_path: Path) -> None:
    (tmp_path / "slow.py").write_text(MODELS)
    environment = {"XDG_STATE_HOME": str(tmp_path), "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-m", "inspector", "slow.py:Picky"]
    with Terminal(command, columns=100, lines=30, environment=environment, folder=tmp_path) as terminal:
        terminal.wait_for(lambda: "finding an input  try 2 of 25" in terminal.text and "^c stops" in terminal.text)
        terminal.send("\x03")
        terminal.wait_for_text("The guess failed: RuntimeError: shape '[-1, 12345]'")
        terminal.wait_for_text("(root) (Picky) got 1×")
        terminal.send("\x1b")
        terminal.wait_for(lambda: "The guess failed" not in terminal.text)
        assert "finding" not in terminal.text
        terminal.send("oslow.py:build\r")
        terminal.wait_for(lambda: "building" in terminal.text and " modules " in terminal.text)
        terminal.wait_for_text("^c stops")
        terminal.send("\x03")
        terminal.wait_for_text("the engine is gone")
        terminal.send("q")
        assert terminal.wait_for_end() == 1
