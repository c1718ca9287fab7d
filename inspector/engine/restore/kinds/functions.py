"""Functions: their closures, defaults and attributes, and the globals that they name."""

from __future__ import annotations

import functools
import types
from collections.abc import Iterator
from typing import Any
from weakref import WeakKeyDictionary, WeakSet, WeakValueDictionary

from .dicts import put_back
from .kind import MISSING, Budget, Change, Kept, Parts
from .origin import is_own_function, is_torchs

_CALLABLE = (types.FunctionType, types.MethodType, functools.partial)
_CACHES = (dict, list, set, WeakKeyDictionary, WeakValueDictionary, WeakSet)
_SETTABLE = ("__code__", "__defaults__", "__kwdefaults__", "__name__", "__qualname__", "__doc__", "__module__")


class KeptFunction(Kept):
    """One of the model's own files. Of a library's, such as what a decorator made, only functions and caches that it
    encloses are looked at."""

    __slots__ = ("attributes", "cells", "is_own", "set")

    def __init__(self, owner: types.FunctionType, budget: Budget) -> None:
        super().__init__(owner, budget)
        self.is_own = is_own_function(owner)
        names = owner.__code__.co_freevars
        self.cells = [(name, cell, _read(cell)) for name, cell in zip(names, owner.__closure__ or (), strict=False)]
        self.set = [(name, getattr(owner, name)) for name in _SETTABLE]
        self.attributes = dict(vars(owner))

    @classmethod
    def claims(cls, kind: type) -> bool:
        return kind is types.FunctionType

    def parts(self) -> Parts:
        closed_over = [(name, value) for name, _, value in self.cells]
        if not self.is_own:
            wanted = _CALLABLE if is_torchs(self.owner) else (*_CALLABLE, *_CACHES)
            return [(name, value) for name, value in closed_over if issubclass(type(value), wanted)]
        return [*closed_over, *self.set[1:3], *self.attributes.items()]

    def restore(self) -> Iterator[Change]:
        if not self.is_own:
            return
        for name, cell, then in self.cells:
            if _read(cell) is not then:
                _write(cell, then)
                yield Change(name)
        for name, value in self.set:
            if getattr(self.owner, name) is not value:
                setattr(self.owner, name, value)
                yield Change(name)
        yield from map(Change, put_back(vars(self.owner), self.attributes))


def _read(cell: types.CellType) -> Any:
    try:
        return cell.cell_contents
    except ValueError:  # an empty cell
        return MISSING


def _write(cell: types.CellType, value: Any) -> None:
    if value is MISSING:
        del cell.cell_contents
    else:
        cell.cell_contents = value


class KeptCache(Kept):
    """What `functools.cache` or `lru_cache` made: how much it remembers."""

    __slots__ = ("entries",)

    def __init__(self, owner: Any, budget: Budget) -> None:
        super().__init__(owner, budget)
        self.entries = self._read()

    @classmethod
    def claims(cls, kind: type) -> bool:
        return kind is functools._lru_cache_wrapper

    def _read(self) -> tuple[int, int]:
        found = self.owner.cache_info()
        return found.misses, found.currsize

    def parts(self) -> Parts:
        yield from vars(self.owner).items()

    def restore(self) -> Iterator[Change]:
        now = self._read()
        if now != self.entries:
            self.entries = now
            yield Change("", "a cache that remembers more or other calls")
