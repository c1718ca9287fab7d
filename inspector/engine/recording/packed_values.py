"""Described values that are looked at rarely, in columns: an ordinary tensor's statistics are seven numbers, and all
else that is said of it is said of many."""

from __future__ import annotations

from array import array
from typing import Any

from ...records import Statistics, TensorValue, Value


class PackedValues:
    """A value that is added gets a number, by which it is made again. It takes some 60 bytes, where the value took
    300."""

    def __init__(self) -> None:
        self._outlines: list[tuple[Any, ...]] = []  # all but the numbers, see `_outline_of`
        self._places: dict[tuple[Any, ...], int] = {}  # of those
        self._outline = array("i")  # of each value, -1 for one that is kept as it is
        self._measured = array("i")  # where its numbers are, -1 where there are none
        self._floats = array("d")  # four for each
        self._counts = array("q")  # three for each
        self._rest: dict[int, Value] = {}

    def add(self, value: Value) -> int:
        """Its number."""
        number = len(self._outline)
        outline = _outline_of(value) if type(value) is TensorValue else None
        if outline is None:
            self._rest[number] = value
            self._outline.append(-1)
            self._measured.append(-1)
            return number
        place = self._places.get(outline)
        if place is None:
            place = self._places[outline] = len(self._outlines)
            self._outlines.append(outline)
        self._outline.append(place)
        found: Statistics | None = value.statistics  # type: ignore[union-attr]  # it has an outline
        if found is None:
            self._measured.append(-1)
        else:
            self._measured.append(len(self._counts) // 3)
            self._counts.extend((found.nan, found.inf, found.zeros))
            self._floats.extend((found.min or 0.0, found.max or 0.0, found.mean or 0.0, found.std or 0.0))
        return number

    def __getitem__(self, number: int) -> Value:
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
