"""The modules one below the other, those with the most of something first."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import replace
from itertools import compress, count

from rich.cells import cell_len

from ...text import visible
from .. import format as fmt
from .cells import Piece, share_line
from .columns import NAME_LIMIT, Columns, Widths
from .lines import Lines
from .matching import occurrences
from .sorting import Measures, Sort, distances, most_first
from .tree_lines import TreeLines

_WRITTEN = 1_000
"""Lines of which the measure is written out to know how wide it is: those with the most of it."""


class SortedLines(Lines):
    """Ids are ranks: 0 has the most. Modules of which nothing is known are left out.

    Args:
        modules: Knows what stands on a line of a module.
    """

    def __init__(self, modules: TreeLines) -> None:
        super().__init__(modules.model, modules.options, modules.names)
        self.sort: Sort | None = None  # None: by nothing, and there are no lines
        self._modules = modules
        self._measures: Measures = {}
        self._rows: list[int] = []  # by rank
        self._ranks: dict[int, int] = {}
        self._kept: list[int] | None = None  # by the filter

    def take(self, sort: Sort | None) -> bool:
        """Sort by this from now on, as the model is now. False where nothing is known of any module."""
        self.sort = sort
        self._measures = sort.measure(self.model) if sort is not None else {}
        self._rows = most_first(self._measures)
        self._ranks = dict(zip(self._rows, count(), strict=False))
        self._kept = None
        self._measure(self._rows)
        return bool(self._rows)

    def _measure(self, rows: Sequence[int]) -> None:
        self.natural.name = min(max(map(self.names.cells.__getitem__, rows), default=0), NAME_LIMIT)
        self.natural.number = max((len(self._write(row)) for row in rows[:_WRITTEN]), default=0)

    def widths(self) -> Widths:
        """What the lines are sorted by is written once: a distance stands there as heat."""
        all = self._modules.widths()
        as_heat = self.sort is not None and self.sort.measure is distances and all.heat
        as_cost = self.sort is not None and all.costs and self.sort.column in self.options.costs
        number = 0 if as_heat or as_cost else self.natural.number
        return replace(all, name=self.natural.name, number=number, by_number=True)

    @property
    def ids(self) -> Sequence[int]:
        return range(len(self._rows)) if self._kept is None else self._kept

    def position(self, id: int) -> int:
        return max(min(bisect_left(self.ids, id), len(self.ids) - 1), 0)

    def row_of(self, id: int) -> int:
        return self._rows[id]

    def rank_of(self, index: int) -> int | None:
        """Of this module, where it is shown."""
        rank = self._ranks.get(self.model.object_of(index))
        return rank if rank is not None and self.shows(rank) else None

    def narrow(self, matches: Sequence[int] | None) -> None:
        """Keep only these rows; None keeps all."""
        self._kept = None if matches is None else sorted(self._ranks[row] for row in matches if row in self._ranks)

    def find_lines(self, text: str) -> Sequence[int]:
        if not text:
            return []
        found = set(self.names.find_rows(text.lower()))
        return list(compress(self.ids, map(found.__contains__, map(self._rows.__getitem__, self.ids))))

    def pieces(self, id: int, columns: Columns) -> list[Piece]:
        """The path, cut where it starts, the class and the other columns."""
        row = self._rows[id]
        path, class_name = self._name(row), self.model.rows[row].class_name
        cells = self._modules.list_cells(row, columns, self._write(row))
        wanted = cell_len(path), cell_len(visible(class_name))
        room, class_cells, others = share_line(columns, *wanted, cells)
        name = fmt.fit(fmt.cut_start(path, room), room)
        role = self._modules.role_of(row)
        pieces = self.name_pieces(name, room, role or "name", occurrences(self.options.search, name))
        return [*pieces, *self.class_pieces(class_name, class_cells, role or "class"), *others]

    def _write(self, row: int) -> str:
        return self.sort.write(self._measures[row]) if self.sort is not None else ""

    def _name(self, row: int) -> str:
        return fmt.path(self.model.paths[row])
