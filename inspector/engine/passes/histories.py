"""The values of several batches in a row, as one small series for each module and statistic."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence

from ...records import SequenceValue, Series, Statistics, TensorValue, Value
from ..modules.tree import Node, own_tensors
from ..recording.call import Call, gradient_size
from ..values.summarize import Summarizer

STATISTICS = ("mean", "std", "min", "max")
MOST = 10_000
"""Batches kept."""


class Histories:
    """Filled batch by batch."""

    def __init__(self) -> None:
        self.batches = 0
        self._series: dict[int, dict[str, dict[int, float | None]]] = defaultdict(lambda: defaultdict(dict))
        self._describe = Summarizer(True)

    def take(self, calls: Sequence[Call], parameters: Sequence[Node], loss: float | None) -> None:
        """What one batch gave: its calls, and the parameters of some modules after it."""
        number = self.batches
        self.batches += 1
        for call in calls:
            again = f" #{call.in_step}" if call.in_step else ""
            for name, value in _numbers(_statistics(call.output)):
                self._series[call.index][f"output{again} {name}"][number] = value
            gradient = gradient_size(call.gradients)
            if gradient is not None:
                self._series[call.index][f"gradient{again} rms"][number] = gradient
        for node in parameters:
            for key, tensor in own_tensors(node.module, "_parameters"):
                for name, value in _numbers(_statistics(self._describe.describe_now(tensor.detach()))):
                    self._series[node.index][f"{key} {name}"][number] = value
        if loss is not None:
            self._series[0]["loss"][number] = loss

    def of(self, index: int) -> tuple[Series, ...]:
        """Of one node, parameters first."""
        found = self._series.get(index, {})
        order = sorted(found, key=lambda name: (name != "loss", name.startswith(("output", "gradient"))))
        return tuple(Series(name, tuple(found[name].get(n) for n in range(self.batches))) for name in order)


def _statistics(value: Value | None) -> Statistics | None:
    """Of the first tensor in a value."""
    while isinstance(value, SequenceValue) and value.items:
        value = value.items[0]
    return value.statistics if isinstance(value, TensorValue) else None


def _numbers(found: Statistics | None) -> Iterator[tuple[str, float | None]]:
    if found is not None:
        yield from ((name, getattr(found, name)) for name in STATISTICS)
        if found.nan or found.inf:
            yield "NaN and Inf", float(found.nan + found.inf)
