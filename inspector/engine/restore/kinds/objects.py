"""Objects of anybody's class: what is stored on them, in their dict and their slots."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from typing import Any

from ...source.running import Types, mro
from ...values.objects import name_of_type
from .buffers import has_memory, sample_of
from .containers import same
from .dicts import put_back
from .kind import Budget, Change, Kept, Parts
from .layout import layout_of
from .origin import OURS, is_own_class, module_of

_PASSED_BY = frozenset({
    OURS, "_pytest", "abc", "ast", "dis", "enum", "hypothesis", "importlib", "inspect", "io", "linecache", "logging",
    "pathlib", "pluggy", "re", "tempfile", "tokenize", "traceback", "typing", "warnings", "zipfile", "zoneinfo",
})  # fmt: skip
"""Packages whose objects hold what they found out and may find out again, or belong to the whole program."""

_TORCH = ("torch._", "torch.fx", "torch.jit", "torch.export", "torch.distributed", "torch.profiler", "torch.autograd")
"""Of torch, what compiles and traces: large, and never what a model computes with."""

_SHARED = frozenset({"asyncio", "concurrent", "multiprocessing", "queue", "sched", "socket", "subprocess", "threading"})
"""Packages whose objects other threads and processes work on meanwhile: to put back what those did would lose it."""


_MEASURED = Types(list, dict, set, deque)


class KeptObject(Kept):
    """Any object that stores attributes, past its own `__getattribute__`, `__setattr__` and properties."""

    __slots__ = ("attributes", "cls", "filled")

    def __init__(self, owner: Any, budget: Budget) -> None:
        super().__init__(owner, budget)
        self.cls = type(owner)
        layout = layout_of(self.cls)
        held = layout.read_dict(owner)
        self.attributes = None if held is None else held.copy()
        self.filled = layout.read_slots(owner)

    @classmethod
    def claims(cls, kind: type) -> bool:
        return _has_attributes(kind) and not _is_passed_by(kind)

    def parts(self) -> Parts:
        yield from (self.attributes or {}).items()
        yield from self.filled.items()

    def restore(self) -> Iterator[Change]:
        if type(self.owner) is not self.cls:
            object.__setattr__(self.owner, "__class__", self.cls)
            yield Change("class")
        layout = layout_of(self.cls)
        now = layout.read_dict(self.owner)
        if now is not None and self.attributes is not None:
            yield from map(Change, put_back(now, self.attributes))
        yield from map(Change, layout.restore_slots(self.owner, self.filled))


class KeptShared(Kept):
    """A queue, an event, a thread, memory that processes share: what is stored on it is compared, and left as others
    made it."""

    __slots__ = ("attributes", "memory")

    def __init__(self, owner: Any, budget: Budget) -> None:
        super().__init__(owner, budget)
        self.attributes = self._read()
        self.memory = self._sample_memory()

    @classmethod
    def claims(cls, kind: type) -> bool:
        return _has_attributes(kind) and _is_shared(kind)

    def _read(self) -> list[Any]:
        """The attributes one after the other, and how much the containers in them hold."""
        held = self._list_attributes()
        return [*held, *(len(value) for value in held if type(value) in _MEASURED)]

    def _list_attributes(self) -> list[Any]:
        return list((layout_of(type(self.owner)).read_dict(self.owner) or {}).values())

    def _sample_memory(self) -> list[Any]:
        """Checksums of the raw memory that it holds."""
        return [sample_of(value) for value in self._list_attributes() if has_memory(type(value))]

    def restore(self) -> Iterator[Change]:
        if not same(self._read(), self.attributes) or self._sample_memory() != self.memory:
            yield Change("", f"a {name_of_type(self.owner)}: left as it is, since other threads may use it")


def _is_shared(kind: type) -> bool:
    """A subclass of a Queue is one, too."""
    roots = (module_of(each).partition(".")[0] for each in mro(kind) if not is_own_class(each))
    return not _SHARED.isdisjoint(roots)


def _is_passed_by(kind: type) -> bool:
    where = module_of(kind)
    root = where.partition(".")[0]
    if root == "torch":
        return where.startswith(_TORCH)
    return root == OURS or (root in _PASSED_BY and not is_own_class(kind))


def _has_attributes(kind: type) -> bool:
    return not layout_of(kind).is_empty
