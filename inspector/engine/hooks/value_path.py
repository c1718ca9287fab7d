"""A part of a nested value, named as Python would reach it: `[0]`, `["hidden"]`, `.last_hidden_state`, in a row."""

from __future__ import annotations

import copy
import dataclasses
import re
from collections.abc import Callable
from typing import Any

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


def changed_at(value: Any, steps: tuple[Step, ...], change: Callable[[Any], Any]) -> Any:
    """`value` with the part at `steps` replaced by what `change` makes of it; containers on the way are copied.

    Raises:
        LookupError: There is no such part.
    """
    if not steps:
        return change(value)
    step, rest = steps[0], steps[1:]
    part = _part(value, step)
    new = changed_at(part, rest, change)
    return value if new is part else _with_part(value, step, new)


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
    if isinstance(value, tuple):
        return _tuple_with(value, step, new)
    copied = copy.copy(value)
    if step.attribute:
        object.__setattr__(copied, str(step.key), new)  # past a frozen dataclass: the copy is ours
        if isinstance(copied, dict) and step.key in copied:  # a ModelOutput holds its values twice
            copied[step.key] = new
    else:
        copied[step.key] = new
    return copied


def _tuple_with(value: tuple[Any, ...], step: Step, new: Any) -> tuple[Any, ...]:
    if step.attribute:
        return value._replace(**{str(step.key): new})  # type: ignore[attr-defined,no-any-return]  # a namedtuple
    items = list(value)
    items[int(step.key)] = new
    return type(value)._make(items) if hasattr(value, "_make") else type(value)(items)
