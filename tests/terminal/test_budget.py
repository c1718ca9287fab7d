"""The budget of looking on by real keys, with a real engine."""

from __future__ import annotations

import sys
from pathlib import Path

from .harness import Terminal

MODEL = """
import torch
from torch import nn


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.layers = nn.Sequential(*(nn.Identity() for _ in range(20)))

    def forward(self, x):
        return self.layers(x.bfloat16())  # takes nothing, and its statistics do


def build():
    return Net(), (torch.ones(200_000),)
"""


def test_a_budget_is_given_from_the_palette_and_the_log_says_what_it_left_out(tmp_path: Path) -> None:
    (tmp_path / "net.py").write_text(MODEL)
    command = [sys.executable, "-m", "inspector", f"{tmp_path}/net.py:build"]
    with Terminal(command, environment={"XDG_STATE_HOME": str(tmp_path)}) as terminal:
        terminal.wait_for_text("pass 1")
        terminal.send(":")
        terminal.wait_for_text("Commands, themes and modules")
        terminal.send("budget\r")
        terminal.wait_for_text("Budget of looking on")
        terminal.send("10\r")
        terminal.wait_for_text("no share such as 10%")
        terminal.send("%\r")
        terminal.wait_for_text("pass 2")
        terminal.send("8")
        terminal.wait_for_text("left out to stay within the budget")
