"""What it costs to record the lines of one module's forward, or of all: against the bare pass."""

from __future__ import annotations

import random
from statistics import median

from inspector.engine.hooks.steps import StepCounter
from inspector.engine.inputs.sample import sample_from_values
from inspector.engine.modules.tree import walk
from inspector.engine.passes.guarded import forget, run_guarded
from inspector.engine.recording.call import Call
from inspector.engine.restore.backup import TensorBackup
from inspector.engine.source.running import forward_of
from inspector.engine.tracing.forwards import AllForwards, Forwards, OneForward
from inspector.engine.tracing.line_recording import LineRecording

from .models import SMALL, Measured
from .results import Result, median_ratio

ROUNDS = 20
MODELS = (
    ("resnet18", "layer2.0", 1.05, 1.2),
    ("Llama, 4 layers of 256", "model.layers.1.self_attn", 1.12, 1.3),
)


def measure(rounds: int = ROUNDS) -> list[Result]:
    results = []
    for name, path, limit_of_one, limit_of_all in MODELS:
        bench = _Bench(SMALL[name](), path)
        results.append(_measure(f"{name}: the shapes of one forward's lines", bench, OneForward, limit_of_one, rounds))
        results.append(_measure(f"{name}: those of all forwards", bench, AllForwards, limit_of_all, rounds))
    return results


def _measure(name: str, bench: _Bench, what: type[OneForward | AllForwards], limit: float, rounds: int) -> Result:
    bare: list[float] = []
    traced: list[float] = []
    bench.run(None), bench.run(what)
    for _ in range(rounds):
        turns = [(None, bare), (what, traced)]
        random.shuffle(turns)
        for traced_now, times in turns:
            times.append(bench.run(traced_now))
    detail = f"{median(traced):.1f} ms against {median(bare):.1f} ms, {rounds} rounds"
    return Result(f"{name} / bare pass", median_ratio(traced, bare), limit, detail=detail)


class _Bench:
    """One model, to be run bare and with the lines of one module or all recorded."""

    def __init__(self, measured: Measured, path: str) -> None:
        self._tree = walk(measured.model)
        self._backup = TensorBackup(self._tree)
        self._sample = sample_from_values(tuple(measured.args), {})
        self._module = measured.model.get_submodule(path)

    def run(self, what: type[OneForward | AllForwards] | None) -> float:
        """Milliseconds of a pass, and of what is recorded in it."""
        copy = self._sample.copy()
        lines = self._record(what) if what is not None else None
        outcome = run_guarded(
            self._tree, self._backup, lambda: self._tree.root(*copy.args), forget, seed=0, around=lines
        )
        assert outcome.error is None and (lines is None or lines.roots), outcome.error
        return outcome.ms

    def _record(self, what: type[OneForward | AllForwards]) -> LineRecording:
        call = Call(self._tree.index_of_object[id(self._module)], 0, 0, 0)
        if what is AllForwards:
            forwards: Forwards = AllForwards(self._tree, call.index, lambda: call, StepCounter())
        else:
            function = forward_of(self._module).function
            assert function is not None
            forwards = OneForward(self._module, function, lambda: call)
        return LineRecording(forwards, call.place, statistics=False)
