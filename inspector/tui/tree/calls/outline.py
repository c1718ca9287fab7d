"""Which calls are shown where they stand below those that made them."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Collection, Iterator, Sequence

from ....client.call_tree import CallTree
from ....client.flagged import Flagged
from ....client.model import Model
from ..outline import Outline


class CallOutline(Outline):
    """The shown calls of one pass, by their places in the table. One that is not in the tree yet has no line."""

    def __init__(self, model: Model, calls: CallTree) -> None:
        self.calls = calls
        super().__init__(model)

    def extend(self) -> None:
        """Take in the calls that came: who called them may have come after them."""
        self.calls.extend()
        self._stale = True
        self._rebuild()

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
