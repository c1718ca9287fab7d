"""What a person waits for after `r`: until the calls and the output of a pass are told, and until it is known that the
model is as it was, against the bare pass. The session runs in this process, as if it were an engine's own: nobody else
changes the model. The order of the two changes every round.
"""

from __future__ import annotations

import ctypes
import random
from statistics import median
from time import perf_counter

import torch

from inspector.engine.session import Session
from inspector.engine.values.collector import own_process
from inspector.records import AnyEvent, PassEnded

from .models import Measured, billion, resnet18
from .results import Result, median_ratio

LIMITS = {"resnet18": 1.5, "a billion parameters": 1.15, "100,000 modules": 3.0}
ROUNDS = 20
WARM_UP = 2

_TRIM_THRESHOLD, _MMAP_THRESHOLD = -1, -3  # of glibc's malloc.h


def measure(rounds: int = ROUNDS) -> list[Result]:
    return [
        *measure_runs("resnet18", resnet18(1), rounds),
        *measure_runs("a billion parameters", billion(), max(rounds // 4, 2)),
    ]


def measure_runs(name: str, measured: Measured, rounds: int) -> list[Result]:
    """The figures of one model; where `LIMITS` has none for it, there is no target yet."""
    keep_freed_memory()
    bench = _Bench(measured)
    times: list[tuple[float, float, float]] = []
    for number in range(WARM_UP + rounds):
        runs = [bench.bare, bench.run]
        random.shuffle(runs)
        for run in runs:
            run()
        if number >= WARM_UP:
            times.append(bench.took)
    bench.session.close()
    bare, result, whole = zip(*times, strict=True)
    detail = f"{median(result) * 1e3:.0f} ms against {median(bare) * 1e3:.0f} ms, {rounds} rounds"
    after = f"{median(whole) * 1e3:.0f} ms"
    return [
        Result(f"{name}: r to result / bare pass", median_ratio(result, bare), LIMITS.get(name), detail=detail),
        Result(f"{name}: r until all is compared / bare pass", median_ratio(whole, bare), detail=after),
    ]


def keep_freed_memory() -> None:
    """From now on the C library keeps what is freed, which it otherwise gives back to the system after some passes and
    not after others: to get it again takes a third of a pass of resnet18, whichever pass that hits."""
    library = ctypes.CDLL(None)
    if hasattr(library, "mallopt"):
        library.mallopt(_MMAP_THRESHOLD, 1 << 25)
        library.mallopt(_TRIM_THRESHOLD, 1 << 28)


class _Bench:
    """`took` are the seconds of the last bare pass, and of the last `r` until its result and until its end."""

    def __init__(self, measured: Measured) -> None:
        self.took = 0.0, 0.0, 0.0
        self._measured = measured
        self._told = 0.0
        own_process()
        self.session = Session(self._hear, alone=True)
        with torch.no_grad():  # as the bare pass runs, and so passes of the session
            self.session.adopt(measured.model, measured.args, {}, "bench")
        while self.session.go_ahead():
            pass

    def _hear(self, event: AnyEvent) -> None:
        if isinstance(event, PassEnded):
            self._told = perf_counter()

    def bare(self) -> None:
        began = perf_counter()
        with torch.no_grad():
            self._measured.model(*self._measured.args)
        self.took = perf_counter() - began, *self.took[1:]

    def run(self) -> None:
        self._told, began = 0.0, perf_counter()
        summary = self.session.run()
        ended = perf_counter()
        assert summary.problem is None, summary.problem
        self.took = self.took[0], (self._told or ended) - began, ended - began
