"""Lists and tuples of containers, such as the layers of a key-value cache, to be found again as they were.

What all of them hold is read into one flat tuple, and compared in a few steps with what it was: which objects there are
by their ids, and how the tensors among them look by one question for each container.
"""

from __future__ import annotations

import struct
from bisect import bisect
from collections.abc import Callable, Mapping, Sequence
from itertools import accumulate, chain, repeat
from operator import itemgetter, ne
from typing import Any, NamedTuple, Protocol

from torch import Tensor

from ....records import Value
from .identities import SIZE, ids_of
from .looks import Check

FEWEST = 8
"""Containers in a list that are looked at together, and tensors in them; of fewer each is looked at as soon."""

_read_attribute = object.__getattribute__
_NAME = repeat("__dict__")

Read = Callable[[Sequence[Any], int], "tuple[Any, ...] | None"]
"""What containers hold, so much each, one after the other, and behind that the names in all; None where one holds more
or less."""


def read_objects(rows: Sequence[Any], width: int) -> tuple[Any, ...] | None:
    """By what they store."""
    try:
        return read_dicts([*map(_read_attribute, rows, _NAME)], width)
    except AttributeError:  # it stores nothing
        return None


def read_dicts(rows: Sequence[Any], width: int) -> tuple[Any, ...] | None:
    """By their keys."""
    try:
        if {*map(dict.__len__, rows)} != {width}:
            return None
        return (*chain.from_iterable(map(dict.values, rows)), *chain.from_iterable(map(dict.__iter__, rows)))
    except (TypeError, RuntimeError):  # a `__dict__` that is none, or another thread writes to it
        return None


def read_sequences(rows: Sequence[Any], width: int) -> tuple[Any, ...] | None:
    """Lists or tuples."""
    return (*chain.from_iterable(rows),) if {*map(len, rows)} == {width} else None


class Memory(Protocol):
    """What is known of tensors that were described."""

    def recall(self, tensors: Sequence[Tensor]) -> Sequence[Any] | None:
        """What is known of each of these, of torch's own class; None where one is not as it was, or was never seen."""

    def values(self, known: Sequence[Any]) -> Sequence[Value]:
        """What was said of them."""

    def find_changed(self, known: Sequence[Any], tensors: Sequence[Tensor]) -> Sequence[int]:
        """Which tensors are not those of which this is known, though they look alike."""


class Row(NamedTuple):
    """A container, by what is in it."""

    record: Value
    keys: tuple[str, ...] | None
    """Its names as they are written, None for a sequence."""
    kept: tuple[Any, ...]
    """What is in it and is no tensor, and the names: nothing else gets an `id` of theirs."""
    places: tuple[int, ...]
    """Where its tensors are."""
    check: Check
    """Whether others look like them."""
    known: Sequence[Any]
    """Of them."""


class SeenRows:
    """A list of containers of one class and with as many names, in which nothing is but tensors and what never changes.
    It is never written to: threads may share it."""

    __slots__ = (
        "_checks", "_cut", "_ids", "_kind", "_kinds", "_known", "_names", "_read", "_rows", "_starts", "_take", "items",
        "width",
    )  # fmt: skip

    def __init__(
        self, values: Sequence[Any], read: Read, width: int, parts: tuple[Any, ...], rows: Sequence[Row]
    ) -> None:
        self.width = width  # what each holds, without names
        self._kind = type(values[0])  # is kept, with its `id`
        self._kinds = ids_of(tuple(map(type, values)))
        self._ids = ids_of(parts)
        self._cut = struct.Struct(f"{width * SIZE}s" * len(values)).unpack_from  # into the ids in each
        self._names = len(values) * width * SIZE  # where those of names begin
        self._read = read
        self._place(rows)

    def _place(self, rows: Sequence[Row]) -> None:
        self._rows = rows
        self.items = tuple([row.record for row in rows])
        self._known = [*chain.from_iterable([row.known for row in rows])]
        self._starts = [*accumulate([len(row.places) for row in rows], initial=0)]  # among the tensors
        self._checks = [*zip([row.check for row in rows], self._starts, self._starts[1:], strict=False)]
        places = [number * self.width + place for number, row in enumerate(rows) for place in row.places]
        self._take: Callable[[tuple[Any, ...]], tuple[Any, ...]] = itemgetter(*places)

    def read(self, values: Sequence[Any]) -> tuple[Any, ...] | None:
        """What they hold; None where they are others, or hold more or less."""
        return self._read(values, self.width) if ids_of(tuple(map(type, values))) == self._kinds else None

    def find_changed(self, parts: tuple[Any, ...]) -> Sequence[int] | None:
        """Which of them hold other objects than they did, or tensors that look otherwise; None where there are other
        names."""
        ids, tensors, checks = ids_of(parts), self._take(parts), self._checks
        if ids == self._ids:
            if all([check(*tensors[first:last]) for check, first, last in checks]):
                return ()
        elif ids[self._names :] != self._ids[self._names :]:
            return None
        moved = [*map(ne, self._cut(ids), self._cut(self._ids))]
        return [
            number
            for number, (check, first, last) in enumerate(checks)
            if moved[number] or not check(*tensors[first:last])
        ]

    def row(self, number: int) -> Row:
        """The one with this number."""
        return self._rows[number]

    def find_written(self, parts: tuple[Any, ...], memory: Memory) -> Sequence[int]:
        """Which of them, that hold what they did, hold tensors that are not as they were."""
        written = memory.find_changed(self._known, self._take(parts))
        return sorted({bisect(self._starts, number) - 1 for number in written}) if written else ()

    def _copy(self) -> SeenRows:
        made = SeenRows.__new__(SeenRows)
        made.width, made._kind, made._kinds, made._names = self.width, self._kind, self._kinds, self._names
        made._read, made._cut, made._starts, made._take = self._read, self._cut, self._starts, self._take
        return made

    def replace(self, parts: tuple[Any, ...], anew: Mapping[int, Row]) -> SeenRows | None:
        """With these ones anew; None where too few tensors are left."""
        made, rows = self._copy(), [*self._rows]
        made._ids = ids_of(parts)
        same = all([rows[number].places == row.places for number, row in anew.items()])
        for number, row in anew.items():
            rows[number] = row
        if not same:
            if sum([len(row.places) for row in rows]) < FEWEST:
                return None
            made._place(rows)
            return made
        items, made._rows, made._known, made._checks = [*self.items], rows, [*self._known], [*self._checks]
        for number, row in anew.items():
            _, first, last = self._checks[number]
            items[number], made._known[first:last] = row.record, row.known
            made._checks[number] = row.check, first, last
        made.items = tuple(items)
        return made
