"""A part of a nested value, named as Python would reach it: `[0]`, `["hidden"]`, `.last_hidden_state`, in a row.

The last step may be an index into a tensor: `[0][..., 16:32]`, `.last_hidden_state[:, -1]`. It is never written in
place: what replaces that part goes into a copy of the tensor.
"""

from __future__ import annotations

import copy
import dataclasses
import re
from collections import deque
from collections.abc import Callable
from typing import Any

from torch import Tensor

from .objects import field_names
from .parts import is_tensor, parts_of, remake

_STEP = re.compile(r"""\[\s*(-?\d+)\s*\]|\[\s*"([^"]*)"\s*\]|\[\s*'([^']*)'\s*\]|\.([^\W\d]\w*)""")
_INDEX = re.compile(r"\[([^\[\]\"']*)\]")
_NUMBER = re.compile(r"-?\d+")

Index = tuple[Any, ...]
"""What a tensor is indexed with: whole numbers, slices and at most one `...`."""


@dataclasses.dataclass(frozen=True)
class Step:
    """One way down: an index or key in brackets, or an attribute; last of all several indices of a tensor."""

    key: int | str | Index
    attribute: bool = False

    def __str__(self) -> str:
        if isinstance(self.key, tuple):
            return f"[{', '.join(map(_write_index, self.key))}]"
        return f".{self.key}" if self.attribute else f"[{self.key!r}]"


def parse_steps(text: str) -> tuple[Step, ...]:
    """The way that `text` tells; none for the whole value. Raises ValueError."""
    steps: list[Step] = []
    at = 0
    text = text.strip()
    while at < len(text):
        found = _STEP.match(text, at)
        if found is not None:
            steps.append(_read_step(found))
            at = found.end()
            continue
        index = _INDEX.match(text, at)
        if index is None:
            raise ValueError(f"{text[at : at + 40]!r} is no path in a value")
        if index.end() < len(text):
            raise ValueError(f"{index[0]} is an index into a tensor, and nothing comes behind it")
        parts = _read_index(index[1])
        steps.append(Step(parts[0] if len(parts) == 1 and isinstance(parts[0], int) else parts))
        at = index.end()
    return tuple(steps)


def _read_step(found: re.Match[str]) -> Step:
    index, double, single, attribute = found.groups()
    if index is not None:
        return Step(int(index))
    if attribute is not None:
        return Step(attribute, attribute=True)
    return Step(double if double is not None else single)


def _read_index(text: str) -> Index:
    parts = [part.strip() for part in text.split(",")]
    parts = parts[:-1] if len(parts) > 1 and not parts[-1] else parts
    index = tuple(_read_part(part, text) for part in parts)
    if index.count(...) > 1:
        raise ValueError(f"[{text}]: ... stands for all other dimensions, and can be there once")
    return index


def _read_part(part: str, text: str) -> Any:
    if part == "...":
        return ...
    if _NUMBER.fullmatch(part):
        return int(part)
    bounds = [bound.strip() for bound in part.split(":")]
    if len(bounds) not in (2, 3) or not all(_NUMBER.fullmatch(bound) for bound in bounds if bound):
        raise ValueError(f"[{text}] is no index into a tensor: {part!r} is no number, slice or ...")
    start, stop, step = ([int(bound) if bound else None for bound in bounds] + [None])[:3]
    if step is not None and step < 1:
        raise ValueError(f"[{text}]: torch takes no slice with a step of {step}")
    return slice(start, stop, step)


def _write_index(part: Any) -> str:
    if not isinstance(part, slice):
        return "..." if part is ... else str(part)
    bounds = [part.start, part.stop] + ([part.step] if part.step is not None else [])
    return ":".join("" if bound is None else str(bound) for bound in bounds)


def replace_at(value: Any, steps: tuple[Step, ...], change: Callable[[Any], Any]) -> Any:
    """`value` with the part at `steps` replaced by what `change` makes of it; containers on the way are made anew, and
    of a tensor of which a part is replaced there is a copy.

    Raises:
        LookupError: There is no such part.
        TypeError: A part of a tensor was replaced by what has another shape or dtype.
    """
    way: list[tuple[Any, Step]] = []
    part = value
    outside, inside = split(value, steps)
    for step in outside:
        way.append((part, step))
        part = _part(part, step)
    new = change_inside(part, inside, change) if inside else change(part)
    if new is part:
        return value
    for container, step in reversed(way):
        new = _with_part(container, step, new)
    return new


def change_inside(tensor: Tensor, inside: tuple[Step, ...], change: Callable[[Tensor], Tensor]) -> Tensor:
    """A copy of `tensor` with what `change` makes of its part at `inside`; itself where that is the part, and what
    `change` makes of it all where there is nothing inside.

    Raises:
        LookupError, TypeError: As `replace_at` does.
    """
    if not inside:
        return change(tensor)
    part = part_at(tensor, inside)
    new = change(part)
    if new is part:
        return tensor
    if new.shape != part.shape or new.dtype != part.dtype:
        raise TypeError(f"{_say(new)} cannot take the place of {write_steps(inside)}, which is {_say(part)}")
    copied = tensor.clone()
    part_at(copied, inside).copy_(new)
    return copied


def part_at(value: Any, steps: tuple[Step, ...]) -> Any:
    """The part of `value` at `steps`; of a tensor a view. Raises `LookupError` where there is none."""
    for step in steps:
        value = _part(value, step)
    return value


def split(value: Any, steps: tuple[Step, ...]) -> tuple[tuple[Step, ...], tuple[Step, ...]]:
    """The steps that lead to a tensor or to what holds some, and those that lead into it. Raises `LookupError`."""
    for number, step in enumerate(steps):
        if is_tensor(value):
            return steps[:number], steps[number:]
        value = _part(value, step)
    return steps, ()


def write_steps(steps: tuple[Step, ...]) -> str:
    """As they are typed."""
    return "".join(map(str, steps))


def _say(tensor: Tensor) -> str:
    return f"{'×'.join(map(str, tensor.shape)) or 'a scalar'} of {str(tensor.dtype).removeprefix('torch.')}"


def _part(value: Any, step: Step) -> Any:
    if is_tensor(value):
        return _part_of_tensor(value, step)
    if isinstance(step.key, tuple):
        raise LookupError(f"{step} is an index into a tensor, and there is a {type(value).__name__}{_size(value)}")
    try:
        return getattr(value, str(step.key)) if step.attribute else value[step.key]
    except (LookupError, TypeError, AttributeError):
        raise LookupError(f"there is no {step} in a {type(value).__name__}{_size(value)}") from None


def _part_of_tensor(tensor: Tensor, step: Step) -> Tensor:
    sizes = "×".join(map(str, tensor.shape)) or "scalar"
    if isinstance(step.key, str):
        raise LookupError(f"there is no {step} in a tensor of {sizes}")
    try:
        part: Tensor = tensor[step.key]
    except IndexError:
        raise LookupError(f"there is no {step} in a tensor of {sizes}") from None
    if not part.numel() and tensor.numel():
        raise LookupError(f"{step} is no element of a tensor of {sizes}")
    return part


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
    if step.attribute and isinstance(value, tuple) and key not in names:  # a result such as that of torch.topk
        part = _part(value, step)
        return {(number, False) for number, item in enumerate(value) if item is part}
    return {(names.index(key), False)} if step.attribute and key in names else {(key, step.attribute)}
