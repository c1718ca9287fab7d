"""How much memory a model of 100,000 modules takes in the engine beyond the model itself: while it is open and copied,
and after two passes. What nobody uses is given back to the system before each look, in a process of its own.
"""

from __future__ import annotations

import ctypes
import gc
import json
import os
import subprocess
import sys
from pathlib import Path
from statistics import median

from tests.terminal.harness import ROOT

from .results import Result

LIMIT = 300.0
"""MB, besides copies of tensors, that are a few hundred bytes each here."""
ROUNDS = 2
TENSORS, COPY = 62_500, 600
"""Tensors of the model, and bytes that torch takes for one of one element."""


def measure(rounds: int = ROUNDS) -> list[Result]:
    opened, after = zip(*(_measure_once() for _ in range(rounds)), strict=True)
    name, copies = "100,000 modules: memory of the engine beyond the model", TENSORS * COPY / 1e6
    detail = f"{median(opened):.0f} MB, of which some {copies:.0f} are copies, {rounds} rounds"
    return [
        Result(f"{name}, open, without copies", median(opened) - copies, LIMIT, "MB", detail),
        Result(f"{name}, after two passes", median(after), unit="MB"),
    ]


def _measure_once() -> tuple[float, float]:
    command = [sys.executable, "-m", f"{__package__}.open_memory"]
    env = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(command, cwd=ROOT, env=env, capture_output=True, check=True)
    opened, after = json.loads(done.stdout.splitlines()[-1])
    return opened, after


def _resident() -> float:
    """MB of this process that are in memory."""
    gc.collect()
    library = ctypes.CDLL(None)
    if hasattr(library, "malloc_trim"):
        library.malloc_trim(0)
    status = Path("/proc/self/status").read_text("ascii")
    return int(status.partition("VmRSS:")[2].split()[0]) * 1024 / 1e6


def main() -> None:
    import torch

    from inspector.engine.session import Session
    from inspector.engine.values.collector import own_process

    from .models import many_modules

    measured = many_modules()
    own_process()
    before = _resident()
    session = Session(lambda event: None, alone=True)
    with torch.no_grad():  # as the app runs passes
        session.adopt(measured.model, measured.args, {}, "bench")
    while session.go_ahead():
        pass
    opened = _resident() - before
    for _ in range(2):
        session.run()
    print(json.dumps([opened, _resident() - before]))


if __name__ == "__main__":
    main()
