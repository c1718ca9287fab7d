"""How long a key takes to be seen: from typing j or k to the end of the frame in which the cursor has moved.

On two pseudo-terminals side by side, in turns: this app while a forward pass is running (a model that is never done,
with every module observed), or while 100,000 modules are copied, hooked and run, and the bare Textual app beside it, on
the same machine under the same load.
"""

from __future__ import annotations

import random
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from statistics import median

from .results import Result, percentile
from .stopwatch import FRAME_END, Stopwatch

MEDIAN_LIMIT, SLOWEST_LIMIT = 16.0, 50.0
ROUNDS = 300
WARM_UP = 20

CURSOR = "▌".encode()
APP = [sys.executable, "-m", "inspector", "tests/bench/busy_model.py:build"]
LARGE = [*APP[:-1], "tests/bench/models.py:many_modules"]
BARE = [sys.executable, "-m", "tests.bench.bare_app"]


def measure(rounds: int = ROUNDS) -> list[Result]:
    return [
        *_measure("during a pass", APP, _await_pass, rounds),
        *_measure("while 100,000 modules load", LARGE, lambda busy: busy.arrival("Sequential"), rounds // 4),
    ]


def _measure(when: str, app: Sequence[str], prepare: Callable[[Stopwatch], object], rounds: int) -> list[Result]:
    with tempfile.TemporaryDirectory() as state:
        busy, bare = Stopwatch(app, {"XDG_STATE_HOME": state}), Stopwatch(BARE)
        with bare, busy:
            bare.arrival("Conv2d", "Source")
            prepare(busy)
            return _results(when, *_turns(busy, bare, rounds))


def _await_pass(busy: Stopwatch) -> None:
    busy.arrival("stem", "layers")
    busy.wait_for(lambda: b"\xe2\x96\x95\xe2\x96\x88" in busy.written, "a pass that is under way")  # its progress bar


def _turns(busy: Stopwatch, bare: Stopwatch, rounds: int) -> tuple[list[float], list[float]]:
    ours: list[float] = []
    theirs: list[float] = []
    pauses = random.Random(0)
    for number in range(WARM_UP + rounds):
        key = "jk"[number % 2]
        for terminal, cursor, times in ((busy, CURSOR, ours), (bare, b"", theirs)):
            terminal.read_for(0.04 + 0.06 * pauses.random())  # so that keys meet every moment of a refresh
            times.append(_key(terminal, key, cursor))
    return ours[WARM_UP:], theirs[WARM_UP:]


def _key(terminal: Stopwatch, key: str, cursor: bytes) -> float:
    """Milliseconds from the key to the end of the first frame after it that draws `cursor`."""
    before = len(terminal.written)
    began = time.monotonic()
    terminal.send(key)
    terminal.wait_for(lambda: _drawn(terminal.written[before:], cursor), f"the cursor moved by {key}")
    arrived, _ = terminal.chunks[-1]
    return (terminal.started + arrived - began) * 1e3


def _drawn(since: bytes, cursor: bytes) -> bool:
    at = since.find(cursor)
    return at >= 0 and FRAME_END in since[at:]


def _results(when: str, ours: list[float], theirs: list[float]) -> list[Result]:
    slow_ours, slow_theirs = percentile(ours, 0.99), percentile(theirs, 0.99)
    keys = f"{len(ours)} keys, the slowest {max(ours):.0f} ms"
    bare = (
        f"{median(ours):.1f} ms against {median(theirs):.1f} ms; at the 99th percentile {slow_ours / slow_theirs:.1f}"
    )
    return [
        Result(f"key to frame {when}, median", median(ours), MEDIAN_LIMIT, "ms", keys),
        Result(f"key to frame {when}, 99th percentile", slow_ours, SLOWEST_LIMIT, "ms", keys),
        Result(f"key to frame {when} / a bare Textual app beside it", median(ours) / median(theirs), detail=bare),
    ]
