"""`inspector.post_mortem` in somebody's own script, on a real pseudo-terminal."""

from __future__ import annotations

import sys
from pathlib import Path

from .harness import Terminal

SCRIPT = """
import torch, inspector
from torch import nn
class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.stem, self.head = nn.Linear(4, 8), nn.Linear(9, 2)
    def forward(self, x):
        hidden = self.stem(x)
        return self.head(hidden)
model = Net()
try:
    model(torch.ones(2, 4))
except RuntimeError:
    inspector.post_mortem()
print("goes on, hooks", len(model._forward_hooks))
"""


def test_the_app_opens_where_it_raised_and_gives_everything_back(tmp_path: Path) -> None:
    script = tmp_path / "train.py"
    script.write_text(SCRIPT)
    environment = {"XDG_STATE_HOME": str(tmp_path)}
    with Terminal([sys.executable, str(script)], columns=120, lines=36, environment=environment) as terminal:
        terminal.wait_for_text("Stack  RuntimeError")
        terminal.wait_for_text("hidden  2×8")
        assert "return self.head(hidden)" in terminal.text
        terminal.send("x")
        terminal.wait_for_text("Linear.forward" if sys.version_info >= (3, 11) else "linear.py")
        terminal.send("G")
        terminal.wait_for_text("model(torch.ones(2, 4))")
        terminal.send("r")  # again, on what it was called with
        terminal.wait_for_text("pass 1")
        terminal.send("q")
        terminal.send("q")
        assert terminal.wait_for_end() == 0
        handed_back = terminal.written[terminal.written.rindex(b"\x1b[?1049l") :].decode()
        assert "goes on, hooks 0" in handed_back
        assert terminal.attributes == terminal.before


def test_a_script_that_is_run_opens_the_app_and_then_ends_as_under_python(tmp_path: Path) -> None:
    script = tmp_path / "train.py"
    script.write_text(SCRIPT.partition("try:")[0] + "model(torch.ones(2, 4))\n")
    command = [sys.executable, "-m", "inspector", "run", str(script)]
    with Terminal(command, columns=80, lines=24, environment={"XDG_STATE_HOME": str(tmp_path)}) as terminal:
        terminal.wait_for_text("Stack  RuntimeError")
        terminal.wait_for_text("hidden  2×8")
        terminal.send("q")
        terminal.send("q")
        assert terminal.wait_for_end() == 1
        handed_back = terminal.written[terminal.written.rindex(b"\x1b[?1049l") :].decode()
        assert "Traceback (most recent call last)" in handed_back and "inspector/cli" not in handed_back
        assert terminal.attributes == terminal.before


def test_a_pass_that_fails_shows_its_frames_below_the_problem(tmp_path: Path) -> None:
    model = tmp_path / "net.py"
    model.write_text(SCRIPT.partition("model = Net()")[0])
    command = [sys.executable, "-m", "inspector", f"{model}:Net", "-i", "2x4"]
    with Terminal(command, columns=120, lines=36, environment={"XDG_STATE_HOME": str(tmp_path)}) as terminal:
        terminal.wait_for_text("Stack  RuntimeError")
        terminal.wait_for_text("hidden  2×8")
        assert "try  " in terminal.text, "the problem is in sight"
        terminal.send("\t\t")
        terminal.wait_for_text("return self.head(hidden)")
        terminal.send("qq")
        assert terminal.wait_for_end() == 1
