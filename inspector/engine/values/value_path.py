"""A part of a nested value, named as Python would reach it: `[0]`, `["hidden"]`, `.last_hidden_state`, in a row."""

from __future__ import annotations

import copy
import dataclasses
import re
from collections import deque
from collections.abc import Callable
from typing import Any

from .objects import field_names
from .parts import parts_of, remake

_STEP = re.compile(r"""\[\s*(-?\d+)\s*\]|\[\s*"([^"]*)"\s*\]|\[\s*'([^']*)'\s*\]|\.([^\W\d]\w*)""")


@dataclasses.dataclass(frozen=True)
class Step:
    """One way down: an index or key in brackets, or an attribute."""

    key: int | str
    attribute: bool = False

    def __str__(self) -> str:
        return f".{self.key}" if self.attribute else f"[{self.key!r}]"


def parse_steps(text: str) -> tuple[Step, ...]:
    """The way that `text` tells; none for the whole value. Raises ValueError."""
    steps: list[Step] = []
    at = 0
    text = text.strip()
    while at < len(text):
        found = _STEP.match(text, at)
        if found is None:
            raise ValueError(f"{text[at : at + 40]!r} is no path in a value")
        index, double, single, attribute = found.groups()
        if index is not None:
            steps.append(Step(int(index)))
        elif attribute is not None:
            steps.append(Step(attribute, attribute=True))
        else:
            steps.append(Step(double if double is not None else single))
        at = found.end()
    return tuple(steps)


def replace_at(value: Any, steps: tuple[Step, ...], change: Callable[[Any], Any]) -> Any:
    """`value` with the part at `steps` replaced by what `change` makes of it; containers on the way are made anew.

    Raises:
        LookupError: There is no such part.
    """
    way: list[tuple[Any, Step]] = []
    part = value
    for step in steps:
        way.append((part, step))
        part = _part(part, step)
    new = change(part)
    if new is part:
        return value
    for container, step in reversed(way):
        new = _with_part(container, step, new)
    return new


def part_at(value: Any, steps: tuple[Step, ...]) -> Any:
    """The part of `value` at `steps`. Raises `LookupError` where there is none."""
    for step in steps:
        value = _part(value, step)
    return value


def _part(value: Any, step: Step) -> Any:
    try:
        return getattr(value, str(step.key)) if step.attribute else value[step.key]
    except (LookupError, TypeError, AttributeError):
        raise LookupError(f"there is no {step} in a {type(value).__name__}{_size(value)}") from None


def _size(value: Any) -> str:
    if isinstance(value, dict):
        return f" with the keys {', '.join(map(str, list(value)[:8]))}"
    return f" of {len(value)}" if isinstance(value, (tuple, list)) else ""


def _with_part(value: Any, step: Step, new: Any) -> Any:
    parts, keys = parts_of(value), _keys(value, step)
    if any((part.key, part.attribute) in keys for part in parts):
        return remake(value, [p._replace(value=new) if (p.key, p.attribute) in keys else p for p in parts])
    copied = copy.copy(value)  # it has items or attributes by a way of its own
    if step.attribute:
        setattr(copied, str(step.key), new)
    else:
        copied[step.key] = new
    return copied


def _keys(value: Any, step: Step) -> set[tuple[Any, bool]]:
    """Where a container stores what a step leads to; a `ModelOutput` has it twice, as an item and as an attribute."""
    key = step.key
    if isinstance(value, dict):
        name = list(value)[int(key)] if isinstance(key, int) and key not in value else key  # a ModelOutput counts too
        return {(name, False), (name, True)}
    if isinstance(key, int):
        return {(key % len(value) if isinstance(value, (tuple, list, deque)) else key, False)}
    names = field_names(value)
    return {(names.index(key), False)} if step.attribute and key in names else {(key, step.attribute)}
