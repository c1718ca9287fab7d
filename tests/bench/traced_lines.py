"""What it costs to record the lines of one module's forward: against the bare pass."""

from __future__ import annotations

import random
from statistics import median

from inspector.engine.inputs.sample import sample_from_values
from inspector.engine.modules.tree import walk
from inspector.engine.passes.guarded import forget, run_guarded
from inspector.engine.recording.call import Call
from inspector.engine.restore.backup import TensorBackup
from inspector.engine.source.running import forward_of
from inspector.engine.tracing.forwards import OneForward
from inspector.engine.tracing.line_recording import LineRecording

from .models import SMALL, Measured
from .results import Result, median_ratio

ROUNDS = 20
MODELS = (
    ("resnet18", "layer2.0", 1.05),
    ("Llama, 4 layers of 256", "model.layers.1.self_attn", 1.12),
)


def measure(rounds: int = ROUNDS) -> list[Result]:
    return [_measure(name, _Bench(SMALL[name](), path), limit, rounds) for name, path, limit in MODELS]


def _measure(name: str, bench: _Bench, limit: float, rounds: int) -> Result:
    bare: list[float] = []
    traced: list[float] = []
    bench.run(False), bench.run(True)
    for _ in range(rounds):
        turns = [(False, bare), (True, traced)]
        random.shuffle(turns)
        for traces, times in turns:
            times.append(bench.run(traces))
    detail = f"{median(traced):.1f} ms against {median(bare):.1f} ms, {rounds} rounds"
    return Result(
        f"{name}: the shapes of one forward's lines / bare pass", median_ratio(traced, bare), limit, detail=detail
    )


class _Bench:
    """One model, to be run bare and with the lines of one module recorded."""

    def __init__(self, measured: Measured, path: str) -> None:
        self._tree = walk(measured.model)
        self._backup = TensorBackup(self._tree)
        self._sample = sample_from_values(tuple(measured.args), {})
        self._module = measured.model.get_submodule(path)

    def run(self, traces: bool) -> float:
        """Milliseconds of a pass, and of what is recorded in it."""
        copy, call = self._sample.copy(), Call(0, 0, 0, 0)
        function = forward_of(self._module).function
        assert function is not None
        lines = LineRecording(OneForward(self._module, function, lambda: call), call.place, statistics=False)
        around = lines if traces else None
        outcome = run_guarded(
            self._tree, self._backup, lambda: self._tree.root(*copy.args), forget, seed=0, around=around
        )
        assert outcome.error is None and bool(lines.roots) == traces, (outcome.error, lines.faults)
        return outcome.ms
