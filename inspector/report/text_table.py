"""Columns of plain text. A hundred thousand rows take a second, where Rich's own tables take minutes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

from rich.cells import cell_len, set_cell_size

from ..text import ELLIPSIS

FIRST, LAST = 100_000, 1_000
"""Rows shown of a table with more of them than anybody reads."""

Row = TypeVar("Row")


def cut(rows: Sequence[Row]) -> tuple[Sequence[Row], int, Sequence[Row]]:
    """The first rows, how many are left out behind them, and the last."""
    left_out = len(rows) - FIRST - LAST
    return (rows, 0, ()) if left_out <= 1 else (rows[:FIRST], left_out, rows[-LAST:])


class TextTable:
    """Rows of cells under a heading.

    Args:
        *columns: The heading of each, and "left" or "right", where its cells stand.
    """

    def __init__(self, *columns: tuple[str, str]) -> None:
        self._right = [justify == "right" for _, justify in columns]
        self._rows: list[tuple[str, ...]] = [tuple(name for name, _ in columns)]
        self._gap: tuple[int, str] | None = None  # the row that it stands above, and what it says

    def add_row(self, *cells: str) -> None:
        self._rows.append(cells)

    def add_gap(self, rows: int) -> None:
        """Say that so many rows are left out here; once in a table."""
        self._gap = len(self._rows), f"{ELLIPSIS} {rows:,} more: --print json has all"

    def render(self, width: int) -> str:
        """In lines of at most `width` cells: the widest columns give way until they fit."""
        widths = _share([max(map(cell_len, column)) for column in zip(*self._rows, strict=True)], width)
        lines = [self._line(row, widths) for row in self._rows]
        if self._gap is not None:
            place, words = self._gap
            lines.insert(place, words[:width])
        return "".join(line + "\n" for line in lines)

    def _line(self, row: tuple[str, ...], widths: list[int]) -> str:
        return "  ".join(map(_pad, row, widths, self._right)).rstrip()


def _share(natural: list[int], width: int) -> list[int]:
    """The widths of the columns in lines of `width` cells."""
    over = sum(natural) + 2 * (len(natural) - 1) - width
    widths = list(natural)
    while over > 0 and max(widths) > 1:
        widest, second = widths.index(max(widths)), sorted(widths)[-2]
        cut = max(min(over, widths[widest] - second), 1)
        widths[widest] -= cut
        over -= cut
    return widths


def _pad(cell: str, width: int, right: bool) -> str:
    """`cell` in exactly `width` cells, cut with an ellipsis."""
    size = cell_len(cell)
    if size > width:
        return set_cell_size(cell, width - 1) + ELLIPSIS
    return " " * (width - size) + cell if right else cell + " " * (width - size)
