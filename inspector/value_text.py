"""A value in a few characters, and what stands out in it."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice

from .records import MappingValue, NoneValue, ScalarValue, SequenceValue, TensorValue, Value
from .text import encodable


def brief(value: Value | None) -> str:
    """A value in a few characters, its first tensor's shape before anything else: "1×64×56×56", "2×10 +3"."""
    if value is None:
        return ""
    tensors = list(islice(_tensors(value), 100))
    if tensors:
        shape = "×".join("?" if size < 0 else str(size) for size in tensors[0].shape) or "scalar"
        return shape if len(tensors) == 1 else f"{shape} +{len(tensors) - 1}"
    if isinstance(value, NoneValue):
        return "None"
    if isinstance(value, ScalarValue):
        return encodable(str(value.value), 20)
    return encodable(value.type, 20) if not isinstance(value, TensorValue) else ""


def non_finite(value: Value | None) -> bool:
    """Whether any tensor in it was seen to hold NaN or Inf."""
    return value is not None and any(t.statistics and (t.statistics.nan or t.statistics.inf) for t in _tensors(value))


def _tensors(value: Value) -> Iterator[TensorValue]:
    if isinstance(value, TensorValue):
        yield value
    elif isinstance(value, SequenceValue | MappingValue):
        for item in value.items:
            yield from _tensors(item)
