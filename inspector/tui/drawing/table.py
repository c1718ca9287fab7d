"""A table of aligned columns that gives up columns, the least important first, where there is no room."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from rich.cells import cell_len
from textual.content import Content

from .styles import DIM
from .wrap import Line

GAP = 2


@dataclass(frozen=True)
class Column:
    """A column; `place` is where it stands from the left."""

    title: str
    place: int
    right: bool = False


@dataclass(frozen=True)
class Cell:
    """What stands in one row of a column. Harmless text already."""

    text: str | Content = ""
    style: str = ""

    @property
    def width(self) -> int:
        return cell_len(self.text) if isinstance(self.text, str) else self.text.cell_length

    @property
    def content(self) -> Content:
        return self.text if isinstance(self.text, Content) else Content.styled(self.text, self.style)


Cells = Mapping[str, Cell]


class Table:
    """Columns in order of importance; a column that is empty in every row, or finds no room, is left out.

    The first column can shrink to a third of the width, and takes what is left over.
    """

    def __init__(self, columns: Sequence[Column], rows: Sequence[Cells], width: int) -> None:
        natural = {column.title: _natural(column, rows) for column in columns}
        self._widths: dict[Column, int] = {}
        room = width + GAP
        for column in columns:
            needed = natural[column.title] if self._widths else min(natural[column.title], width // 3)
            if needed and (needed + GAP <= room or not self._widths):
                self._widths[column] = needed
                room -= needed + GAP
            elif needed:
                break
        first = columns[0]
        if first in self._widths:
            self._widths[first] = min(natural[first.title], self._widths[first] + max(room, 0))
        self._shown = sorted(self._widths, key=lambda column: column.place)

    def heading(self) -> Line:
        """The titles."""
        return self.line({column.title: Cell(column.title, DIM) for column in self._shown})

    def line(self, cells: Cells) -> Line:
        """One row."""
        parts = [_fit_cell(cells.get(column.title, Cell()), self._widths[column], column) for column in self._shown]
        return Line(Content(" " * GAP).join(parts).rstrip())


def _natural(column: Column, rows: Sequence[Cells]) -> int:
    """The width of the widest cell, 0 where all are empty."""
    widest = max((row[column.title].width for row in rows if column.title in row), default=0)
    return max(widest, len(column.title)) if widest else 0


def _fit_cell(cell: Cell, width: int, column: Column) -> Content:
    content = cell.content
    if content.cell_length > width:
        content = _shorten(content, width)
    blank = width - content.cell_length
    return content.pad_left(blank) if column.right else content.pad_right(blank)


def _shorten(content: Content, width: int) -> Content:
    """Cut at the left: the end of a dotted name says more than its beginning."""
    start = len(content) - width + 1
    kept = content[max(start, 0) :]
    while kept.cell_length > width - 1 and len(kept):
        kept = kept[1:]
    return Content.assemble(("…", DIM), kept)
