"""The tour, the help and the footer by real keys."""

from __future__ import annotations

import sys
from pathlib import Path

from .harness import Terminal


def test_the_tour_the_help_and_the_footer_by_key(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "inspector", "tour"]
    with Terminal(command, columns=100, lines=30, environment={"XDG_STATE_HOME": str(tmp_path)}) as terminal:
        terminal.wait_for_text("Tour 1 of 5: The model")
        terminal.wait_for_text("pass 1")
        terminal.send("\r\r")
        terminal.wait_for_text("Tour 3 of 5")
        terminal.send("q")
        terminal.wait_for(lambda: "Tour" not in terminal.text, "the app without the tour")
        terminal.send("4\t")
        terminal.wait_for_text("space On/off  enter Source")
        terminal.send("?")
        terminal.wait_for_text("Every hook on the module")
        terminal.send("/too small\r")
        terminal.wait_for_text("Gradients: too small or large")
        terminal.send("qq")
        terminal.wait_for(lambda: "─ Help ─" not in terminal.text, "the app without its help")
