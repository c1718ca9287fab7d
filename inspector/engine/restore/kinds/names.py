"""Globals of the model's own files, those that its code names."""

from __future__ import annotations

import sys
import types
from collections.abc import Iterable, Iterator
from typing import Any

from .dicts import put_back
from .kind import MISSING, Budget, Change, Kept, Parts
from .origin import names_in

_IMPORTED = (type, types.FunctionType, types.BuiltinFunctionType)


class KeptNames(Kept):
    """`owner` is the dict of the globals; a name that was imported late stays so, as the module does."""

    __slots__ = ("bindings",)

    def __init__(self, owner: dict[str, Any], budget: Budget) -> None:
        super().__init__(owner, budget)
        self.bindings: dict[str, Any] = {}

    @classmethod
    def claims(cls, kind: type) -> bool:
        return False  # any dict may be one: it is known by the function that it was found at

    def add(self, names: Iterable[str]) -> Parts:
        """Look after these, too; gives those that were not looked after yet."""
        new = {name: self.owner.get(name, MISSING) for name in names if name not in self.bindings}
        new = {name: value for name, value in new.items() if not _is_dunder(name)}
        self.bindings.update(new)
        return new.items()

    def restore(self) -> Iterator[Change]:
        for name, then in self.bindings.items():
            now = self.owner.get(name, MISSING)
            if now is then or (then in (None, MISSING) and issubclass(type(now), types.ModuleType)):
                continue
            if then is None and issubclass(type(now), _IMPORTED):
                yield Change(name, "set as if it was imported now: left so")
                continue
            if then is MISSING:
                del self.owner[name]
            else:
                self.owner[name] = then
            yield Change(name)


class KeptSpace(Kept):
    """A module object that was made by hand, to keep things in. One that was imported leads to all of a program."""

    __slots__ = ("attributes",)

    def __init__(self, owner: types.ModuleType, budget: Budget) -> None:
        super().__init__(owner, budget)
        held = _DICT.__get__(owner)
        self.attributes = held.copy() if _is_made_by_hand(owner, held) else None

    @classmethod
    def claims(cls, kind: type) -> bool:
        return issubclass(kind, types.ModuleType)

    def parts(self) -> Parts:
        return (self.attributes or {}).items()

    def restore(self) -> Iterator[Change]:
        if self.attributes is not None:
            yield from map(Change, put_back(_DICT.__get__(self.owner), self.attributes))


_DICT: Any = vars(types.ModuleType)["__dict__"]


def _is_made_by_hand(owner: types.ModuleType, held: dict[str, Any]) -> bool:
    name = held.get("__name__")
    found = sys.modules.get(name) if type(name) is str else None
    return "__file__" not in held and held.get("__spec__") is None and found is not owner


def names_of(function: types.FunctionType) -> frozenset[str]:
    """The globals that a function may read or set."""
    return names_in(function.__code__)


def _is_dunder(name: str) -> bool:
    return name.startswith("__") and name.endswith("__")
