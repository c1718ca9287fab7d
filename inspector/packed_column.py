"""Numbers of one kind, of which there may be a million and of which one looks at some: packed, a page at a time.

Numbers that lie next to each other are alike in most columns, so what is kept is by how much each is larger than the
one before it, compressed: one or two bytes where a number takes eight.
"""

from __future__ import annotations

import sys
import zlib
from array import array
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from itertools import accumulate, chain
from operator import sub
from typing import Generic, TypeVar, cast, overload

PAGE = 4096
"""Numbers that are packed together."""
_AT_HAND = 32
"""Pages of a column that are kept unpacked at most."""
_AS_THEY_ARE, _DIFFERENCES = b"\0", b"\1"

Number = TypeVar("Number", int, float)


def pack(numbers: array[Number]) -> bytes:
    """A page of any length, little-endian, as `array` has them."""
    how = _AS_THEY_ARE
    if numbers.typecode != "d":
        with suppress(OverflowError):  # where they are too far apart for that
            numbers, how = array(numbers.typecode, map(sub, numbers, chain((0,), numbers))), _DIFFERENCES
    if sys.byteorder == "big":
        numbers = numbers[:]
        numbers.byteswap()
    return how + zlib.compress(numbers, 1)


def unpack(code: str, held: bytes, count: int) -> array[Number]:
    """So many numbers of a page, as `array` names their type. Raises `ValueError` where it holds anything else."""
    numbers: array[Number] = array(code)
    size, reader = count * numbers.itemsize, zlib.decompressobj()
    try:
        found = reader.decompress(held[1:], size + 1)
        if len(found) != size or not reader.eof or reader.unused_data:
            raise ValueError("columns that are not all as long")
        numbers.frombytes(found)
        if sys.byteorder == "big":
            numbers.byteswap()
        return array(code, accumulate(numbers)) if held[:1] == _DIFFERENCES else numbers
    except (zlib.error, OverflowError, TypeError) as error:
        raise ValueError(f"a column that cannot be read: {error}") from None


class PackedColumn(Sequence[Number], Generic[Number]):
    """Args:
    code: The type of the numbers, as `array` names it.
    """

    __hash__ = None  # type: ignore[assignment]  # it grows

    def __init__(self, code: str) -> None:
        self.tail: array[Number] = array(code)  # the last numbers; more may be put there by hand, until `settle`
        self._pages: list[bytes] = []
        self._at_hand: dict[int, array[Number]] = {}

    def extend(self, numbers: Iterable[Number]) -> None:
        self.tail.extend(numbers)
        self.settle()

    def settle(self) -> None:
        """Pack what fills a page of what was put in."""
        tail = self.tail
        if len(tail) < PAGE:
            return
        full = len(tail) // PAGE * PAGE
        for first in range(0, full, PAGE):
            self._pages.append(pack(tail[first : first + PAGE]))
        del tail[:full]

    def adopt(self, page: bytes, numbers: array[Number]) -> None:
        """Put in these numbers, which are packed already."""
        if self.tail or len(numbers) != PAGE:
            self.extend(numbers)
        else:
            self._pages.append(page)

    def packed(self, first: int, last: int) -> bytes:
        """The numbers from one place to before another, packed."""
        if first % PAGE == 0 and last - first == PAGE and last <= len(self._pages) * PAGE:
            return self._pages[first // PAGE]
        return pack(self[first:last])

    def __len__(self) -> int:
        return len(self._pages) * PAGE + len(self.tail)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, PackedColumn) and self._pages == other._pages and self.tail == other.tail

    @overload
    def __getitem__(self, place: int) -> Number: ...

    @overload
    def __getitem__(self, place: slice) -> array[Number]: ...

    def __getitem__(self, place: int | slice) -> Number | array[Number]:
        if isinstance(place, slice):
            return self._slice(range(len(self))[place])
        if place < 0:
            place += len(self)
        packed = len(self._pages) * PAGE
        if place >= packed:
            return self.tail[place - packed]
        if place < 0:
            raise IndexError("no such place in the column")
        return self._page(place // PAGE)[place % PAGE]

    def _slice(self, places: range) -> array[Number]:
        found: array[Number] = array(self.tail.typecode)
        if places.step != 1:
            found.extend(map(self.__getitem__, places))
            return found
        first, packed = places.start, len(self._pages) * PAGE
        while first < min(places.stop, packed):
            begin = first % PAGE
            found.extend(self._page(first // PAGE)[begin : begin + places.stop - first])
            first += PAGE - begin
        found.extend(self.tail[max(first - packed, 0) : max(places.stop - packed, 0)])
        return found

    def __iter__(self) -> Iterator[Number]:
        for number in range(len(self._pages)):
            yield from cast("array[Number]", unpack(self.tail.typecode, self._pages[number], PAGE))
        yield from self.tail

    def _page(self, number: int) -> array[Number]:
        page = self._at_hand.get(number)
        if page is None:
            page = unpack(self.tail.typecode, self._pages[number], PAGE)
            at_hand = self._at_hand if len(self._at_hand) < _AT_HAND else {}
            at_hand[number] = page
            self._at_hand = at_hand  # another one, and not a smaller one: threads read it
        return page
