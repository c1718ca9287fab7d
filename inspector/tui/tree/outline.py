"""Which lines of a tree are shown, top to bottom: modules, or calls. Pure bookkeeping; nothing is drawn here."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Collection, Iterable, Iterator, MutableSequence, Sequence
from itertools import islice

from ...client.model import Model


class Outline:
    """The shown rows of one model, as row indices in `lines`.

    The module list is in preorder, so `lines` is ascending and a subtree is one run of it: rows are found by
    bisection, and opening or closing a module is one splice, whatever the size of the model.
    """

    def __init__(self, model: Model) -> None:
        self.model = model
        self._shown: MutableSequence[int] = []  # while it is not narrowed
        self._kept: Sequence[int] = ()  # while it is
        self._stale = False  # the former has to be made anew
        self.version = 0  # another one whenever lines were added or removed
        self.chosen = False  # somebody chose what is expanded
        self._expanded: set[int] = set()
        self._matches: Collection[int] | None = None
        self.known = 0  # how many were looked through
        self._depth: int | None = None
        self.extend()

    @property
    def lines(self) -> Sequence[int]:
        """What is shown, from top to bottom."""
        return self._shown if self._matches is None else self._kept

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
        """Make exactly these expanded, as somebody chose."""
        self.chosen = True
        self._expand(set(indices))

    def expand_default(self, room: int) -> None:
        """Expand what fits into so many lines, where nobody has chosen."""
        if not self.chosen:
            self._expand(default_expansion(self, room))

    def fold_all(self, open: bool) -> None:
        """Expand all, or the roots alone, as somebody chose."""
        self.expand_only(filter(self.has_children, self.every() if open else self.roots()))

    def _expand(self, wanted: set[int]) -> None:
        if wanted != self._expanded:
            self._expanded = wanted
            self._stale = self.narrowed
            self._rebuild()

    def _expands(self, index: int) -> bool:
        return index in self._expanded

    def _choose(self, index: int, expand: bool) -> None:
        """Note that one is expanded, or is not."""
        (self._expanded.add if expand else self._expanded.discard)(index)

    def toggle(self, index: int) -> None:
        """Expand or collapse one, as somebody chose."""
        self.chosen = True
        (self.collapse if self.is_open(index) else self.expand)(index)

    def extend(self) -> None:
        """Show the rows that were appended to the model, where their parents are expanded and shown."""
        rows = self.model.rows
        self._change()
        if not self.narrowed:
            for index in range(self.known, len(rows)):
                parent = rows.parents[index]
                if parent < 0 or (self._expands(parent) and self.shows(parent)):
                    self._shown.append(index)
        else:
            self._stale = True
        self.known = len(rows)

    def narrow(self, matches: Collection[int] | None) -> None:
        """Show only `matches` (ascending) and their ancestors, all expanded; None shows what is expanded again."""
        self._matches = matches
        if matches is None and not self._stale:
            self._change()
        else:
            self._rebuild()

    def expand(self, index: int) -> None:
        if self.narrowed or self._expands(index) or not self.has_children(index):
            return
        self._choose(index, True)
        if self.shows(index):
            self._change()
            start = self.position(index) + 1
            self._shown[start:start] = self._shown_below(index)[1:]

    def collapse(self, index: int) -> None:
        if self.narrowed or not self._expands(index):
            return
        self._choose(index, False)
        if self.shows(index):
            self._change()
            start = self.position(index) + 1
            del self._shown[start : self._line_behind(index)]

    def reveal(self, index: int) -> bool:
        """Expand what hides this row. False where a filter hides it."""
        if self.narrowed:
            return self.shows(index)
        hiding = [above for above in self._ancestors(index) if not self._expands(above)]
        for above in hiding:
            self._choose(above, True)
        if hiding:
            self.chosen = True
            self._rebuild()
        return self.shows(index)

    def has_children(self, index: int) -> bool:
        return self.model.rows.has_children(index)

    def is_open(self, index: int) -> bool:
        """The row is followed by its first shown child."""
        if not self.narrowed:
            return self._expands(index) and self.has_children(index)
        after = self.position(index) + 1
        return after < len(self.lines) and self.parent(self.lines[after]) == index

    def shows(self, index: int) -> bool:
        line = self._line_of(index)
        return line < len(self.lines) and self.lines[line] == index

    def position(self, index: int) -> int:
        """The line of this row; where it is hidden, of its nearest shown ancestor; else the line it would follow."""
        while not self.shows(index):
            parent = self.parent(index)
            if parent < 0:
                return max(self._line_of(index) - 1, 0)
            index = parent
        return self._line_of(index)

    def parent(self, index: int) -> int:
        """The row that it stands below, -1 for none."""
        return self.model.rows.parents[index]

    def _ancestors(self, index: int) -> Iterator[int]:
        return self.model.ancestors(index)

    def children(self, index: int) -> Iterator[int]:
        return self.model.rows.children(index)

    def every(self) -> Sequence[int]:
        """All there are, hidden or not."""
        return range(len(self.model.rows))

    def roots(self) -> Sequence[int]:
        return range(min(len(self.model.rows), 1))

    def _line_of(self, index: int) -> int:
        """Where it stands, or would."""
        return bisect_left(self.lines, index)

    def _line_behind(self, index: int) -> int:
        """The line after all that stands below it."""
        return bisect_left(self.lines, self.model.rows.end(index))

    def _change(self) -> None:
        self._depth = None
        self.version += 1

    def _rebuild(self) -> None:
        self.known = len(self.every())
        self._change()
        if self._matches is not None:
            self._kept = self._narrowed(self._matches)
        else:
            self._shown, self._stale = self._shown_below(*self.roots()), False

    def _narrowed(self, matches: Collection[int]) -> Sequence[int]:
        """What is shown of these and what they stand below."""
        parents, shown = self.model.rows.parents, set(matches)
        above = set(map(parents.__getitem__, shown)) - {-1}
        while above := above - shown:
            shown |= above
            above = set(map(parents.__getitem__, above)) - {-1}
        return sorted(shown)

    def _shown_below(self, *indices: int) -> MutableSequence[int]:
        """The rows, which follow each other, and what expanded ones show of their subtrees, in order."""
        shown, pending = list[int](), list(reversed(indices))
        while pending:
            current = pending.pop()
            shown.append(current)
            if self._expands(current):
                pending.extend(reversed(list(self.children(current))))
        return shown


def default_expansion(outline: Outline, room: int) -> set[int]:
    """The root, and whole levels below it as long as all of a level fits in `room` lines."""
    expanded = set[int]()
    level = list(outline.roots())
    lines = len(level)
    while level:
        below = list(islice((child for index in level for child in outline.children(index)), room + 1))
        if expanded and lines + len(below) > room:
            break
        expanded.update(filter(outline.has_children, level))
        lines += len(below)
        level = below if lines <= room else []
    return expanded
