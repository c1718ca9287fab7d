"""Which calls are shown where they stand below those that made them."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Collection, Iterable, Iterator, MutableSequence, Sequence

from ....client.call_tree import CallTree
from ....client.flagged import Flagged
from ....client.model import Model
from ..outline import Outline

Expansion = tuple[Collection[int], Collection[int] | None]
"""Which calls are expanded; where all are, but some: nothing, and those."""


class CallOutline(Outline):
    """The shown calls of one pass, by their places in the table. One that is not in the tree yet has no line."""

    def __init__(self, model: Model, calls: CallTree) -> None:
        self.calls = calls
        self._all_but: set[int] | None = None  # where all are expanded: those that are not
        super().__init__(model)

    def extend(self) -> None:
        """Take in the calls that came: who called them may have come after them."""
        self.calls.extend()
        self._stale = True
        self._rebuild()

    @property
    def expansion(self) -> Expansion:
        return self.expanded, self._all_but

    def expand_as(self, expansion: Expansion) -> None:
        """Make the same ones expanded as there, as somebody chose."""
        expanded, all_but = expansion
        if all_but is None:
            self.expand_only(expanded)
        else:
            self._expand_all_but(all_but)

    def fold_all(self, open: bool) -> None:
        """Of a million the expanded ones are not listed one by one."""
        if open:
            self._expand_all_but(())
        else:
            super().fold_all(False)

    def _expand_all_but(self, indices: Iterable[int]) -> None:
        self.chosen, self._all_but = True, set(indices)
        self._expanded.clear()
        self._stale = self.narrowed
        self._rebuild()

    def _expand(self, wanted: set[int]) -> None:
        if self._all_but is not None:
            self._all_but, self._expanded = None, set()
        super()._expand(wanted)

    def _expands(self, index: int) -> bool:
        return super()._expands(index) if self._all_but is None else index not in self._all_but

    def _choose(self, index: int, expand: bool) -> None:
        if self._all_but is None:
            super()._choose(index, expand)
        else:
            (self._all_but.discard if expand else self._all_but.add)(index)

    def _shown_below(self, *indices: int) -> MutableSequence[int]:
        if self._all_but is None or not self.calls.is_ordered or not indices:
            return super()._shown_below(*indices)
        return self.calls.order.list_from(indices[0], indices[-1], self._all_but)

    def has_children(self, index: int) -> bool:
        return index < len(self.calls) and self.calls.has_children(index)

    def parent(self, index: int) -> int:
        return self.calls.parents[index] if index < len(self.calls) else -1

    def children(self, index: int) -> Iterator[int]:
        return self.calls.children(index) if index < len(self.calls) else iter(())

    def every(self) -> Sequence[int]:
        return range(len(self.calls))

    def roots(self) -> Sequence[int]:
        return self.calls.roots

    def _ancestors(self, index: int) -> Iterator[int]:
        return self.calls.ancestors(index)

    def narrow(self, matches: Collection[int] | None) -> None:
        """Show only the calls of these modules, and those that they were made in; None shows what is expanded again."""
        super().narrow(matches)

    def _line_of(self, index: int) -> int:
        if index >= len(self.calls):
            return len(self.lines)
        if isinstance(self.lines, Flagged):
            return self.lines.rank(self.calls.order.rank(index))
        return bisect_left(self.lines, self.calls.key(index), key=self.calls.key)

    def _line_behind(self, index: int) -> int:
        return bisect_left(self.lines, self.calls.end_key(index), key=self.calls.key)

    def _narrowed(self, modules: Collection[int]) -> Flagged:
        return self.calls.order.find_with_callers(modules)
