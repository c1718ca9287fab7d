"""How soon the model is there: its tree on the screen against a script that builds the same model.

The script imports what the model needs, builds it and says so; the tree counts when its first and last rows stand on
the screen. Both from the start of the process, in turns.
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Sequence
from statistics import median

from .first_frame import APP
from .results import Result, median_ratio
from .stopwatch import Stopwatch

LIMIT, LARGE_LIMIT = 1.15, 1.2
ROUNDS = 7

SCRIPT = "import torch, torchvision; torchvision.models.resnet18(); print('built', flush=True)"
LARGE_SCRIPT = "from tests.bench.models import many_modules; many_modules(); print('built', flush=True)"
LARGE = "tests/bench/models.py:many_modules"


def measure(rounds: int = ROUNDS) -> list[Result]:
    few, large = max(rounds // 3, 1), [*APP[:-1], LARGE]
    return [
        _compare("tree ready", LIMIT, APP, ("layer1", "avgpool", "fc "), SCRIPT, rounds),
        _compare("100,000 modules: tree ready", LARGE_LIMIT, large, ("Sequential", "28 "), LARGE_SCRIPT, few),
    ]


def _compare(figure: str, limit: float, app: Sequence[str], rows: tuple[str, ...], script: str, rounds: int) -> Result:
    trees, scripts = [], []
    for _ in range(rounds):
        trees.append(_tree(app, rows))
        scripts.append(_script(script))
    detail = f"{median(trees):.2f} s against {median(scripts):.2f} s, {rounds} rounds"
    return Result(f"{figure} / a script that builds the model", median_ratio(trees, scripts), limit, detail=detail)


def _tree(app: Sequence[str], rows: tuple[str, ...]) -> float:
    with tempfile.TemporaryDirectory() as state, Stopwatch(app, {"XDG_STATE_HOME": state}) as terminal:
        return terminal.arrival(*rows)


def _script(script: str) -> float:
    with Stopwatch([sys.executable, "-c", script]) as terminal:
        return terminal.arrival("built")
