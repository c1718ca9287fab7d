"""The lines of a forward by real keys: values beside them, iterations, and into a function and back."""

from __future__ import annotations

import sys
from pathlib import Path

from .harness import Terminal

MODEL = """
import torch
def scale(x, by=2.0):
    doubled = x * by
    return doubled + 1
class Net(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.cell = torch.nn.Linear(3, 3)
    def forward(self, x):
        for step in range(12):
            x = scale(torch.tanh(self.cell(x)))
            y = torch.log(x.abs() + 1 - 9 * (step == 7))
        if x.numel() == 0:
            x = x * 0
        return x
"""


def test_values_beside_the_source(tmp_path: Path) -> None:
    model = tmp_path / "net.py"
    model.write_text(MODEL)
    command = [sys.executable, "-m", "inspector", f"{model}:Net", "-i", "2x3"]
    with Terminal(command, columns=120, lines=40, environment={"XDG_STATE_HOME": str(tmp_path)}) as terminal:
        terminal.wait_for_text("pass 1 ")
        terminal.send("r")
        terminal.wait_for_text("→ step 7")
        terminal.send("\tjjj")
        terminal.wait_for_text("line 13 · run #7 of 12")
        terminal.wait_for_text("torch.log(x.abs() + 1 - 9 * (step == 7))")
        terminal.send(".")
        terminal.wait_for_text("run #8 of 12")
        if sys.version_info >= (3, 11):  # before, Python does not tell where an expression is
            terminal.send("ll")
            terminal.wait_for_text("expression 2 of 4")
            terminal.send("\x1b[D")
            terminal.wait_for_text("expression 1 of 4")
            terminal.send("h")
        terminal.send("k\r")
        terminal.wait_for_text("doubled + 1")
        terminal.wait_for_text("backspace back")
        terminal.send("\x7f")
        terminal.wait_for_text("line 12 · run #8 of 12")
        terminal.send("\tj")  # its lines came with the others
        terminal.wait_for_text("F.linear(input, self.weight, self.bias)")
        terminal.wait_for_text("→ 2×3")
