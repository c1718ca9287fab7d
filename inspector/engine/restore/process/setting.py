"""One value that holds for the whole process or thread, and how two readings of it are compared."""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Iterable
from operator import is_
from typing import Any, NamedTuple

import torch

from ...source.running import Types


class Setting(NamedTuple):
    """How the value is called, read and written. A dict is read where the value has parts with names."""

    name: str
    read: Callable[[], Any]
    write: Callable[[Any], Any]
    said: bool = True  # worth telling when a pass changed it: imports change some
    grows: bool = False  # keys that are new in a dict are no change
    plain: bool = False  # nothing of other people's is in it: compared with `==`, which is much quicker


class CannotWrite(Exception):
    """A value that can be read only, or not written any more."""


class Reading:
    """What was read, where it knows itself when it agrees with another."""


_C: Any = torch._C
_COMPARED = Types(bool, int, float, str, bytes, torch.device, _C._LinalgBackend, _C._BlasBackend)


def is_same(now: Any, then: Any) -> bool:
    """Whether two readings agree. Plain values by content, others by identity: nobody's own `__eq__` is asked."""
    if now is then:
        return True
    if type(now) is not type(then):
        return False
    if type(now) in _COMPARED or issubclass(type(now), Reading):
        return bool(now == then)
    if type(now) is list or type(now) is tuple:
        return len(now) == len(then) and _are_same(now, then)
    return type(now) is dict and [*now] == [*then] and _are_same(now.values(), then.values())


def _are_same(now: Collection[Any], then: Collection[Any]) -> bool:
    """Given as many of each."""
    return all(map(is_, now, then)) or all(map(is_same, now, then))


def find_changed(now: dict[Any, Any], then: dict[Any, Any]) -> list[str]:
    """The keys whose values differ, or are in one of them only."""
    missing = object()
    return [
        os.fsdecode(key) if type(key) is bytes else str(key)
        for key in {**then, **now}
        if not is_same(now.get(key, missing), then.get(key, missing))
    ]


def attribute(name: str, owner: Any, attribute: str) -> Setting:
    """The value of an attribute, by identity; it may be missing."""

    def write(value: Any) -> None:
        if value is MISSING:
            delattr(owner, attribute)
        else:
            setattr(owner, attribute, value)

    return Setting(name, lambda: getattr(owner, attribute, MISSING), write)


MISSING = object()
"""In the place of an attribute that is not there."""


def list_attribute(name: str, owner: Any, attribute: str) -> Setting:
    """An attribute that is a list, and what is in it."""

    def write(value: tuple[list[Any], list[Any]]) -> None:
        held, content = value
        held[:] = content
        setattr(owner, attribute, held)

    def read() -> tuple[Any, list[Any]]:
        held = getattr(owner, attribute)
        return held, list(held)

    return Setting(name, read, write)


def find_pairs(owner: Any, names: Iterable[tuple[str, str, str]]) -> tuple[Setting, ...]:
    """Settings for getters and setters of `owner`, given as (name, getter, setter): those that this version has."""
    return tuple(
        Setting(name, getattr(owner, getter), getattr(owner, setter))
        for name, getter, setter in names
        if hasattr(owner, getter) and hasattr(owner, setter)
    )
