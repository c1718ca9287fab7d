"""How soon something is on the screen: the first painted frame against `python -c "import torch"`.

Both run on a pseudo-terminal of their own, in turns. The frame counts from the start of the process until the pane of
modules and the target's name stand on the screen; the import until its process has ended.
"""

from __future__ import annotations

import sys
import tempfile
from statistics import median

from .results import Result, median_ratio
from .stopwatch import Stopwatch

LIMIT = 0.35
ROUNDS = 9

APP = [sys.executable, "-m", "inspector", "resnet18"]
TORCH = [sys.executable, "-c", "import torch"]


def measure(rounds: int = ROUNDS) -> list[Result]:
    frames, imports = [], []
    for _ in range(rounds):
        frames.append(_first_frame())
        imports.append(_imported())
    detail = f"{median(frames) * 1e3:.0f} ms against {median(imports) * 1e3:.0f} ms, {rounds} rounds"
    return [Result("first frame / `import torch`", median_ratio(frames, imports), LIMIT, detail=detail)]


def _first_frame() -> float:
    with tempfile.TemporaryDirectory() as state, Stopwatch(APP, {"XDG_STATE_HOME": state}) as terminal:
        return terminal.arrival("Modules", "resnet18")


def _imported() -> float:
    with Stopwatch(TORCH) as terminal:
        return terminal.ended()
