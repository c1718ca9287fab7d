"""What it costs to record the lines of one module's forward, or of all: against the bare pass, and beside what Python
takes to follow the same frames and operations."""

from __future__ import annotations

import random
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from statistics import median
from types import FrameType
from typing import Any

from torch.overrides import TorchFunctionMode

from inspector.engine.hooks.steps import StepCounter
from inspector.engine.inputs.sample import sample_from_values
from inspector.engine.modules.tree import walk
from inspector.engine.passes.guarded import forget, run_guarded
from inspector.engine.recording.call import Call
from inspector.engine.restore.backup import TensorBackup
from inspector.engine.source.running import forward_of
from inspector.engine.stepping.tracer import LineTracer
from inspector.engine.tracing.forwards import AllForwards, Forwards, OneForward
from inspector.engine.tracing.line_recording import LineRecording

from .models import SMALL, Measured
from .results import Result, median_ratio

ROUNDS = 20
MODELS = (
    ("resnet18", "layer2.0", 1.05, 1.2),
    ("Llama, 4 layers of 256", "model.layers.1.self_attn", 1.12, 1.3),
)

Around = Callable[[], AbstractContextManager[object]]


def measure(rounds: int = ROUNDS) -> list[Result]:
    results = []
    for name, path, of_one, of_all in MODELS:
        bench = _Bench(SMALL[name](), path)
        results.append(_measure(f"{name}: the shapes of the lines of one forward", bench, bench.one, of_one, rounds))
        results.append(_measure(f"{name}: those of all forwards", bench, bench.all, of_all, rounds))
    return results


def _measure(name: str, bench: _Bench, find: Callable[[], Forwards], limit: float, rounds: int) -> Result:
    turns: list[tuple[Around, list[float]]] = [
        (nullcontext, []), (lambda: bench.record(find()), []), (lambda: _Following(find()), []),
    ]  # fmt: skip
    for around, _ in turns:
        bench.run(around)
    assert bench.recorded is not None and bench.recorded.roots, "no line was recorded"
    for _ in range(rounds):
        for around, times in random.sample(turns, len(turns)):
            times.append(bench.run(around))
    bare, recorded, followed = (times for _, times in turns)
    detail = f"{median(recorded):.1f} ms against {median(bare):.1f} ms, {rounds} rounds; "
    detail += f"followed, nothing looked at: {median_ratio(followed, bare):.2f}"
    return Result(f"{name} / bare pass", median_ratio(recorded, bare), limit, detail=detail)


class _Bench:
    """One model, and what is followed in it: the forward of one module, or of all."""

    def __init__(self, measured: Measured, path: str) -> None:
        self._tree = walk(measured.model)
        self._backup = TensorBackup(self._tree)
        self._sample = sample_from_values(tuple(measured.args), {})
        self._module = measured.model.get_submodule(path)
        self._call = Call(self._tree.index_of_object[id(self._module)], 0, 0, 0)
        self.recorded: LineRecording | None = None

    def run(self, around: Around) -> float:
        """Milliseconds of a pass."""
        copy = self._sample.copy()
        outcome = run_guarded(
            self._tree, self._backup, lambda: self._tree.root(*copy.args), forget, seed=0, around=around()
        )
        assert outcome.error is None, outcome.error
        return outcome.ms

    def one(self) -> Forwards:
        function = forward_of(self._module).function
        assert function is not None
        return OneForward(self._module, function, lambda: self._call)

    def all(self) -> Forwards:
        return AllForwards(self._tree, self._call.index, lambda: self._call, StepCounter())

    def record(self, forwards: Forwards) -> LineRecording:
        self.recorded = LineRecording(forwards, self._call.place, statistics=False)
        return self.recorded


class _Following:
    """Goes from line to line and from operation to operation as a recording does, and looks at nothing."""

    def __init__(self, forwards: Forwards) -> None:
        self._tracer = LineTracer(self, (*forwards.codes.values(), *forwards.helpers))
        self._operations = _Operations()
        self._depth = 0

    def __enter__(self) -> None:
        self._tracer.__enter__()

    def __exit__(self, *ended: Any) -> None:
        self._tracer.__exit__(*ended)

    def entered(self, frame: FrameType) -> bool:
        if not self._depth:
            self._operations.__enter__()  # type: ignore[no-untyped-call]
        self._depth += 1
        return True

    def line(self, frame: FrameType, number: int) -> None:
        """Nothing."""

    def left(self, frame: FrameType, value: object) -> None:
        self._depth -= 1
        if not self._depth:
            self._operations.__exit__(None, None, None)  # type: ignore[no-untyped-call]

    def raised(self, frame: FrameType, error: BaseException | None) -> None:
        self.left(frame, None)


class _Operations(TorchFunctionMode):
    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        return func(*args, **kwargs) if kwargs else func(*args)
