"""One call of one module while it is recorded, and what is told of it."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import Protocol

import torch
from msgspec import Struct

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
from .call_site import NO_SITE

Place = tuple[int, int, int]
"""Node, step, and which of the node's calls in the step."""

NO_KWARGS = MappingValue("dict", (), (), 0)


class Call(Struct, eq=False, gc=False):
    """One call of one module, filled in as it happens. The collector need not know it: no cycle leads through one."""

    index: int  # of the module
    number: int  # which of its calls in the pass, from 0
    start: int  # when it was entered, on the recorder's clock
    depth: int  # how many calls it is within
    step: int = 0  # of the pass, from 0
    in_step: int = 0  # which of the module's calls in that step, from 0
    end: int = -1  # when it was left
    caller: int = -1  # when the call that it is within was entered
    ms: float = 0.0
    status: CallStatus = "unfinished"
    inputs: tuple[Value, ...] = ()
    kwargs: MappingValue = NO_KWARGS
    output: Value | None = None
    site: tuple[str, int] = NO_SITE  # the file and line that called
    altered: bool = False
    recomputed: bool = False
    began: float = 0.0
    spent: float = 0.0  # what our hooks had taken by then
    before: BaseException | None = None  # the exception that was already being handled at entry
    thread: int = 0  # which of those that called modules in the pass, in the order in which they did
    observe_filter: ObserveFilter | None = None  # where an observing hook looks at a part only
    shown: bool | None = True  # None until a value meets what the hook waits for
    kept: object = None
    delta: Delta | None = None
    baseline_output: Value | None = None  # the output of this call in the baseline
    difference: Histogram | None = None
    by_tensor: Sequence[list[Value]] = ()  # the gradients that came, for each tensor of the output apart
    gradients: tuple[Value, ...] = ()  # as they came
    weight_ratio: float | None = None  # see `CallRow`

    @property
    def file(self) -> str:
        """Whose line calls, "" where that is not known."""
        return self.site[0]

    @property
    def line(self) -> int:
        """The line that calls, 0 where that is not known."""
        return self.site[1]

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
            *self.site,
            self.altered,
            self.delta,
            gradient_size(self.gradients) if self.gradients else None,
            self.recomputed,
            input_holds=find_odd(*self.inputs, self.kwargs),
            step=self.step,
            in_step=self.in_step,
            gradient_norm=gradient_norm(self.gradients) if self.gradients else None,
            weight_ratio=self.weight_ratio,
            caller=self.caller,
            thread=self.thread,
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


class Witness(Protocol):
    """Sees the outputs of a pass themselves, the moment the recorder does."""

    def see(self, call: Call, output: object) -> None: ...
    def settle(self) -> None: ...


def gradient_size(gradients: Iterable[Value]) -> float | None:
    """Root mean square over all elements; None where there are no statistics."""
    total, elements = _sum_squares(gradients)
    return math.sqrt(total / elements) if elements else None


def gradient_norm(gradients: Iterable[Value]) -> float | None:
    """Euclidean norm over all elements; None where there are no statistics."""
    total, elements = _sum_squares(gradients)
    return math.sqrt(total) if elements else None


def _sum_squares(gradients: Iterable[Value]) -> tuple[float, float]:
    """Of all elements, and how many they are; NaN where one is not finite."""
    total = elements = 0.0
    for value in gradients:
        found = value.statistics if isinstance(value, TensorValue) else None
        if found is not None and (found.nan or found.inf):
            return math.nan, 1.0
        if found is not None and found.mean is not None and found.std is not None and isinstance(value, TensorValue):
            count = _count_elements(value)
            total += count * (found.mean * found.mean + found.std * found.std)  # `**` raises where that is too large
            elements += count
    return total, elements


def _count_elements(value: TensorValue) -> int:
    """Of a ragged tensor, whose shape does not tell, as many as its bytes are."""
    if all(dim >= 0 for dim in value.shape):
        return math.prod(value.shape)
    size: int = getattr(torch, value.dtype).itemsize
    return value.nbytes // size
