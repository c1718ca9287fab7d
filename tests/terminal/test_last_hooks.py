"""A model whose code is edited while it is looked at, by real keys: what stays, what is said, and what is kept."""

from __future__ import annotations

import re
import sys
from pathlib import Path

from .harness import Terminal, add_hook

MODEL = """
import torch
from parts import WIDTH
class Net(torch.nn.Sequential):
    def __init__(self):
        super().__init__(torch.nn.Linear(4, 4), torch.nn.Linear(4, WIDTH))
"""


def test_code_that_changed_is_loaded_anew_with_hooks_and_place(tmp_path: Path) -> None:
    parts = tmp_path / "parts.py"
    parts.write_text("WIDTH = 3\n")
    (tmp_path / "net.py").write_text(MODEL)
    command = [sys.executable, "-m", "inspector", "net.py:Net", "-i", "2x4"]
    environment = {"XDG_STATE_HOME": str(tmp_path), "PYTHONPATH": str(Path(__file__).resolve().parents[2])}
    with Terminal(command, columns=100, lines=30, environment=environment, folder=tmp_path) as terminal:
        terminal.wait_for_text("pass 1")
        terminal.send("j")
        add_hook(terminal, "scale(2)", "done: add scale(2)")
        parts.write_text("WIDTH = = 3\n")
        terminal.wait_for_text("parts.py changed, F5 reloads")
        terminal.send("\x1b[15~")
        terminal.wait_for(lambda: "SyntaxError" in terminal.text and "parts.py" in terminal.text, "what is wrong")
        parts.write_text("WIDTH = 5\n")
        terminal.wait_for_text("parts.py changed, F5 reloads")
        terminal.send("\x1b[15~")
        terminal.wait_for(lambda: "2×5" in terminal.text and "1 altering" in terminal.text, "the model as it is now")
        terminal.wait_for(lambda: re.search(r"▌\s+0\s.*◉", terminal.text), "the place, with the hook")
        assert "changed, F5" not in terminal.text
        terminal.send("q")
        terminal.wait_for_text("1 hook is not written to a file")
        terminal.send("q")
        assert terminal.wait_for_end() == 0
    (state,) = (file for file in tmp_path.glob("inspector/*.json") if file.name != "recent.json")
    assert "scale(2)" in state.read_text()
