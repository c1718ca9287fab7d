"""Which rows of the module list are shown in the tree, top to bottom. Pure bookkeeping; nothing is drawn here."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Sequence

from ...client.model import Model


class Outline:
    """The shown rows of one model, as row indices in `lines`.

    The module list is in preorder, so `lines` is ascending and a subtree is one run of it: rows are found by
    bisection, and opening or closing a module is one splice, whatever the size of the model.
    """

    def __init__(self, model: Model) -> None:
        self.model = model
        self.lines: list[int] = []
        self._expanded: set[int] = set()
        self._matches: Sequence[int] | None = None
        self._known = 0
        self._depth: int | None = None
        self.extend()

    @property
    def depth(self) -> int:
        """Keys in the longest path shown."""
        if self._depth is None:
            self._depth = max(map(self.model.rows.depths.__getitem__, self.lines), default=0)
        return self._depth

    @property
    def expanded(self) -> frozenset[int]:
        return frozenset(self._expanded)

    @property
    def narrowed(self) -> bool:
        """Only matches and their ancestors are shown."""
        return self._matches is not None

    def expand_only(self, indices: Iterable[int]) -> None:
        """Make exactly these modules expanded."""
        self._expanded = set(indices)
        self._rebuild()

    def extend(self) -> None:
        """Show the rows that were appended to the model, where their parents are expanded and shown."""
        rows = self.model.rows
        self._depth = None
        if not self.narrowed:
            for index in range(self._known, len(rows)):
                parent = rows.parents[index]
                if parent < 0 or (parent in self._expanded and self.shows(parent)):
                    self.lines.append(index)
        self._known = len(rows)

    def narrow(self, matches: Sequence[int] | None) -> None:
        """Show only `matches` (ascending) and their ancestors, all expanded; None shows what is expanded again."""
        self._matches = matches
        self._rebuild()

    def expand(self, index: int) -> None:
        if self.narrowed or index in self._expanded or not self.has_children(index):
            return
        self._expanded.add(index)
        if self.shows(index):
            self._depth = None
            start = self.position(index) + 1
            self.lines[start:start] = self._shown_below(index)[1:]

    def collapse(self, index: int) -> None:
        if self.narrowed or index not in self._expanded:
            return
        self._expanded.remove(index)
        if self.shows(index):
            self._depth = None
            start = self.position(index) + 1
            del self.lines[start : bisect_left(self.lines, self.model.rows.end(index))]

    def reveal(self, index: int) -> bool:
        """Expand what hides this row. False where a filter hides it."""
        if self.narrowed:
            return self.shows(index)
        hiding = [above for above in self.model.ancestors(index) if above not in self._expanded]
        if hiding:
            self._expanded.update(hiding)
            self._rebuild()
        return self.shows(index)

    def has_children(self, index: int) -> bool:
        return self.model.rows.has_children(index)

    def is_open(self, index: int) -> bool:
        """The row is followed by its first shown child."""
        if not self.narrowed:
            return index in self._expanded and self.has_children(index)
        after = self.position(index) + 1
        return after < len(self.lines) and self.model.rows.parents[self.lines[after]] == index

    def shows(self, index: int) -> bool:
        line = bisect_left(self.lines, index)
        return line < len(self.lines) and self.lines[line] == index

    def position(self, index: int) -> int:
        """The line of this row; where it is hidden, of its nearest shown ancestor; else the line it would follow."""
        while not self.shows(index):
            parent = self.model.rows.parents[index]
            if parent < 0:
                return max(bisect_left(self.lines, index) - 1, 0)
            index = parent
        return bisect_left(self.lines, index)

    def _rebuild(self) -> None:
        self._known = len(self.model.rows)
        self._depth = None
        if self._matches is not None:
            self.lines = sorted(self._with_ancestors(self._matches))
        else:
            self.lines = self._shown_below(0) if self.model.rows else []

    def _with_ancestors(self, matches: Sequence[int]) -> set[int]:
        shown: set[int] = set()
        for index in matches:
            while index >= 0 and index not in shown:
                shown.add(index)
                index = self.model.rows.parents[index]
        return shown

    def _shown_below(self, index: int) -> list[int]:
        """The row and what expanded modules show of its subtree, in order."""
        shown, pending = [], [index]
        while pending:
            current = pending.pop()
            shown.append(current)
            if current in self._expanded:
                pending.extend(reversed(list(self.model.rows.children(current))))
        return shown


def default_expansion(model: Model, room: int) -> set[int]:
    """The root, and whole levels below it as long as all of a level fits in `room` lines."""
    rows, expanded = model.rows, set[int]()
    level, lines = [0] if rows else [], 1
    while level:
        below = [child for index in level for child in rows.children(index)]
        if expanded and lines + len(below) > room:
            break
        expanded.update(filter(rows.has_children, level))
        lines += len(below)
        level = below if lines <= room else []
    return expanded
