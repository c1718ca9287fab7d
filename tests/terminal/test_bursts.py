"""Keys that arrive in one read, as from a macro, a slow line or a paste without brackets: they are done in order."""

from __future__ import annotations

import sys
from pathlib import Path

from .harness import Terminal
from .test_prompts import MODEL


def test_keys_of_one_read_are_done_in_order(tmp_path: Path) -> None:
    (tmp_path / "net.py").write_text(MODEL)
    command = [sys.executable, "-m", "inspector", "net.py:Net", "-i", "2x4"]
    environment = {"XDG_STATE_HOME": str(tmp_path), "PYTHONPATH": str(Path(__file__).resolve().parents[2])}
    with Terminal(command, columns=100, environment=environment, folder=tmp_path) as terminal:
        terminal.wait_for_text("pass 1")
        terminal.send("fXu")  # X takes all hooks off, u undoes
        terminal.wait_for_text("filter Xu")
        terminal.send("\x15lin\x7f\x7fast\x7f")
        terminal.wait_for_text("filter las ")
        terminal.send("\x15\rascale(2)\r4")  # a form that asks the engine first
        terminal.wait_for_text("1 change")
        terminal.wait_for_text("3 of ours")
        terminal.send("Ezero(\x15scale(3)\r")
        terminal.wait_for_text("2 changes")
        terminal.send(":undo\ru")
        terminal.wait_for(lambda: " change" not in terminal.text.splitlines()[0], "both undone")
        terminal.send("ox\x15sma")
        terminal.wait_for_text("│ sma ")
