"""Classes of the model's modules and objects: their attributes and methods."""

from __future__ import annotations

from collections.abc import Iterator
from types import FunctionType
from typing import Any

from ...source.running import namespace
from .dicts import differences, identical
from .kind import MISSING, Budget, Change, Kept, Parts
from .origin import is_library, is_own_class

_MADE_LATE = frozenset({
    "__annotations__", "__annotations_cache__", "__annotate__", "__annotate_func__", "__slotnames__",
    "__abstractmethods__", "_abc_impl", "__doc__", "__dict__", "__weakref__",
})  # fmt: skip
"""What Python itself puts on a class, some of it when it is asked for."""


_SLOTS: list[tuple[str, Any]] = [(name, vars(type)[name]) for name in ("__name__", "__qualname__", "__bases__")]
"""What Python keeps of a class outside of its attributes."""


class KeptClass(Kept):
    """Nothing of Python's and torch's; of other libraries the functions are not looked into."""

    __slots__ = ("attributes", "is_library", "set")

    def __init__(self, owner: type, budget: Budget) -> None:
        super().__init__(owner, budget)
        self.is_library = is_library(owner)
        self.attributes = {} if self.is_library else self._read()
        self.set = [] if self.is_library else [(name, slot, slot.__get__(owner)) for name, slot in _SLOTS]

    @classmethod
    def claims(cls, kind: type) -> bool:
        return issubclass(kind, type)

    def _read(self) -> dict[str, Any]:
        return {name: value for name, value in namespace(self.owner).items() if name not in _MADE_LATE}

    def parts(self) -> Parts:
        skipped = () if self.is_library or is_own_class(self.owner) else (FunctionType, type)
        return ((name, value) for name, value in self.attributes.items() if not issubclass(type(value), skipped))

    def restore(self) -> Iterator[Change]:
        if self.is_library:
            return
        for name, slot, then in self.set:
            now = slot.__get__(self.owner)
            if now is not then and not (type(now) is type(then) is str and now == then):
                slot.__set__(self.owner, then)
                yield Change(name)
        found = self._read()
        if identical(found, self.attributes):
            return
        for name in differences(found, self.attributes):
            then = self.attributes.get(name, MISSING)
            if then is MISSING:
                type.__delattr__(self.owner, name)
            else:
                type.__setattr__(self.owner, name, then)
            yield Change(str(name))
