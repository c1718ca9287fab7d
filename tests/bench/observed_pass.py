"""What observing costs: a pass with every module observed against the bare pass, on resnet18 and one image.

The engine's own recorder, observers, call log and guarded pass run in this process. The time is what a `PassSummary`
says: from the model's call to its return, our hooks included; the snapshot before and the restore after are not in it.
Each round runs the three kinds once, in an order that rotates; the bare pass has no hook on any module.
"""

from __future__ import annotations

from statistics import median

import torch
import torchvision

from inspector.engine.modules.tree import walk
from inspector.engine.passes.forward import forward
from inspector.engine.recording.observers import Observers
from inspector.engine.recording.recorder import Recorder
from inspector.engine.restore.backup import TensorBackup
from inspector.postmortem.record import CallLog, make_nameless_file

from .results import Result, median_ratio

SHAPES_LIMIT = 1.05
STATISTICS_LIMIT = 1.5
ROUNDS = 60
WARM_UP = 3
KINDS = ("bare", "shapes", "statistics")


def measure(rounds: int = ROUNDS) -> list[Result]:
    bench = _Bench()
    for _ in range(WARM_UP):
        for kind in KINDS:
            bench.run(kind)
    times: dict[str, list[float]] = {kind: [] for kind in KINDS}
    for number in range(rounds):
        turn = number % len(KINDS)
        for kind in KINDS[turn:] + KINDS[:turn]:
            times[kind].append(bench.run(kind))
    return [_result(kind, limit, times) for kind, limit in (("shapes", SHAPES_LIMIT), ("statistics", STATISTICS_LIMIT))]


def _result(kind: str, limit: float, times: dict[str, list[float]]) -> Result:
    rounds = len(times[kind])
    detail = f"{median(times[kind]):.1f} ms against {median(times['bare']):.1f} ms, {rounds} rounds"
    words = f"pass with {kind} of every module / bare pass"
    return Result(words, median_ratio(times[kind], times["bare"]), limit, detail=detail)


class _Bench:
    """One model, to be run in one of `KINDS`."""

    def __init__(self) -> None:
        torch.manual_seed(0)
        self.tree = walk(torchvision.models.resnet18(weights=None).eval())
        self.backup = TensorBackup(self.tree)
        self.observers = Observers(self.tree)
        self.image = torch.randn(1, 3, 224, 224)
        self.call_log = CallLog(make_nameless_file())

    def run(self, kind: str) -> float:
        """Milliseconds of one pass."""
        if kind == "bare":
            return self._pass(None)
        for node in self.tree.objects():
            self.observers.add(node)
        self.call_log.begin("the forward pass", 1, 1)
        recorder = Recorder(self.tree, statistics=kind == "statistics", call_log=self.call_log)
        took = self._pass(recorder)
        self.observers.remove_all()
        assert not recorder.faults and len(recorder.calls) > len(self.tree.nodes)
        return took

    def _pass(self, recorder: Recorder | None) -> float:
        observers = [self.observers] if recorder is not None else []
        inputs = (self.image.clone(),)
        outcome = forward(self.tree, self.backup, inputs, {}, seed=0, listeners=observers, recorder=recorder)
        assert outcome.error is None, outcome.error
        return outcome.ms
