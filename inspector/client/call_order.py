"""The calls of a tree from top to bottom, so that those of some modules are found among a million between two keys."""

from __future__ import annotations

from array import array
from bisect import bisect_left
from collections.abc import Container, Iterable
from typing import TYPE_CHECKING

from .flagged import Flagged
from .module_bytes import ModuleBytes

if TYPE_CHECKING:
    from .call_tree import CallTree


class CallOrder:
    """Of a tree that does not grow any more, as far as `extend` took its calls in."""

    def __init__(self, tree: CallTree) -> None:
        self._tree = tree
        self._places = array("i")  # by their ranks: 0 is on top
        self._ranks = array("i", bytes(4 * len(tree)))
        self._modules = ModuleBytes()
        self._callers = array("i")  # ranks of calls that made others
        self._ends = array("i")  # the rank after the last one below each of these
        self._open: list[tuple[int, int]] = []  # of those below which the next may stand: place, and where in these two
        self._next = tree.roots[0] if len(tree) else None

    @property
    def is_complete(self) -> bool:
        """Whether all calls were taken in."""
        return self._next is None

    def extend(self, most: int | None = None) -> None:
        """Take in all calls, or so many more of them."""
        tree, places, first = self._tree, self._places, len(self._places)
        last = len(tree) if most is None else first + most
        place = self._next
        for rank in range(first, last):
            if place is None:
                break
            if self._open and self._open[-1][0] != tree.parents[place]:
                self._close(tree.parents[place], rank)
            places.append(place)
            self._ranks[place] = rank
            if tree.has_children(place):
                self._open.append((place, len(self._callers)))
                self._callers.append(rank)
                self._ends.append(0)
            place = tree.after(place)
        self._next = place
        if place is None:
            self._close(-1, len(places))
        self._modules.extend(array("i", map(tree.calls.modules.__getitem__, places[first:])))

    def _close(self, caller: int, rank: int) -> None:
        """What comes at this rank stands below this call, or below none."""
        while self._open and self._open[-1][0] != caller:
            self._ends[self._open.pop()[1]] = rank

    # once all are taken in

    def __getitem__(self, rank: int) -> int:
        """The place of a call."""
        return self._places[rank]

    def rank(self, place: int) -> int:
        """Of a call."""
        return self._ranks[place]

    def list_from(self, first: int, last: int, folded: Iterable[int]) -> array[int]:
        """The calls from this one to the last one below that one, without what is below those that are `folded`."""
        shown, rank, end = array("i"), self._ranks[first], self._end(self._ranks[last])
        for hidden, after in sorted((self._ranks[place] + 1, self._end(self._ranks[place])) for place in folded):
            if rank < hidden < end:
                shown.extend(self._places[rank:hidden])
                rank = after
        shown.extend(self._places[rank:end])
        return shown

    def _end(self, rank: int) -> int:
        """The rank after the last one below the call at this one."""
        at = bisect_left(self._callers, rank)
        return self._ends[at] if at < len(self._callers) and self._callers[at] == rank else rank + 1

    def find(self, modules: Container[int]) -> Flagged:
        """The places of all calls of any of these modules, in this order."""
        return Flagged(self._flag(modules), self._places.__getitem__)

    def find_with_callers(self, modules: Container[int]) -> Flagged:
        """Likewise, and of the calls that they were made in."""
        found = self._flag(modules)
        shown, find = bytearray(found), found.find
        for rank, end in zip(self._callers, self._ends, strict=True):
            if find(1, rank + 1, end) >= 0:
                shown[rank] = 1
        return Flagged(shown, self._places.__getitem__)

    def _flag(self, modules: Container[int]) -> bytes:
        calls = self._tree.calls
        called = list(calls.called())
        return self._modules.flag(filter(modules.__contains__, called), called[-1] + 1 if called else 0)
