"""The output of a call and that of the baseline, tensor by tensor, made so that they can be looked at side by side."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import NamedTuple, TypeAlias

import torch
from msgspec.structs import replace
from torch import Tensor

from ...records import Histogram, MappingValue, SequenceValue, Statistics, TensorValue, Value
from ..values.histogram import histogram, joint_range
from ..values.preview import preview
from ..values.watch import Watch

Sides: TypeAlias = tuple[Value | None, Value | None]


class Kept(NamedTuple):
    """What was kept of one tensor of an output, now and in the baseline, each as one dimension."""

    shape: torch.Size
    now: Tensor
    then: Tensor


def pair(now: Value | None, then: Value | None, kept: Sequence[Kept], watch: Watch) -> Sides:
    """Both values, with histograms over one range and elements of both where these were all kept. As they were where
    it cannot be told which tensor is which."""
    shapes = [[value.shape for value in _tensors(side)] for side in (now, then)]
    if not shapes[0] == shapes[1] == [tuple(each.shape) for each in kept]:
        return now, then
    pairs = zip(_tensors(now), _tensors(then), kept, strict=True)
    made = [_pair_tensors(new, old, each, watch) for new, old, each in pairs]
    return _put(now, iter([new for new, _ in made])), _put(then, iter([old for _, old in made]))


def _tensors(value: Value | None) -> Iterator[TensorValue]:
    """Those that are compared: floating and complex ones that have elements."""
    if isinstance(value, SequenceValue | MappingValue):
        for item in value.items:
            yield from _tensors(item)
    elif isinstance(value, TensorValue) and _is_compared(value):
        yield value


def _is_compared(value: TensorValue) -> bool:
    return value.dtype.startswith(("float", "bfloat", "complex")) and math.prod(value.shape) > 0


def _put(value: Value | None, made: Iterator[TensorValue]) -> Value | None:
    """The value with others in the place of the tensors that are compared, in order."""
    if isinstance(value, SequenceValue | MappingValue):
        return replace(value, items=tuple(_put(item, made) for item in value.items))
    return next(made) if isinstance(value, TensorValue) and _is_compared(value) else value


def _pair_tensors(now: TensorValue, then: TensorValue, kept: Kept, watch: Watch) -> tuple[TensorValue, TensorValue]:
    new, old = now.statistics, then.statistics
    if new is not None and old is not None and not now.dtype.startswith("complex"):  # halves were kept of those
        over = joint_range(new, old)
        now = watch.rename(now, replace(now, histogram=_histogram(kept.now, new, over)))
        then = replace(then, histogram=_histogram(kept.then, old, over))
    if kept.then.numel() == math.prod(then.shape):
        whole = kept.then.reshape(then.shape)
        then = replace(then, preview=preview(whole))
        watch.keep(then, whole)
    return now, then


def _histogram(kept: Tensor, statistics: Statistics, over: tuple[float, float] | None) -> Histogram | None:
    return histogram(kept.cpu(), statistics, over)
