"""One call of one module while it is recorded, and what is told of it."""

from __future__ import annotations

import math
from typing import Protocol

from ...postmortem.record import Entered, Left
from ...records import (
    CallDetail,
    CallRow,
    CallStatus,
    Delta,
    Histogram,
    MappingValue,
    TensorValue,
    Value,
)
from ...value_text import abbreviate, find_odd
from ..hooks.turns import ObserveFilter
from ..modules.tree import ModuleTree

Place = tuple[int, int, int]
"""Node, step, and which of the node's calls in the step."""

_NO_KWARGS = MappingValue("dict", (), (), 0)


class Call:
    """One call of one module, filled in as it happens.

    Args:
        index: Of the module.
        number: Which of its calls in the pass, from 0.
        start: When it was entered, on the recorder's clock.
        depth: How many calls it is within.
        step: Which step of the pass it is in, from 0.
        in_step: Which of the module's calls in that step, from 0.
    """

    __slots__ = (
        "altered", "baseline_output", "before", "began", "by_tensor", "delta", "depth", "difference", "end", "file",
        "gradients", "in_step", "index", "inputs", "kept", "kwargs", "line", "ms", "number", "observe_filter",
        "output", "recomputed", "shown", "spent", "start", "status", "step", "weight_ratio",
    )  # fmt: skip

    def __init__(self, index: int, number: int, start: int, depth: int, step: int = 0, in_step: int = 0) -> None:
        self.index = index
        self.number = number
        self.step = step
        self.in_step = in_step
        self.start = start
        self.end = -1
        self.depth = depth
        self.ms = 0.0
        self.status: CallStatus = "unfinished"
        self.inputs: tuple[Value, ...] = ()
        self.kwargs = _NO_KWARGS
        self.output: Value | None = None
        self.kept: object = None
        self.file = ""
        self.line = 0
        self.altered = False
        self.recomputed = False
        self.delta: Delta | None = None
        self.baseline_output: Value | None = None  # the output of this call in the baseline
        self.difference: Histogram | None = None
        self.gradients: list[Value] = []  # as they came
        self.by_tensor: list[list[Value]] = []  # the same, for each tensor of the output apart
        self.weight_ratio: float | None = None  # see `CallRow`
        self.before: BaseException | None = None  # the exception that was already being handled at entry
        self.began = self.spent = 0.0
        self.observe_filter: ObserveFilter | None = None  # where an observing hook looks at a part only
        self.shown: bool | None = True  # None until a value meets what the hook waits for

    @property
    def place(self) -> Place:
        """What tells it from the other calls of its pass, and is the same in another pass like it."""
        return self.index, self.step, self.in_step

    def row(self) -> CallRow:
        return CallRow(
            self.index,
            self.number,
            self.start,
            self.end,
            self.depth,
            self.ms,
            self.status,
            abbreviate(self.output),
            find_odd(self.output),
            self.file,
            self.line,
            self.altered,
            self.delta,
            gradient_size(self.gradients),
            self.recomputed,
            input_holds=find_odd(*self.inputs, self.kwargs),
            step=self.step,
            in_step=self.in_step,
            gradient_norm=gradient_norm(self.gradients),
            weight_ratio=self.weight_ratio,
        )

    def detail(self, tree: ModuleTree, previous: Value | None = None) -> CallDetail:
        gradients = tuple(value for value in self.gradients if isinstance(value, TensorValue))
        return CallDetail(
            self.row(),
            tree.paths[self.index],
            tree.class_name(self.index),
            self.inputs,
            self.kwargs,
            self.output,
            previous,
            self.baseline_output,
            self.difference,
            gradients,
        )

    def entry(self, tree: ModuleTree) -> Entered:
        """For the call log, before the module runs."""
        return Entered(
            self.index,
            self.number,
            self.start,
            self.depth,
            tree.paths[self.index],
            tree.class_name(self.index),
            self.inputs,
            self.kwargs,
            self.file,
            self.line,
            self.step,
            self.in_step,
        )

    def exit(self) -> Left:
        """For the call log, after it."""
        return Left(self.start, self.end, self.ms, self.status, self.output)


class Witness(Protocol):
    """Sees the outputs of a pass themselves, the moment the recorder does."""

    def see(self, call: Call, output: object) -> None: ...
    def settle(self) -> None: ...


def gradient_size(gradients: list[Value]) -> float | None:
    """Root mean square over all elements; None where there are no statistics."""
    total, elements = _sum_squares(gradients)
    return math.sqrt(total / elements) if elements else None


def gradient_norm(gradients: list[Value]) -> float | None:
    """Euclidean norm over all elements; None where there are no statistics."""
    total, elements = _sum_squares(gradients)
    return math.sqrt(total) if elements else None


def _sum_squares(gradients: list[Value]) -> tuple[float, float]:
    """Of all elements, and how many they are; NaN where one is not finite."""
    total = elements = 0.0
    for value in gradients:
        found = value.statistics if isinstance(value, TensorValue) else None
        if found is not None and (found.nan or found.inf):
            return math.nan, 1.0
        if found is not None and found.mean is not None and found.std is not None and isinstance(value, TensorValue):
            count = math.prod(value.shape)
            total += count * (found.mean**2 + found.std**2)
            elements += count
    return total, elements
