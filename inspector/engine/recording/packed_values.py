"""Described values that are looked at rarely, in columns: an ordinary tensor's statistics are seven numbers, and all
else that is said of it is said of many."""

from __future__ import annotations

from typing import Any

from ...packed_column import PackedColumn
from ...records import Statistics, TensorValue, Value

_AT_HAND = 1_000
"""Values that are kept as they were made, at most."""


class PackedValues:
    """A value that is added gets a number, by which it is made again. It takes as much as its numbers do not have in
    common with those before, 60 bytes at most, where the value took 300."""

    def __init__(self) -> None:
        self._outlines: list[tuple[Any, ...]] = []  # all but the numbers, see `_outline_of`
        self._places: dict[tuple[Any, ...], int] = {}  # of those
        self._outline: PackedColumn[int] = PackedColumn("i")  # of each value, -1 for one that is kept as it is
        self._measured: PackedColumn[int] = PackedColumn("i")  # where its numbers are, -1 where there are none
        self._floats: PackedColumn[float] = PackedColumn("d")  # four for each
        self._counts: PackedColumn[int] = PackedColumn("q")  # three for each
        self._rest: dict[int, Value] = {}
        self._made: dict[int, Value] = {}  # a few of those that were asked for: what one call returns, the next takes

    def add(self, value: Value) -> int:
        """Its number."""
        number = len(self._outline)
        outline = _outline_of(value) if type(value) is TensorValue else None
        if outline is None:
            self._rest[number] = value
            self._outline.tail.append(-1)
            self._measured.tail.append(-1)
            return number
        place = self._places.get(outline)
        if place is None:
            place = self._places[outline] = len(self._outlines)
            self._outlines.append(outline)
        self._outline.tail.append(place)
        found: Statistics | None = value.statistics  # type: ignore[union-attr]  # it has an outline
        if found is None:
            self._measured.tail.append(-1)
        else:
            self._measured.tail.append(len(self._counts) // 3)
            self._counts.tail.extend((found.nan, found.inf, found.zeros))
            self._floats.tail.extend((found.min or 0.0, found.max or 0.0, found.mean or 0.0, found.std or 0.0))
        return number

    def settle(self) -> None:
        """Nothing more is added for now: take as little room as that may be."""
        for column in (self._outline, self._measured, self._floats, self._counts):
            column.settle()

    def __getitem__(self, number: int) -> Value:
        value = self._made.get(number)
        if value is None:
            made = self._made if len(self._made) < _AT_HAND else {}
            value = made[number] = self._make(number)
            self._made = made  # another one, and not a smaller one: threads read it
        return value

    def _make(self, number: int) -> Value:
        if self._outline[number] < 0:
            return self._rest[number]
        *bare, why, of, finite = self._outlines[self._outline[number]]
        row, statistics = self._measured[number], None
        if row >= 0:
            low, high, mean, std = self._floats[4 * row : 4 * row + 4] if finite else (None,) * 4
            nan, inf, zeros = self._counts[3 * row : 3 * row + 3]
            statistics = Statistics(low, high, mean, std, nan, inf, zeros, of)
        shape, dtype, device, requires_grad, kind, layout, nbytes = bare
        return TensorValue(shape, dtype, device, requires_grad, kind, layout, nbytes, statistics, why)


def _outline_of(value: TensorValue) -> tuple[Any, ...] | None:
    """What is said of many; None where there is more to it, which few have."""
    found = value.statistics
    if value.histogram is not None or value.preview is not None:
        return None
    floats = (found.min, found.max, found.mean, found.std) if found is not None else ()
    finite = None not in floats
    if not finite and floats != (None,) * 4:
        return None
    of = found.of if found is not None else ""
    return (
        value.shape, value.dtype, value.device, value.requires_grad, value.type, value.layout, value.nbytes,
        value.why, of, finite,
    )  # fmt: skip
