"""What modules cost, by real keys and from a real model."""

from __future__ import annotations

import re
import sys
from pathlib import Path

from .harness import Terminal

MODEL = """
import time
import torch
class Slow(torch.nn.Module):
    def forward(self, x):
        time.sleep(0.02)
        return x
class Net(torch.nn.Sequential):
    def __init__(self):
        super().__init__(torch.nn.Linear(4, 4), torch.nn.Sequential(torch.nn.ReLU(), Slow()), torch.nn.Linear(4, 3))
"""


def test_costs_are_measured_shown_and_led_down(tmp_path: Path) -> None:
    (tmp_path / "net.py").write_text(MODEL)
    command = [sys.executable, "-m", "inspector", "net.py:Net", "-i", "2x4"]
    environment = {"XDG_STATE_HOME": str(tmp_path), "PYTHONPATH": str(Path(__file__).resolve().parents[2])}
    with Terminal(command, columns=110, lines=30, environment=environment, folder=tmp_path) as terminal:
        terminal.wait_for_text("pass 1")
        terminal.send("$")
        terminal.wait_for_text("Costs of modules")
        terminal.send("\r")
        terminal.wait_for(lambda: re.search(r"Modules ─+ own ─* *share ─* *FLOPs", terminal.text), "the columns")
        terminal.wait_for(lambda: re.search(r"Net .*100% +112", terminal.text), "the costs")
        assert re.search(r"▾ 1 .*(100|[5-9]\d)%", terminal.text)
        terminal.send("$")
        terminal.wait_for_text("median of 5 passes")
        terminal.send("h")
        terminal.wait_for(lambda: re.search(r"▌[│ ]+1 +\S.*(100|[5-9]\d)%", terminal.text), "the module that sleeps")
        terminal.send("q")
        assert terminal.wait_for_end() == 0


BACKWARD = """
import time
import torch
class Slowly(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        return x.clone()
    @staticmethod
    def backward(ctx, gradient):
        time.sleep(0.03)
        return gradient
class Slow(torch.nn.Module):
    def forward(self, x):
        return Slowly.apply(x)
class Net(torch.nn.Sequential):
    def __init__(self):
        super().__init__(torch.nn.Linear(4, 4), Slow(), torch.nn.Linear(4, 3))
"""


def test_what_goes_backward_slowly_is_seen_after_a_backward_pass(tmp_path: Path) -> None:
    (tmp_path / "net.py").write_text(BACKWARD)
    command = [sys.executable, "-m", "inspector", "net.py:Net", "-i", "2x4"]
    environment = {"XDG_STATE_HOME": str(tmp_path), "PYTHONPATH": str(Path(__file__).resolve().parents[2])}
    with Terminal(command, columns=110, lines=30, environment=environment, folder=tmp_path) as terminal:
        terminal.wait_for_text("pass 1")
        terminal.send("b")
        terminal.wait_for_text("loss")
        terminal.send("$")
        terminal.wait_for_text("Costs of modules")
        terminal.send("x" + "j" * 6 + " j \r")
        terminal.wait_for(lambda: re.search(r"Modules ─+ back ─* *bFLOPs", terminal.text), "the columns")
        assert re.search(r" 1 +Slow .*[3-9]\d(\.\d)? ms +–", terminal.text)
        assert re.search(r" 2 +Linear .* ms +96 ", terminal.text)  # 2 x 2 x 4 x 3, for the weight and for the input
        terminal.send("$")
        terminal.wait_for_text("ms backward, median of 5 passes")
        terminal.send("q")
        terminal.wait_for(lambda: "median of 5" not in terminal.text, "the form gone")
        terminal.send("q")
        assert terminal.wait_for_end() == 0
