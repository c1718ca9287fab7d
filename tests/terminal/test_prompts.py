"""Names of files typed by real keys."""

from __future__ import annotations

import sys
from pathlib import Path

from .harness import Terminal

MODEL = """
import torch
class Net(torch.nn.Linear):
    def __init__(self):
        super().__init__(4, 4)
"""


def test_a_file_is_completed_emptied_and_given_another_ending(tmp_path: Path) -> None:
    (tmp_path / "net.py").write_text(MODEL)
    (tmp_path / "recipes").mkdir()
    for name in ("one.toml", "other.toml"):
        (tmp_path / "recipes" / name).touch()
    command = [sys.executable, "-m", "inspector", "net.py:Net", "-i", "2x4"]
    environment = {"XDG_STATE_HOME": str(tmp_path), "PYTHONPATH": str(Path(__file__).resolve().parents[2])}
    with Terminal(command, environment=environment, folder=tmp_path) as terminal:
        terminal.wait_for_text("pass 1")
        terminal.send("R")
        terminal.wait_for_text("Read hooks")
        terminal.send("rec\t")
        terminal.wait_for_text("recipes/")
        terminal.send("\t")
        terminal.wait_for_text("one.toml  other.toml")
        assert "recipes/o" in terminal.text
        terminal.send("\x1b[H\x15")
        terminal.wait_for(lambda: "recipes/o" not in terminal.text, "an empty box")
        terminal.send("\x1b")
        terminal.wait_for(lambda: "Read hooks" not in terminal.text, "the prompt gone")
        terminal.send("w")
        terminal.wait_for_text("net-Net-hooks.toml")
        terminal.send(".py")
        terminal.wait_for(lambda: "net-Net-hooks.py " in terminal.text, "one ending")
