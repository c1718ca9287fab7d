"""What observing costs: a pass with every module observed against the bare pass, and against what else there is.

The engine's own recorder, observers, call log and guarded pass run in this process. The time is what a `PassSummary`
says: from the model's call to its return, our hooks included; the snapshot before and the restore after are not in it.
Each round runs every kind once, in an order that is drawn anew: in a fixed one a kind gains by what runs before it.
"""

from __future__ import annotations

import random
from importlib.util import find_spec
from statistics import median

import torch

from inspector.engine.modules.tree import walk
from inspector.engine.passes.forward import forward
from inspector.engine.recording.observers import Observers
from inspector.engine.recording.recorder import Recorder
from inspector.engine.restore.backup import TensorBackup
from inspector.engine.values.kernels import cpu_statistics
from inspector.postmortem.record import CallLog, make_nameless_file

from .least_hooks import LEAST, hooked
from .models import SMALL, Measured
from .peers import find_peers, time_peer
from .results import Result, median_ratio

SHAPES, STATISTICS, FUSED = "shapes", "statistics", "statistics by the fused kernel"
OURS = (SHAPES, STATISTICS, *([FUSED] if find_spec("numba") is not None else []))
LIMITS = {
    "resnet18": (1.04, 1.35, 1.20),
    "resnet18, 8 images": (1.04, 1.2, 1.12),
    "vit_b_16": (1.04, 1.1, 1.07),
    "Llama, 4 layers of 256": (1.07, 1.45, 1.25),
}
"""Of each of ours."""
ROUNDS = 30
FOR_PEERS = 5
"""Of so many rounds, peers are in one: the slowest takes forty times what a pass takes."""
WARM_UP = 3


def measure(rounds: int = ROUNDS) -> list[Result]:
    return [result for name in SMALL for result in _measure(name, rounds)]


def _measure(name: str, rounds: int) -> list[Result]:
    bench = Bench(SMALL[name]())
    for kind in ("bare", *OURS, *LEAST) * WARM_UP:
        bench.run(kind)
    times: dict[str, list[tuple[float, float]]] = {}
    for number in range(rounds):
        kinds = ["bare", *OURS, *LEAST, *(find_peers() if number % FOR_PEERS == 0 else ())]
        random.shuffle(kinds)
        took = {kind: bench.run(kind) for kind in kinds}
        for kind in kinds:
            times.setdefault(kind, []).append((took[kind], took["bare"]))
    limits = dict(zip(OURS, LIMITS[name], strict=False))
    return [_result(name, kind, limits.get(kind), times[kind]) for kind in (*OURS, *LEAST, *find_peers())]


def _result(name: str, kind: str, limit: float | None, pairs: list[tuple[float, float]]) -> Result:
    taken, bare = zip(*pairs, strict=True)
    detail = f"{median(taken):.1f} ms against {median(bare):.1f} ms, {len(pairs)} rounds"
    words = f"{kind} of every module" if kind in OURS else kind
    return Result(f"{name}: {words} / bare pass", median_ratio(taken, bare), limit, detail=detail)


class Bench:
    """One model, to be run bare, observed, with the least hooks there are, or by a peer."""

    def __init__(self, measured: Measured) -> None:
        torch.manual_seed(0)
        self.measured = measured
        self.tree = walk(measured.model)
        self.backup = TensorBackup(self.tree)
        self.observers = Observers(self.tree)
        self.call_log = CallLog(make_nameless_file())
        self.peers = find_peers()
        if FUSED in OURS:
            cpu_statistics.load()

    def run(self, kind: str) -> float:
        """Milliseconds of one pass."""
        if kind in self.peers:
            return time_peer(self.peers[kind], self.measured)
        if kind == "bare":
            return self._pass(None)
        if kind in LEAST:
            with hooked(self.measured.model, LEAST[kind]):
                return self._pass(None)
        for node in self.tree.objects():
            self.observers.add(node)
        self.call_log.begin("the forward pass", 1, 1)
        recorder = Recorder(self.tree, statistics=kind != SHAPES, call_log=self.call_log)
        if kind == FUSED:
            cpu_statistics.take_up()
        took = self._pass(recorder)
        cpu_statistics.put_away()
        self.observers.remove_all()
        assert not recorder.faults and 2 * len(recorder.calls) > len(self.tree.nodes)
        return took

    def _pass(self, recorder: Recorder | None) -> float:
        observers = [self.observers] if recorder is not None else []
        inputs = tuple(each.clone() for each in self.measured.args)
        outcome = forward(self.tree, self.backup, inputs, {}, seed=0, listeners=observers, recorder=recorder)
        assert outcome.error is None, outcome.error
        return outcome.ms
