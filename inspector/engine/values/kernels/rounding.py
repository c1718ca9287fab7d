"""Statistics that two kernels made of the same tensor, which differ in the last digits."""

from __future__ import annotations

from msgspec.structs import replace

from ....records import MappingValue, SequenceValue, Statistics, TensorValue, Value

_MEAN = 1e-5
"""Of the largest magnitude."""
_STD = 1e-4
"""Of itself, and what float32 keeps of the largest magnitude."""


def forgive_rounding(before: Value | None, now: Value | None) -> Value | None:
    """`before`, with the mean and deviation of `now` wherever two kernels may have made both of the same tensor: the
    extremes and all counts are the same to the last digit."""
    if isinstance(before, TensorValue) and isinstance(now, TensorValue):
        return replace(before, statistics=now.statistics) if _may_be_same(before.statistics, now.statistics) else before
    if isinstance(before, SequenceValue | MappingValue) and isinstance(now, SequenceValue | MappingValue):
        items = [forgive_rounding(*pair) for pair in zip(before.items, now.items, strict=False)]
        return replace(before, items=(*items, *before.items[len(items) :]))
    return before


def _may_be_same(before: Statistics | None, now: Statistics | None) -> bool:
    if before is None or now is None or before.mean is None or now.mean is None:
        return False
    if replace(before, mean=now.mean, std=now.std) != now or before.std is None or now.std is None:
        return False
    size = max(abs(now.min or 0.0), abs(now.max or 0.0))
    moved, spread = abs(now.mean - before.mean), abs(now.std - before.std)
    return moved <= _MEAN * size and spread <= _STD * now.std + 1e-7 * size
