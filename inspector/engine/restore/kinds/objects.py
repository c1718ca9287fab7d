"""Objects of anybody's class: what is stored on them, in their dict and their slots."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from types import GetSetDescriptorType, MemberDescriptorType
from typing import Any, NamedTuple

from ...source.running import mro, namespace
from ...values.objects import name_of_type, slots
from .containers import same
from .dicts import put_back
from .kind import MISSING, Budget, Change, Kept, Parts
from .origin import OURS, is_own_class, module_of
from .per_type import PerType

_PASSED_BY = frozenset({
    OURS, "_pytest", "abc", "ast", "contextlib", "dis", "enum", "hypothesis", "importlib", "inspect", "io", "linecache",
    "logging", "pathlib", "pluggy", "re", "tempfile", "tokenize", "traceback", "typing", "unittest", "warnings",
    "weakref", "zipfile", "zoneinfo",
})  # fmt: skip
"""Packages whose objects hold what they found out and may find out again, or belong to the whole program."""

_TORCH = ("torch._", "torch.fx", "torch.jit", "torch.export", "torch.distributed", "torch.profiler", "torch.autograd")
"""Of torch, what compiles and traces: large, and never what a model computes with."""

_SHARED = frozenset({"asyncio", "concurrent", "multiprocessing", "queue", "sched", "socket", "subprocess", "threading"})
"""Packages whose objects other threads and processes work on meanwhile: to put back what those did would lose it."""


class _Layout(NamedTuple):
    """Where objects of a type store attributes: what reads their dict, and their slots by name."""

    dict_slot: Any
    slots: dict[str, MemberDescriptorType]

    def read_dict(self, owner: Any) -> dict[str, Any] | None:
        held = None if self.dict_slot is None else self.dict_slot.__get__(owner)
        return held if type(held) is dict else None

    def read_slots(self, owner: Any) -> dict[str, Any]:
        return {name: _read(slot, owner) for name, slot in self.slots.items()}


class KeptObject(Kept):
    """Any object that stores attributes, past its own `__getattribute__`, `__setattr__` and properties."""

    __slots__ = ("attributes", "cls", "filled")

    def __init__(self, owner: Any, budget: Budget) -> None:
        super().__init__(owner, budget)
        self.cls = type(owner)
        layout = _layout_of(self.cls)
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
        layout = _layout_of(self.cls)
        now = layout.read_dict(self.owner)
        if now is not None and self.attributes is not None:
            yield from map(Change, put_back(now, self.attributes))
        for name, then in self.filled.items():
            if _read(layout.slots[name], self.owner) is not then:
                _write(layout.slots[name], self.owner, then)
                yield Change(name)


class KeptShared(Kept):
    """A queue, an event, a thread: what is stored on it is compared, and left as others made it."""

    __slots__ = ("attributes",)

    def __init__(self, owner: Any, budget: Budget) -> None:
        super().__init__(owner, budget)
        self.attributes = self._read()

    @classmethod
    def claims(cls, kind: type) -> bool:
        return _has_attributes(kind) and _is_shared(kind)

    def _read(self) -> list[Any]:
        """The attributes one after the other, and how much the containers in them hold."""
        held = list((_layout_of(type(self.owner)).read_dict(self.owner) or {}).values())
        return [*held, *(len(value) for value in held if type(value) in (list, dict, set, deque))]

    def restore(self) -> Iterator[Change]:
        if not same(self._read(), self.attributes):
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
    layout = _layout_of(kind)
    return layout.dict_slot is not None or bool(layout.slots)


def _find_layout(kind: type) -> _Layout:
    return _Layout(_dict_slot(kind), slots(kind))


_layout_of = PerType(_find_layout)


def _dict_slot(kind: type) -> Any:
    """What reads the dict of such an object; a class may hide it behind a property of the same name."""
    for each in mro(kind):
        found = namespace(each).get("__dict__")
        if type(found) in (GetSetDescriptorType, MemberDescriptorType):
            return found
    return None


def _read(slot: MemberDescriptorType, owner: Any) -> Any:
    try:
        return slot.__get__(owner)
    except AttributeError:  # never filled
        return MISSING


def _write(slot: MemberDescriptorType, owner: Any, value: Any) -> None:
    if value is MISSING:
        slot.__delete__(owner)
    else:
        slot.__set__(owner, value)
