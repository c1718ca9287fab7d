"""What changed in a value since the run before, as far as its summary tells."""

from __future__ import annotations

from typing import NamedTuple

from ...records import MappingValue, SequenceValue, Statistics, TensorValue, Value
from ...text import visible
from ...value_text import shape_text
from .. import format


class Difference(NamedTuple):
    """One part of a summary that is not as it was."""

    label: str
    text: str


def same(now: Value | None, before: Value | None) -> bool:
    """Whether the summaries agree; histogram and preview are not compared, they are not there for every run."""
    if isinstance(now, TensorValue) and isinstance(before, TensorValue):
        return _facts(now) == _facts(before)
    parts, parts_before = children(now), children(before)
    if not parts or type(now) is not type(before):
        return now == before
    return len(parts) == len(parts_before) and all(same(*pair) for pair in zip(parts, parts_before, strict=True))


def children(value: Value | None) -> tuple[Value, ...]:
    """The parts of a value that has parts."""
    return value.items if isinstance(value, SequenceValue | MappingValue) else ()


def has_statistics(value: Value | None) -> bool:
    """Whether anything in this value has statistics, so that it could be seen to change."""
    if isinstance(value, TensorValue):
        return value.statistics is not None
    return any(has_statistics(part) for part in children(value))


def tensors(value: Value | None) -> int:
    """How many tensors are in this value."""
    return 1 if isinstance(value, TensorValue) else sum(map(tensors, children(value)))


def changes(now: TensorValue, before: Value | None) -> list[Difference]:
    """What is different in `now`, the most telling first."""
    if not isinstance(before, TensorValue):
        return [Difference("was", format.value_brief(before))]
    found = []
    if now.shape != before.shape:
        found.append(Difference("shape was", shape_text(before.shape)))
    if now.dtype != before.dtype:
        found.append(Difference("dtype was", format.cut(visible(before.dtype), 20)))
    if now.statistics and before.statistics:
        found += _differences(now.statistics, before.statistics)
    return found


def _facts(value: TensorValue) -> tuple[object, ...]:
    return value.shape, value.dtype, value.device, value.statistics


def _differences(now: Statistics, before: Statistics) -> list[Difference]:
    found = []
    for label in ("mean", "std", "min", "max"):
        new, old = getattr(now, label), getattr(before, label)
        if new is not None and old is not None and new != old:
            found.append(Difference(label, format_difference(new - old)))
    for label, name in (("nan", "NaN"), ("inf", "Inf"), ("zeros", "zeros")):
        if getattr(now, label) != getattr(before, label):
            found.append(Difference(name, format_difference(getattr(now, label) - getattr(before, label))))
    return found


def format_difference(difference: float) -> str:
    """A difference with its sign: `+0.03`."""
    return ("+" if difference > 0 else "") + format.number(difference)
