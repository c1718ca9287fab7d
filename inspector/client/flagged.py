"""Some of very many places, a byte for each, so that a million are looked through at the speed of memory."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterator
from itertools import accumulate, compress, count

from ..made_rows import MadeRows

_BLOCK = 4096


class Flagged(MadeRows[int]):
    """The places where a byte is 1, ascending.

    Args:
        flags: A 0 or a 1 for each place.
        name: What stands for a place in this sequence; the place itself unless given.
    """

    def __init__(self, flags: bytes | bytearray, name: Callable[[int], int] | None = None) -> None:
        self._flags = flags
        self._name = name
        counts = (flags.count(1, first, first + _BLOCK) for first in range(0, len(flags), _BLOCK))
        self._before = [0, *accumulate(counts)]  # how many there are before each block
        self._at_hand = -1, [0]  # a block, and those in it

    def __len__(self) -> int:
        return self._before[-1]

    def __iter__(self) -> Iterator[int]:
        places = compress(count(), self._flags)
        return places if self._name is None else map(self._name, places)

    def _row(self, index: int) -> int:
        block = bisect_right(self._before, index) - 1
        if self._at_hand[0] != block:
            first = block * _BLOCK
            self._at_hand = block, list(compress(count(first), self._flags[first : first + _BLOCK]))
        place = self._at_hand[1][index - self._before[block]]
        return place if self._name is None else self._name(place)

    def rank(self, place: int) -> int:
        """How many there are before this place."""
        block = place // _BLOCK
        return self._before[block] + self._flags.count(1, block * _BLOCK, place)

    def among(self, other: Flagged) -> Flagged:
        """Those that are in the other one too, which is of the same places."""
        both = int.from_bytes(self._flags, "little") & int.from_bytes(other._flags, "little")
        return Flagged(both.to_bytes(len(self._flags), "little"), self._name)
