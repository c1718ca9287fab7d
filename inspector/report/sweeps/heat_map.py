"""Numbers by row and column in a terminal: digits for everybody, colours where there are some."""

from __future__ import annotations

import math
import shutil
from collections.abc import Iterator, Mapping, Sequence

from rich.cells import cell_len, set_cell_size
from rich.console import Console, ConsoleOptions
from rich.style import Style
from rich.text import Text

from ...text import ELLIPSIS, visible

_LEVELS = (
    (0.8, Style(color="white", bgcolor="#c03a2b", bold=True), Style(color="white", bgcolor="#2b5fc0", bold=True)),
    (0.55, Style(color="white", bgcolor="#9c4a3c"), Style(color="white", bgcolor="#3f639c")),
    (0.3, Style(color="white", bgcolor="#7d574f"), Style(color="white", bgcolor="#54657d")),
    (0.05, Style(color="red"), Style(color="blue")),
)
"""From so much of the full strength: the style of positive and of negative numbers. They can be told apart on a dark
and on a light background, and what is weaker has no colour."""
_NAME = 0.4
"""Of the width, the most that the names of rows take."""


class HeatMap:
    """Cells by row and column, in blocks of as many columns as fit.

    Args:
        title: Of the numbers.
        cells: By row and column. What is not there stays empty.
        fraction: The numbers are fractions: colours are full at 1.
        ascii: Draw with ASCII characters only.
    """

    def __init__(self, title: str, cells: Mapping[tuple[str, str], float], fraction: bool, ascii: bool = False) -> None:
        self._title = title
        self._cells = cells
        self._rows = list(dict.fromkeys(row for row, _ in cells))
        self._columns = list(dict.fromkeys(column for _, column in cells))
        finite = [abs(value) for value in cells.values() if math.isfinite(value)]
        self._full = 1.0 if fraction else max(finite, default=0.0) or 1.0
        self._ellipsis = "~" if ascii else ELLIPSIS
        self._fraction = fraction

    def __str__(self) -> str:
        width = shutil.get_terminal_size((100, 24)).columns
        return "".join(f"{line.plain.rstrip()}\n" for line in self.lines(width))

    __repr__ = __str__

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> Iterator[Text]:
        yield from self.lines(options.max_width)

    def lines(self, width: int) -> Iterator[Text]:
        """In at most `width` cells."""
        yield self._cut(self._title, width)
        names = min(max(map(cell_len, map(visible, self._rows)), default=0), max(int(width * _NAME), 8))
        numbers = max(map(len, map(self._number, self._cells.values())), default=0)  # half a number is another number
        size = max([5, numbers, *(min(cell_len(visible(column)), 14) for column in self._columns)])
        count = max((width - names) // (size + 1), 1)
        for first in range(0, len(self._columns), count):
            if first:
                yield Text()
            yield from self._block(self._columns[first : first + count], names, size)

    def _block(self, columns: Sequence[str], names: int, size: int) -> Iterator[Text]:
        if len(self._columns) > 1:
            yield Text(" " * names + "".join(" " + self._right(visible(column), size) for column in columns), "bold")
        for row in self._rows:
            line = Text(set_cell_size(self._cut(visible(row), names).plain, names))
            for column in columns:
                line.append(" ")
                line.append(*self._cell(self._cells.get((row, column)), size))
            yield line

    def _cell(self, value: float | None, size: int) -> tuple[str, Style]:
        if value is None:
            return " " * size, Style()
        text = self._number(value)
        if not math.isfinite(value):
            return self._right(text, size), Style(dim=True)
        strength = abs(value) / self._full
        styles = (high if value > 0 else low for least, high, low in _LEVELS if strength >= least)
        return self._right(text, size), next(styles, Style())

    def _number(self, value: float) -> str:
        text = f"{value:.2f}" if self._fraction and abs(value) < 99.5 else f"{value:.3g}"
        return text.removeprefix("-") if text in ("-0.00", "-0") else text

    def _right(self, text: str, size: int) -> str:
        cut = self._cut(text, size).plain
        return " " * (size - cell_len(cut)) + cut

    def _cut(self, text: str, width: int) -> Text:
        """The end of a path says more than its start."""
        if cell_len(text) <= width:
            return Text(text)
        while cell_len(text) > width - 1:
            text = text[1:]
        return Text(self._ellipsis + text)
