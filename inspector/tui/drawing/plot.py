"""Series of values as a plot of lines, drawn with braille dots, or with ASCII characters.

A pure function from numbers to exactly as many lines and cells as were asked for, whatever the numbers are.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

from textual.content import Content

from .. import format
from .scale import Scale
from .styles import ACCENT, DIM, ERROR

_DOTS = ((0x01, 0x08), (0x02, 0x10), (0x04, 0x20), (0x40, 0x80))  # of a braille cell, row by row
_LEAST_CANVAS = 8  # cells; in less, labels are left out
_NO_PLACE, _ALONE = "×", "●"

Point = tuple[int, int]
"""A dot: column from the left, row from the top."""


@dataclass(frozen=True)
class Curve:
    """One series; None, and what is not finite, is a gap in its line."""

    values: Sequence[float | None]
    style: str = ACCENT


class Canvas:
    """Cells of dots, each with the style of what was drawn in it last."""

    def __init__(self, width: int, height: int, ascii: bool) -> None:
        self.width, self.height = width, height
        self.across, self.down = (1, 1) if ascii else (2, 4)  # dots of a cell
        self._ascii = ascii
        self._dots = [[0] * width for _ in range(height)]
        self._signs: dict[Point, str] = {}
        self._styles: dict[Point, str] = {}

    @property
    def dots_across(self) -> int:
        return self.width * self.across

    @property
    def dots_down(self) -> int:
        return self.height * self.down

    def dot(self, x: int, y: int, style: str) -> None:
        column, row = x // self.across, y // self.down
        self._dots[row][column] |= _DOTS[y % self.down][x % self.across]
        self._styles[column, row] = style

    def sign(self, x: int, y: int, sign: str, style: str) -> None:
        """A character in place of the dots of a cell."""
        cell = x // self.across, y // self.down
        self._signs[cell] = format.ascii_only(sign) if self._ascii else sign
        self._styles[cell] = style

    def line(self, start: Point, end: Point, style: str) -> None:
        (x0, y0), (x1, y1) = start, end
        steps = max(abs(x1 - x0), abs(y1 - y0), 1)
        for step in range(steps + 1):
            self.dot(x0 + round((x1 - x0) * step / steps), y0 + round((y1 - y0) * step / steps), style)

    def row(self, number: int) -> Content:
        return Content.assemble(
            *((self._cell(x, number), self._styles.get((x, number), "")) for x in range(self.width))
        )

    def _cell(self, column: int, row: int) -> str:
        dots = self._dots[row][column]
        drawn = "*" if self._ascii else chr(0x2800 + dots)
        return self._signs.get((column, row), drawn if dots else " ")


def plot(
    curves: Sequence[Curve], width: int, height: int, *, log: bool = False, ascii: bool = False, first: int = 1
) -> list[Content]:
    """The curves over their positions, in `height` lines of `width` cells; `first` is the number of the first one.

    The last line has the range of x, where there is more than one line. What is not finite is marked at the top.
    """
    if height <= 0 or width <= 0:
        return [Content("")] * max(height, 0)
    scale = Scale.over((value for curve in curves for value in curve.values), log)
    rows = height - 1 if height > 1 else height
    if scale is None:
        return _empty(width, height, "nothing above zero to draw" if log else "no finite number to draw")
    labels = _labels(scale, rows, ascii)
    room = max(map(len, labels)) + 1
    room = room if width - room >= _LEAST_CANVAS else 0
    canvas = Canvas(width - room, rows, ascii)
    for curve in curves:
        _draw(curve, scale, canvas)
    lines = [Content.assemble((_label(labels[n], room, ascii), DIM), canvas.row(n)) for n in range(rows)]
    longest = max(len(curve.values) for curve in curves)
    return lines + [_range(first, first + longest - 1, width, room)] * (height > rows)


def _empty(width: int, height: int, words: str) -> list[Content]:
    return [
        Content.styled((words if number == height // 2 else "")[:width].ljust(width), DIM) for number in range(height)
    ]


def _labels(scale: Scale, rows: int, ascii: bool) -> list[str]:
    """The highest value at the top, the lowest at the bottom, one in the middle where there is room between."""
    labels = [""] * rows
    wanted = {0: 1.0, rows - 1: 0.0}
    if rows >= 5:
        wanted[rows // 2] = 1 - (rows // 2) / (rows - 1)
    if scale.low == scale.high:
        wanted = {rows // 2: 0.5}
    for row, place in wanted.items():
        labels[row] = format.number(scale.at(place))
    return labels


def _label(text: str, room: int, ascii: bool) -> str:
    if not room:
        return ""
    return text.rjust(room - 1) + (("+" if text else "|") if ascii else ("┤" if text else "│"))


def _range(first: int, last: int, width: int, room: int) -> Content:
    """The numbers of the first and the last position below them."""
    start, end = str(first), str(last) if last > first else ""
    gap = width - room - len(start) - len(end)
    text = " " * room + (start + " " * gap + end if gap > 0 else end or start)
    return Content.styled(text[:width].ljust(width), DIM)


def _draw(curve: Curve, scale: Scale, canvas: Canvas) -> None:
    for stretch in _stretches(curve, scale, canvas):
        if len(stretch) == 1:
            canvas.sign(*stretch[0], _ALONE, curve.style)
        for start, end in pairwise(_thin(stretch)):
            canvas.line(start, end, curve.style)
    for number, value in enumerate(curve.values):
        if value is not None and not math.isfinite(value):
            canvas.sign(_column(number, len(curve.values), canvas), 0, _NO_PLACE, ERROR)


def _stretches(curve: Curve, scale: Scale, canvas: Canvas) -> Iterator[list[Point]]:
    """The points between gaps."""
    stretch: list[Point] = []
    for number, value in enumerate(curve.values):
        if value is not None and scale.holds(value):
            row = round((1 - scale.place(value)) * (canvas.dots_down - 1))
            stretch.append((_column(number, len(curve.values), canvas), row))
        elif stretch:
            yield stretch
            stretch = []
    if stretch:
        yield stretch


def _column(number: int, count: int, canvas: Canvas) -> int:
    last = canvas.dots_across - 1
    return round(number * last / (count - 1)) if count > 1 else last // 2


def _thin(points: list[Point]) -> list[Point]:
    """Of the points in one column only the first, the highest, the lowest and the last: more cannot be seen."""
    kept: list[Point] = []
    column: list[Point] = []
    for point in (*points, None):
        if column and (point is None or point[0] != column[0][0]):
            ends = (column[0], min(column), max(column), column[-1])
            kept += dict.fromkeys(ends) if len(column) > 2 else column
            column = []
        if point is not None:
            column.append(point)
    return kept
