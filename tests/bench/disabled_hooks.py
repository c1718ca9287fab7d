"""What hooks cost that are switched off: a pass of resnet18 with one on each of its 68 modules, against the bare pass.

The hooks are added and switched off as the app does it; a switched off hook that still ran would double every output,
which is looked at. The order of the two kinds of pass changes every round.
"""

from __future__ import annotations

from statistics import median

import torch
import torchvision

from inspector.engine.hooks.spec import parse_hook
from inspector.engine.loading import Loaded
from inspector.engine.passes.guarded import run_guarded
from inspector.engine.subject.subject import Subject
from inspector.records import Target

from .results import Result, median_ratio

LIMIT = 1.02
ROUNDS = 100
WARM_UP = 3
MODULES = 68


def measure(rounds: int = ROUNDS) -> list[Result]:
    bench = _Bench()
    for _ in range(WARM_UP):
        bench.bare(), bench.disabled()
    bare: list[float] = []
    disabled: list[float] = []
    for number in range(rounds):
        turns = [(bench.bare, bare), (bench.disabled, disabled)]
        for run, times in turns if number % 2 else reversed(turns):
            times.append(run())
    detail = f"{median(disabled):.1f} ms against {median(bare):.1f} ms, {rounds} rounds"
    words = f"pass with {MODULES} hooks that are off / bare pass"
    return [Result(words, median_ratio(disabled, bare), LIMIT, detail=detail)]


class _Bench:
    """One model, to be run with and without the hooks."""

    def __init__(self) -> None:
        torch.manual_seed(0)
        model = torchvision.models.resnet18(weights=None).eval()
        self.image = torch.randn(1, 3, 224, 224)
        with torch.no_grad():
            self.expected = model(self.image)
        self.subject = Subject.of(Loaded(model, None, "bench"), Target("resnet18", observe=False), 1, lambda text: None)

    def bare(self) -> float:
        """Milliseconds of a pass without any hook."""
        return self._pass()

    def disabled(self) -> float:
        """Milliseconds of a pass with a hook on every module, all off."""
        change_log = self.subject.change_log
        change_log.add("class:*", parse_hook("scale(2)"))
        assert change_log.count_altering() == MODULES
        change_log.disable_all()
        took = self._pass()
        change_log.undo()
        change_log.undo()
        return took

    def _pass(self) -> float:
        subject = self.subject
        seen: list[torch.Tensor] = []
        image = self.image.clone()
        outcome = run_guarded(subject.tree, subject.backup, lambda: subject.tree.root(image), seen.append, seed=0)
        assert outcome.error is None, outcome.error
        assert torch.equal(seen[0], self.expected)
        return outcome.ms
