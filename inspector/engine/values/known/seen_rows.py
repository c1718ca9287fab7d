"""Lists and tuples of containers, such as the layers of a key-value cache, to be found again as they were.

What all of them hold is read into one flat tuple, and compared in a few steps with what it was: which objects there are
by their ids, and how the tensors among them look by one question for each container.
"""

from __future__ import annotations

from bisect import bisect
from collections.abc import Callable, Mapping, Sequence
from itertools import accumulate, chain, repeat
from operator import is_, itemgetter
from typing import Any, NamedTuple, Protocol

from torch import Tensor

from ....records import OtherValue, Value
from .identities import SIZE, ids_of
from .looks import Check

FEWEST = 8
"""Containers in a list that are looked at together; of fewer each is looked at as soon."""

_read_attribute = object.__getattribute__
_NAME, _DICT = repeat("__dict__"), repeat(dict)

Read = Callable[[Sequence[Any]], "tuple[list[int], tuple[Any, ...]] | None"]
"""How many parts are read of each of some containers, and these: what the first holds, the names of that, what the
second holds. None where one is not to be read so."""


def read_objects(rows: Sequence[Any]) -> tuple[list[int], tuple[Any, ...]] | None:
    """By what they store."""
    return read_dicts([*map(_read_attribute, rows, _NAME)])


def read_dicts(rows: Sequence[Any]) -> tuple[list[int], tuple[Any, ...]] | None:
    """By their keys."""
    if not all(map(is_, map(type, rows), _DICT)):
        return None
    parts: list[Any] = []
    for row in rows:
        parts += row.values()
        parts += row
    return [size + size for size in map(len, rows)], tuple(parts)


def read_sequences(rows: Sequence[Any]) -> tuple[list[int], tuple[Any, ...]]:
    """Lists or tuples."""
    return [*map(len, rows)], (*chain.from_iterable(rows),)


def read_all(read: Read, rows: Sequence[Any], kinds: Sequence[type]) -> tuple[list[int], tuple[Any, ...]] | None:
    """None where they are of other classes than these, or another thread writes to one."""
    if len(rows) != len(kinds) or not all(map(is_, map(type, rows), kinds)):
        return None
    try:
        found = read(rows)
    except (AttributeError, RuntimeError):  # it stores nothing; or is written to
        return None
    return found if found is not None and sum(found[0]) == len(found[1]) else None


class Memory(Protocol):
    """What is known of tensors that were described."""

    def recall(self, tensors: Sequence[Tensor]) -> Sequence[Any] | None:
        """What is known of each of these, of torch's own class; None where one is not as it was, or was never seen."""

    def values(self, known: Sequence[Any]) -> Sequence[Value]:
        """What was said of them."""

    def find_changed(self, known: Sequence[Any], tensors: Sequence[Tensor]) -> Sequence[int]:
        """Which of these are not the tensors of which this is known, as far as their looks do not tell: another object
        may have the `id` of one that is gone."""

    def see_again(self, known: Sequence[Any]) -> None:
        """What is known of these is said once more."""


class Row(NamedTuple):
    """A container, by what is in it."""

    record: Value
    width: int
    """What it holds, without names."""
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
    """A list of containers in which nothing is but tensors and what never changes. It is never written to: threads may
    share it."""

    __slots__ = ("_checks", "_firsts", "_ids", "_kinds", "_read", "_sizes", "_take", "items", "known", "room", "rows")

    def __init__(
        self, read: Read, kinds: list[type], sizes: list[int], parts: tuple[Any, ...], rows: Sequence[Row]
    ) -> None:
        self._read = read
        self._kinds = kinds
        self._ids = ids_of(parts)
        self._sizes = sizes
        self.rows = rows
        # things that are shown of them, themselves included; of an object without tensors nothing is
        self.room = len(rows) + sum([0 if type(row.record) is OtherValue else row.width for row in rows])
        self.items = tuple([row.record for row in rows])
        self.known = [*chain.from_iterable([row.known for row in rows])]
        self._firsts = [*accumulate([len(row.places) for row in rows], initial=0)]  # among the tensors
        self._checks = [*zip([row.check for row in rows], self._firsts, self._firsts[1:], strict=False)]
        both = zip(accumulate(sizes, initial=0), rows, strict=False)
        self._take = _getter([start + place for start, row in both for place in row.places])

    def read(self, values: Sequence[Any]) -> tuple[list[int], tuple[Any, ...]] | None:
        """What they hold; None where they are others."""
        return read_all(self._read, values, self._kinds)

    def find_changed(self, sizes: list[int], parts: tuple[Any, ...], memory: Memory) -> Sequence[int]:
        """Which of them hold other objects than they did, or else tensors that are not as they were. Only the same ones
        may be asked how they look."""
        ids = ids_of(parts)
        if ids != self._ids or sizes != self._sizes:
            return self._find_moved(sizes, ids)
        tensors = self._take(parts)
        changed = memory.find_changed(self.known, tensors)
        if changed:
            return sorted({bisect(self._firsts, number) - 1 for number in changed})
        return [number for number, (check, first, last) in enumerate(self._checks) if not check(*tensors[first:last])]

    def _find_moved(self, sizes: list[int], ids: bytes) -> Sequence[int]:
        """As a rule one, which is found by halves."""
        known, ends = self._ids, [SIZE * end for end in accumulate(sizes, initial=0)]
        if sizes == self._sizes:
            first, last = 0, len(sizes) - 1
            while first < last:
                middle = (first + last) // 2
                if ids[: ends[middle + 1]] == known[: ends[middle + 1]]:
                    first = middle + 1
                else:
                    last = middle
            if ids[ends[first + 1] :] == known[ends[first + 1] :]:
                return [first]
        then = [SIZE * end for end in accumulate(self._sizes, initial=0)]
        both = zip(ends, ends[1:], then, then[1:], strict=False)
        return [number for number, (a, b, c, d) in enumerate(both) if ids[a:b] != known[c:d]]

    def replace(self, sizes: list[int], parts: tuple[Any, ...], anew: Mapping[int, Row]) -> SeenRows:
        """With these ones anew."""
        rows = [*self.rows]
        for number, row in anew.items():
            rows[number] = row
        if sizes != self._sizes or any([row.places != self.rows[number].places for number, row in anew.items()]):
            return SeenRows(self._read, self._kinds, sizes, parts, rows)
        made = SeenRows.__new__(SeenRows)
        made._read, made._kinds, made._ids, made._sizes = self._read, self._kinds, ids_of(parts), sizes
        made._take, made._firsts, made.rows, made.room = self._take, self._firsts, rows, self.room
        items, made.known, made._checks = [*self.items], [*self.known], [*self._checks]
        for number, row in anew.items():
            _, first, last = self._checks[number]
            items[number], made.known[first:last] = row.record, row.known
            made._checks[number] = row.check, first, last
        made.items = tuple(items)
        return made


def _getter(places: Sequence[int]) -> Callable[[tuple[Any, ...]], tuple[Any, ...]]:
    if len(places) > 1:
        return itemgetter(*places)
    return lambda parts: tuple([parts[place] for place in places])
