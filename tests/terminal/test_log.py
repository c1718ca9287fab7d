"""The Log panel after passes that fail and pass again, by real keys."""

from __future__ import annotations

import sys
from pathlib import Path

from .harness import Terminal

MODEL = """
import os, torch
class Net(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.bias = torch.nn.Parameter(torch.zeros(4))
    def forward(self, x):
        print("hello from the model")
        if os.path.exists(__file__ + ".bad"):
            raise ValueError("deliberate")
        return x + self.bias
"""


def test_passes_have_headings_and_an_error_ends(tmp_path: Path) -> None:
    model, bad = tmp_path / "net.py", tmp_path / "net.py.bad"
    model.write_text(MODEL)
    command = [sys.executable, "-m", "inspector", f"{model}:Net", "-i", "2x4"]
    with Terminal(command, columns=140, lines=40, environment={"XDG_STATE_HOME": str(tmp_path)}) as terminal:
        terminal.wait_for_text("pass 1 ")
        bad.touch()
        for number in (2, 3):
            terminal.send("r")
            terminal.wait_for_text(f"pass {number} · ValueError")
        terminal.wait_for_text("ValueError: deliberate  (again, as above)")
        terminal.wait_for_text("Stack  ValueError: deliberate")
        assert terminal.text.count("ValueError: deliberate") == 3, "no end of a traceback says it again"
        bad.unlink()
        terminal.send("b")
        terminal.wait_for_text("was ValueError: deliberate  (over: pass 4 went through)")
        terminal.wait_for_text("pass 4, backward")
        terminal.wait_for(lambda: "!   Value" not in terminal.text, "the mark of the error to go")
