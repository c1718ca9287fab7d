"""Which calls are shown where they stand below those that made them."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Collection, Iterator, Sequence

from ....client.call_tree import CallTree
from ....client.model import Model
from ..outline import Outline


class CallOutline(Outline):
    """The shown calls of one pass, by their places in the table."""

    def __init__(self, model: Model, calls: CallTree) -> None:
        self.calls = calls
        super().__init__(model)

    def extend(self) -> None:
        """Take in the calls that came: who called them may have come after them."""
        self.calls.extend()
        self._rebuild()

    def has_children(self, index: int) -> bool:
        return self.calls.has_children(index)

    def parent(self, index: int) -> int:
        return self.calls.parents[index]

    def children(self, index: int) -> Iterator[int]:
        return self.calls.children(index)

    def every(self) -> Sequence[int]:
        return range(len(self.calls))

    def roots(self) -> Sequence[int]:
        return self.calls.roots

    def _ancestors(self, index: int) -> Iterator[int]:
        return self.calls.ancestors(index)

    def _line_of(self, index: int) -> int:
        return bisect_left(self.lines, self.calls.key(index), key=self.calls.key)

    def _line_behind(self, index: int) -> int:
        return bisect_left(self.lines, self.calls.end_key(index), key=self.calls.key)

    def _sort(self, indices: Collection[int]) -> list[int]:
        return self.calls.sort(indices)
