"""How soon the result of a pass is seen: from typing r to the end of the first frame whose title has the number of the
pass, against the bare pass in this process, in turns.
"""

from __future__ import annotations

import sys
import tempfile
import time
from statistics import median

import torch

from .models import Measured, resnet18
from .results import Result, median_ratio, percentile
from .stopwatch import FRAME_END, Stopwatch

LIMIT = 2.5
ROUNDS = 30
WARM_UP = 3

APP = [sys.executable, "-m", "inspector", "resnet18"]


def measure(rounds: int = ROUNDS) -> list[Result]:
    with tempfile.TemporaryDirectory() as state, Stopwatch(APP, {"XDG_STATE_HOME": state}) as terminal:
        return _results(*_turns(terminal, resnet18(1), rounds))


def _turns(terminal: Stopwatch, measured: Measured, rounds: int) -> tuple[list[float], list[float]]:
    """Milliseconds from the key to the frame, and of the bare pass."""
    terminal.arrival("pass 1")
    frames, passes = [], []
    for number in range(2, 2 + WARM_UP + rounds):
        terminal.read_for(0.3)  # what follows the result of the last pass
        passes.append(_pass(measured))
        frames.append(_frame(terminal, f"pass {number}".encode()))
    return frames[WARM_UP:], passes[WARM_UP:]


def _pass(measured: Measured) -> float:
    began = time.monotonic()
    with torch.no_grad():
        measured.model(*measured.args)
    return (time.monotonic() - began) * 1e3


def _frame(terminal: Stopwatch, title: bytes) -> float:
    before = len(terminal.written)
    began = time.monotonic()
    terminal.send("r")
    terminal.wait_for(lambda: _is_drawn(terminal.written[before:], title), f"the frame of {title.decode()}")
    arrived, _ = terminal.chunks[-1]
    return (terminal.started + arrived - began) * 1e3


def _is_drawn(since: bytes, title: bytes) -> bool:
    at = since.find(title)
    return at >= 0 and FRAME_END in since[at:]


def _results(frames: list[float], passes: list[float]) -> list[Result]:
    detail = f"{median(frames):.0f} ms against {median(passes):.0f} ms, {len(frames)} rounds"
    return [
        Result("resnet18: r to the frame of the result / bare pass", median_ratio(frames, passes), LIMIT, "", detail),
        Result("the same, 99th percentile", percentile(frames, 0.99), unit="ms"),
    ]
