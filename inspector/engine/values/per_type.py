"""Something found out about a type, once."""

from __future__ import annotations

from collections.abc import Callable
from typing import Generic, TypeVar
from weakref import ref

Found = TypeVar("Found")

_MOST = 10_000


class PerType(Generic[Found]):
    """By the `id` of the type, whose metaclass may have a hash of its own. Types are not kept alive.

    Args:
        find: Finds it out.
    """

    def __init__(self, find: Callable[[type], Found]) -> None:
        self._find = find
        self._found: dict[int, tuple[ref[type], Found]] = {}

    def __call__(self, kind: type) -> Found:
        known = self._found.get(id(kind))
        if known is not None and known[0]() is kind:
            return known[1]
        if len(self._found) >= _MOST:
            self._found.clear()
        found = self._find(kind)
        self._found[id(kind)] = ref(kind), found
        return found
