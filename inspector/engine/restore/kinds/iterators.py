"""Iterators, generators and coroutines: they cannot be wound back, but that they advanced can be seen without asking
them for anything."""

from __future__ import annotations

import gc
import itertools
import operator
import types
import warnings
from collections.abc import Iterator
from typing import Any

from ...source.running import Types, in_mro
from ..place import ITEM
from .atoms import is_atom
from .containers import same
from .kind import Budget, Change, Kept, Parts
from .origin import module_of

_FRAMES = {types.GeneratorType: "gi", types.CoroutineType: "cr", types.AsyncGeneratorType: "ag"}
_FRAMED = Types(*_FRAMES)


class KeptIterator(Kept):
    """One of Python's own: how much is left of it, and the iterators that it is made of."""

    __slots__ = ("position",)

    def __init__(self, owner: Any, budget: Budget) -> None:
        super().__init__(owner, budget)
        self.position = self._read()

    @classmethod
    def claims(cls, kind: type) -> bool:
        is_pythons = module_of(kind) in ("builtins", "itertools") and kind.__flags__ & _IMMUTABLE
        return bool(is_pythons) and in_mro(kind, "__next__")[1] is not None and kind not in _FRAMED

    def _read(self) -> Any:
        kind = type(self.owner)
        if in_mro(kind, "__length_hint__")[1] is not None:
            return operator.length_hint(self.owner, -1)
        if kind is itertools.count:
            held = (each for each in gc.get_referents(self.owner) if each is not kind)
            return repr(self.owner) if all(map(is_atom, held)) else ""
        return _reduce(self.owner) if module_of(kind) == "itertools" else None

    def parts(self) -> Parts:
        return ((ITEM, held) for held in gc.get_referents(self.owner) if not issubclass(type(held), type))

    def restore(self) -> Iterator[Change]:
        now = self._read()
        if now != self.position:
            self.position = now
            yield Change("", "an iterator that advanced")


_IMMUTABLE = 1 << 8
"""Of a type: it was made in C, and says truly where it is from."""


def _reduce(owner: Any) -> Any:
    """The numbers in what pickling would keep, which says how far it is; None where Python no longer does."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        try:
            found = owner.__reduce__()
        except TypeError:
            return None
    left = [operator.length_hint(part, -1) for part in found[1] if type(part) in _LISTS]
    return [*left, *_list_numbers(found[1:], 3)]


_LISTS = Types(type(iter([])), type(iter(())))
_NUMBERS = Types(int, bool)


def _list_numbers(state: Any, depth: int) -> Iterator[int]:
    """Those in tuples of tuples."""
    for part in state:
        if type(part) in _NUMBERS:
            yield part
        elif type(part) is tuple and depth:
            yield from _list_numbers(part, depth - 1)


class KeptFrame(Kept):
    """A generator or coroutine: where it stands, and what its variables are."""

    __slots__ = ("content", "position")

    def __init__(self, owner: Any, budget: Budget) -> None:
        super().__init__(owner, budget)
        self.position, self.content = self._read()

    @classmethod
    def claims(cls, kind: type) -> bool:
        return kind in _FRAMED

    def _read(self) -> tuple[int, list[Any]]:
        frame = getattr(self.owner, f"{_FRAMES[type(self.owner)]}_frame")
        return (-1, []) if frame is None else (frame.f_lasti, _list_variables(self.owner, frame))

    def parts(self) -> Parts:
        skipped = (types.FrameType, types.CodeType)
        return ((ITEM, held) for held in self.content if not issubclass(type(held), skipped))

    def restore(self) -> Iterator[Change]:
        position, content = self._read()
        if position != self.position or not same(content, self.content):
            self.position, self.content = position, content
            yield Change("", f"a {type(self.owner).__name__} that advanced")


def _list_variables(owner: Any, frame: types.FrameType) -> list[Any]:
    """The values of its variables, and what it is in the middle of: with Python 3.10 the frame holds them."""
    elsewhere = (frame.f_globals, frame.f_builtins)
    held_by_frame = (held for held in gc.get_referents(frame) if not any(held is each for each in elsewhere))
    return [*gc.get_referents(owner), *held_by_frame]
