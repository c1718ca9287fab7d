"""Lines of styled text, and how they break into the rows of a screen of a given width."""

from __future__ import annotations

import re
import sys
from abc import abstractmethod
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

from rich.cells import cell_len
from textual.content import Content

from ...made_rows import MadeRows

EMPTY = Content("")
MINIMUM = 8  # cells for a body, however narrow the screen
_SIGNS = "([{,=."


@dataclass(frozen=True)
class Line:
    """One logical line. All of it is safe already: made by `format`, or passed through `text.visible`."""

    body: Content = EMPTY
    gutter: Content = EMPTY  # at the left of the first row, blank beside the others: a line number, a prefix
    aside: Content = EMPTY  # at the right end; on a row of its own where the body leaves no room
    indent: int = 0  # of the rows after the first
    copied: str = ""  # what a copy says in place of the body


class ScreenRow(NamedTuple):
    """A stretch of one line's body, from `start` to `end`, that fits the screen; `aside` on one of its rows."""

    line: int
    start: int
    end: int
    first: bool
    aside: bool


class Match(NamedTuple):
    """Where the text searched for was found: a line, and the characters in its body."""

    line: int
    start: int
    end: int


def rows_of(number: int, line: Line, width: int) -> Iterator[ScreenRow]:
    """The rows that `line`, which is the line with this number, takes at `width` cells."""
    text = line.body.plain
    room = max(width - line.gutter.cell_length, MINIMUM)
    if line.aside or len(text) > room or not text.isascii():
        yield from _broken(number, line, text, room)
    else:
        yield ScreenRow(number, 0, len(text), True, False)


def room_after(line: Line, width: int) -> int:
    """The cells that the body leaves at the end of its last row, for an aside that is a blank away."""
    *_, last = rows_of(0, replace(line, aside=EMPTY), width)
    before = line.gutter.cell_length + (0 if last.first else line.indent)
    return width - before - cell_len(line.body.plain[last.start : last.end]) - 1


class MadeLines(MadeRows[Line]):
    """Lines of which there may be a million, each of one row: what does not fit is not shown."""

    @abstractmethod
    def find(self, pattern: re.Pattern[str]) -> Sequence[Match]:
        """Where this is found in them, in order."""


class _RowEach(MadeRows[ScreenRow]):
    def __init__(self, lines: MadeLines) -> None:
        self._lines = lines

    def __len__(self) -> int:
        return len(self._lines)

    def _row(self, index: int) -> ScreenRow:
        return ScreenRow(index, 0, sys.maxsize, True, False)


def layout(lines: Sequence[Line], width: int) -> Sequence[ScreenRow]:
    """The rows of all lines, in order."""
    if isinstance(lines, MadeLines):
        return _RowEach(lines)
    return [row for number, line in enumerate(lines) for row in rows_of(number, line, width)]


def _broken(number: int, line: Line, text: str, room: int) -> Iterator[ScreenRow]:
    start, space = 0, room
    while (end := _fitting(text, start, space)) < len(text):
        end = _cut(text, start, end)
        yield ScreenRow(number, start, end, start == 0, False)
        start, space = end, max(room - line.indent, MINIMUM)
    beside = bool(line.aside) and cell_len(text[start:]) + 1 + line.aside.cell_length <= space
    yield ScreenRow(number, start, len(text), start == 0, beside)
    if line.aside and not beside:
        yield ScreenRow(number, len(text), len(text), False, True)


def _cut(text: str, start: int, end: int) -> int:
    """Where a row ends of which the characters up to `end` would fit: behind a blank or a folder of a path, else
    behind a sign of code, else in the middle of a word."""
    half = start + (end - start) // 2
    blank = max(text.rfind(" ", half, end + 1), text.rfind("/", half, end))
    cut = blank if blank >= 0 else max(text.rfind(sign, half, end) for sign in _SIGNS)
    return cut + 1 if cut >= 0 else end


def _fitting(text: str, start: int, space: int) -> int:
    """Where the characters from `start` that fit `space` cells end; at least one, so that a row always advances."""
    if text.isascii():
        return min(max(start + space, start + 1), len(text))
    cells = 0
    for index in range(start, len(text)):
        cells += cell_len(text[index])
        if cells > space:
            return max(index, start + 1)
    return len(text)
