"""Hooks from the keyboard on a real terminal: the examples of an article on hooks, typed."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from .harness import Terminal, add_hook

MODELS = Path(__file__).with_name("models.py")
Start = Callable[[], Terminal]


@pytest.fixture
def start(tmp_path: Path) -> Start:
    def start() -> Terminal:
        command = [sys.executable, "-m", "inspector", f"{MODELS}:tiny", "-s", "first"]
        return Terminal(command, columns=120, lines=36, environment={"XDG_STATE_HOME": str(tmp_path)})

    return start


def means(terminal: Terminal) -> tuple[float, float] | None:
    """What the Outputs panel says of the output's mean, in the baseline and now; None while it is being painted."""
    found = re.search(r"mean +(-?[\d.e-]+) +(-?[\d.e-]+) +[+-]", terminal.text)
    return (float(found[1]), float(found[2])) if found else None


def test_input_and_output_are_doubled_and_taken_back(start: Start) -> None:
    with start() as terminal:
        terminal.wait_for_text("pass 1")
        terminal.send("2")
        terminal.wait_for_text("called once")
        add_hook(terminal, "scale(2)", "1 change")
        before, once = terminal.wait_for(lambda: means(terminal), "both means")
        assert once == pytest.approx(2 * before, rel=0.01)
        add_hook(terminal, "scale(2, on='input')", "2 changes")
        terminal.wait_for(
            lambda: "2 altering" in terminal.text and means(terminal) not in (None, (before, once)), "another mean"
        )
        terminal.send("u")
        terminal.wait_for(lambda: "1 altering" in terminal.text, "one hook less")
        terminal.send("u")
        terminal.wait_for(lambda: "altering" not in terminal.text and "moved" not in terminal.text, "no hook")
        terminal.send("q")
        terminal.send("q")
        assert terminal.wait_for_end() == 0


def test_weights_double_batch_by_batch(start: Start) -> None:
    with start() as terminal:
        terminal.wait_for_text("pass 1")
        add_hook(terminal, "scale(2, on='parameters')", "1 change")
        terminal.send("6")
        terminal.wait_for_text("no batches yet")
        terminal.send("m")
        terminal.wait_for_text("Several batches")
        terminal.send("\r")
        terminal.wait_for_text("10 batches")
        terminal.wait_for_text("weight mean")
