"""Values of whichever module is selected, gradients of parameters and sorting, by real keys."""

from __future__ import annotations

import sys
from pathlib import Path

from .harness import Terminal

MODEL = """
import os, time, torch
class Net(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.act, self.fc = torch.nn.ReLU(), torch.nn.Linear(12, 12)
    def forward(self, x):
        if os.path.exists(__file__ + ".slow"):
            time.sleep(1.2)
        return self.fc(self.act(torch.arange(720.0).reshape(2, 3, 10, 12) - 100 + 0 * x.mean()))
"""
DOWN, RIGHT = "\x1b[B", "\x1b[C"


def test_values_are_there_move_and_say_how_to_have_them(tmp_path: Path) -> None:
    model, slow = tmp_path / "net.py", tmp_path / "net.py.slow"
    model.write_text(MODEL)
    command = [sys.executable, "-m", "inspector", f"{model}:Net", "-i", "2x3x10x12"]
    with Terminal(command, columns=100, lines=40, environment={"XDG_STATE_HOME": str(tmp_path)}) as terminal:
        terminal.wait_for_text("pass 1 ")
        terminal.send("2j")
        terminal.wait_for_text("0: 14 %")
        terminal.wait_for_text("[0, 0, :6, :")
        terminal.send("p\t" + DOWN)
        terminal.wait_for_text("[0, 1, 4:10, :")
        terminal.send("pp" + RIGHT + "k")
        terminal.wait_for_text("[1, 0, 4:10, 3:12]")
        slow.touch()
        terminal.send("\tr")
        terminal.wait_for_text("pass 2 ")
        terminal.send("j")
        terminal.wait_for_text("the pass is slow: x fetches")
        terminal.send("x")
        terminal.wait_for_text("running it again … (^c or another module stops it)")
        terminal.wait_for_text("[0, 0, :6, :")
        slow.unlink()
        terminal.send("b3")
        terminal.wait_for_text("its gradient")
        terminal.send("S")
        terminal.wait_for_text("Modules by own time")
        terminal.send("S")
        terminal.wait_for_text("Modules by own parameters")
