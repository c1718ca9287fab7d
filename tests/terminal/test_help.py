"""The tour, the help and the footer by real keys."""

from __future__ import annotations

import sys
from pathlib import Path

from .harness import Terminal


def first_start(folder: Path) -> Terminal:
    """Of somebody who has nothing of ours yet, and is no test."""
    environment = {"XDG_STATE_HOME": str(folder), "CI": "", "PYTEST_CURRENT_TEST": ""}
    return Terminal([sys.executable, "-m", "inspector"], columns=100, lines=30, environment=environment)


def test_the_tour_the_help_and_the_footer_by_key(tmp_path: Path) -> None:
    with first_start(tmp_path) as terminal:
        terminal.wait_for_text("Tour 1 of 5: The model")
        terminal.wait_for_text("pass 1")
        terminal.send("\r\r")
        terminal.wait_for_text("Tour 3 of 5")
        terminal.send("q")
        terminal.wait_for_text("Open a model")
        terminal.send("\x1b")
        terminal.wait_for(lambda: "Open a model" not in terminal.text, "the app on the model of the tour")
        terminal.send("\x1b[<35;3;1M")
        terminal.wait_for_text("its name  ")
        terminal.send("4\t")
        terminal.wait_for_text("space On/off  enter Source")
        terminal.send("?")
        terminal.wait_for_text("Every hook on the module")
        terminal.send("?")
        terminal.wait_for_text("as model.named_modules() counts")
        terminal.send("/too small\r")
        terminal.wait_for_text("Gradients: too small or large")
        terminal.send("qq")
        terminal.wait_for(lambda: "─ Help ─" not in terminal.text, "the app without its help")


def test_keys_that_wait_at_the_first_start_are_for_the_app(tmp_path: Path) -> None:
    with first_start(tmp_path) as terminal:
        terminal.send("resnet1")
        terminal.wait_for_text("resnet1")
        assert "Tour" not in terminal.text
