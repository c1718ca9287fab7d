"""What the search for the first bad value costs: a pass whose every operation is looked at, against the bare pass."""

from __future__ import annotations

import math
import random
from statistics import median

import torch

from inspector.engine.hooks.steps import StepCounter
from inspector.engine.inputs import Sample
from inspector.engine.inputs.sample import sample_from_values
from inspector.engine.modules.tree import walk
from inspector.engine.passes.guarded import forget, run_guarded
from inspector.engine.restore.backup import TensorBackup
from inspector.engine.tracing.first_bad.search import FirstBadSearch

from .models import SMALL, Measured
from .results import Result, median_ratio

LIMIT = 2.0
ROUNDS = 20
MODELS = ("resnet18", "Llama, 4 layers of 256")


def measure(rounds: int = ROUNDS) -> list[Result]:
    fine = [_measure(name, _Bench(SMALL[name]()), rounds) for name in MODELS]
    return fine + [_measure(f"{name}, all of it NaN", _Bench(_spoil(SMALL[name]())), rounds) for name in MODELS]


def _spoil(measured: Measured) -> Measured:
    """Its first layer, and so everything behind, gives NaN."""
    with torch.no_grad():
        next(measured.model.parameters()).fill_(math.nan)
    return measured


def _measure(name: str, bench: _Bench, rounds: int) -> Result:
    bare: list[float] = []
    searched: list[float] = []
    bench.bare(), bench.search()
    for _ in range(rounds):
        turns = [(bench.bare, bare), (bench.search, searched)]
        random.shuffle(turns)
        for run, times in turns:
            times.append(run())
    detail = f"{median(searched):.1f} ms against {median(bare):.1f} ms, {rounds} rounds"
    words = f"{name}: search for the first bad value / bare pass"
    return Result(words, median_ratio(searched, bare), LIMIT, detail=detail)


class _Bench:
    """One model, to be run bare and looked through."""

    def __init__(self, measured: Measured) -> None:
        self._is_fine = not any(each.isnan().any() for each in measured.model.parameters())
        self._tree = walk(measured.model)
        self._backup = TensorBackup(self._tree)
        self._sample = sample_from_values(tuple(measured.args), {})

    def bare(self) -> float:
        """Milliseconds of a pass."""
        copy = self._sample.copy()
        outcome = run_guarded(self._tree, self._backup, lambda: self._tree.root(*copy.args), forget, seed=0)
        assert outcome.error is None, outcome.error
        return outcome.ms

    def search(self) -> float:
        """Milliseconds of one that is looked through."""
        steps = StepCounter()

        def call(sample: Sample) -> object:
            steps.begin()
            return self._tree.root(*sample.args)

        search = FirstBadSearch(self._tree, self._backup, self._sample, call, steps, seed=0)
        outcome = search.run()
        assert outcome.error is None and search.answer(1, False).found is not self._is_fine
        return outcome.ms
