"""What changed among the local variables of a frame from one line to the next.

Nothing is kept of a tensor but a weak reference and its version, which in-place operations count up.
"""

from __future__ import annotations

import weakref
from collections.abc import Iterable, Iterator, Mapping
from itertools import islice
from types import FrameType, FunctionType
from typing import Any, NamedTuple

from torch import Tensor, nn

_ITEMS, _DEPTH = 64, 3
"""Of a container that are looked at, and how deep."""
_PLAIN = (bool, int, float, str)
_NO_VERSION = -1

Sign = list[tuple[object, object]]
"""What tells whether a value is still the same, piece by piece: of a tensor its reference and its version."""


class Changed(NamedTuple):
    name: str
    value: object
    in_place: bool


class Locals:
    """The variables of one frame, and the attributes of its `self` that its code sets, as they were last.

    Args:
        frame: Is not kept.
        attributes: Names that the code sets on objects.
    """

    def __init__(self, frame: FrameType, attributes: frozenset[str]) -> None:
        self._attributes = attributes
        self._signs = {name: sign_of(value) for name, value in self._read(frame)}

    def find_changes(self, frame: FrameType) -> list[Changed]:
        """Since it was asked last: what is bound anew, or was changed in place."""
        before, found = self._signs, []
        now: dict[str, Sign] = {}
        for name, value in self._read(frame):
            sign = now[name] = sign_of(value)
            old = before.get(name)
            if old is None or not _same(old, sign):
                found.append(Changed(name, value, old is not None and _is_written(old, sign)))
        self._signs = now
        return found

    def _read(self, frame: FrameType) -> Iterator[tuple[str, object]]:
        variables: Mapping[str, Any] = frame.f_locals
        yield from variables.items()
        owner = variables.get("self")
        if self._attributes and isinstance(owner, nn.Module):
            held = owner.__dict__
            for name in self._attributes:
                for place in (held, held.get("_buffers") or {}, held.get("_parameters") or {}):
                    if name in place:
                        yield f"self.{name}", place[name]


def sign_of(value: object, depth: int = 0) -> Sign:
    """Runs no code of a value's class."""
    kind = type(value)
    if issubclass(kind, Tensor):
        return [(weakref.ref(value), version_of(value))]
    if kind in _PLAIN:
        return [(kind, value)]
    if depth < _DEPTH and issubclass(kind, (tuple, list, dict)):
        sign: Sign = [(id(value), _base(kind).__len__(value))]
        for item in first_items(value):
            sign += sign_of(item, depth + 1)
        return sign
    return [(id(value), None)]


def first_items(container: Any) -> Iterable[Any]:
    """Of a tuple, a list or a dict, whatever its class makes of that."""
    base = _base(type(container))
    return islice(base.values(container) if base is dict else base.__iter__(container), _ITEMS)


def _base(kind: type) -> Any:
    return next(base for base in (dict, list, tuple) if issubclass(kind, base))


def version_of(tensor: Any) -> int:
    try:
        return int(tensor._version)
    except RuntimeError:  # of inference mode, which counts none
        return _NO_VERSION


def holds_tensor(sign: Sign) -> bool:
    return any(type(what) is weakref.ReferenceType for what, _ in sign)


def is_telling(value: object) -> bool:
    """Whether it is more than a module, a function or a class, of which a person sees the name in the code."""
    return value is not None and not isinstance(value, (nn.Module, FunctionType, type))


def _same(one: Sign, other: Sign) -> bool:
    """Numbers by value, all else by identity: what a person's class says of equality is not asked."""
    if len(one) != len(other):
        return False
    for (what, state), (now, then) in zip(one, other, strict=True):
        if what is not now and not (type(what) is int and what == now):
            return False
        if state is not then and (type(state) is not type(then) or state != then):
            return False
    return True


def _is_written(old: Sign, new: Sign) -> bool:
    """Whether it is the same object with something else in it."""
    was, now = old[0][0], new[0][0]
    return not isinstance(was, type) and (was is now or (type(was) is int and was == now))
