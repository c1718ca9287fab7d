"""How soon the model is there: its tree on the screen against a script that builds the same model.

The script imports torch and torchvision, builds the model and says so; the tree counts when its first and last rows
stand on the screen. Both from the start of the process, in turns.
"""

from __future__ import annotations

import sys
import tempfile
from statistics import median

from .first_frame import APP
from .results import Result, median_ratio
from .stopwatch import Stopwatch

LIMIT = 1.15
ROUNDS = 7

SCRIPT = "import torch, torchvision; torchvision.models.resnet18(); print('built', flush=True)"


def measure(rounds: int = ROUNDS) -> list[Result]:
    trees, scripts = [], []
    for _ in range(rounds):
        trees.append(_tree())
        scripts.append(_script())
    detail = f"{median(trees):.2f} s against {median(scripts):.2f} s, {rounds} rounds"
    return [Result("tree ready / a script that builds the model", median_ratio(trees, scripts), LIMIT, detail=detail)]


def _tree() -> float:
    with tempfile.TemporaryDirectory() as state, Stopwatch(APP, {"XDG_STATE_HOME": state}) as terminal:
        return terminal.arrival("layer1", "avgpool", "fc ")


def _script() -> float:
    with Stopwatch([sys.executable, "-c", SCRIPT]) as terminal:
        return terminal.arrival("built")
