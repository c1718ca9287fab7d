"""The memory of a step by real keys, with a real engine."""

from __future__ import annotations

import sys
from pathlib import Path

from .harness import Terminal


def test_a_step_is_estimated_from_the_palette(tmp_path: Path) -> None:
    command = [
        sys.executable,
        "-m",
        "inspector",
        "torch.nn:Linear",
        "in_features=100",
        "out_features=50",
        "-i",
        "1x100",
    ]
    with Terminal(command, environment={"XDG_STATE_HOME": str(tmp_path)}) as terminal:
        terminal.wait_for_text("pass 1")
        terminal.send(":")
        terminal.wait_for_text("Commands, themes and modules")
        terminal.send("estimate mem\r")
        terminal.wait_for_text("Memory of a step at its peak")
        terminal.send("\x15" + "2,1000\r")
        terminal.wait_for_text("batch 1,000")
        terminal.wait_for_text("400 kB")  # of input
        terminal.send("\x1b")
        terminal.wait_for(lambda: "Memory of a step" not in terminal.text, "the form gone")
