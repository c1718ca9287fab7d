"""The calls of a pass below those that made them, in the order in which they began."""

from __future__ import annotations

from array import array
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from itertools import pairwise

from .call_order import CallOrder
from .call_table import CallTable

Order = tuple[int, int, int, int]
"""Of two calls, the one with less comes first. No two calls have the same."""


class CallTree:
    """Calls by their places in the table. A call that another thread made, or whose caller was not seen, is in none.

    Nothing is known of calls that came since `extend`. What a damaged log says of callers is not believed where it
    cannot be: a call is within the time of its caller, and two calls of one caller are one after the other.
    """

    def __init__(self, calls: CallTable) -> None:
        self.calls = calls
        self.parents = array("i")  # -1 for none
        self.own_ms = array("d")  # without the calls in it
        self._first = array("i")
        self._next = array("i")
        self._previous = array("i")
        self._waiting: dict[int, list[int]] = {}  # calls whose caller has not come yet, by its start: first and last
        self._waiting_ms: dict[int, float] = {}  # what those took
        self._roots: list[int] | None = None
        self._order: CallOrder | None = None
        self._ms = 0.0
        self._apart = True  # no root began before the one before it ended

    @property
    def is_complete(self) -> bool:
        """Whether all calls were taken in."""
        return len(self.parents) == len(self.calls)

    def extend(self, most: int | None = None) -> None:
        """Take in the calls that came since the last time, or so many of them."""
        calls, waiting, taken, first = self.calls, self._waiting, self._waiting_ms, len(self.parents)
        new = slice(first, None if most is None else first + most)
        ends, columns = calls.ends, (calls.starts[new], calls.ends[new], calls.callers[new], calls.ms[new])
        for place, (start, end, caller, ms) in enumerate(zip(*columns, strict=True), first):
            inner = waiting.get(start) if start >= 0 else None
            if inner is not None and ends[inner[1]] < end:
                del waiting[start]
                self._first.append(inner[0])
                self._adopt(place, inner[0])
                self.own_ms.append(max(ms - taken.pop(start), 0.0))
            else:
                self._first.append(-1)
                self.own_ms.append(ms)
            self.parents.append(-1)
            self._next.append(-1)
            siblings = waiting.get(caller)
            if caller >= 0 and not (caller < start <= end and (not siblings or ends[siblings[1]] < start)):
                caller = -1  # it cannot be that one
                siblings = waiting.get(caller)
            if siblings is None:
                self._previous.append(-1)
                waiting[caller] = [place, place]
                taken[caller] = ms
            else:
                self._previous.append(siblings[1])
                self._next[siblings[1]] = place
                siblings[1] = place
                taken[caller] += ms
            self._roots = self._order = None

    @property
    def is_ordered(self) -> bool:
        """Whether their order is made."""
        return self._order is not None and self._order.is_complete

    @property
    def order(self) -> CallOrder:
        """From top to bottom; made when it is asked for."""
        if self._order is None:
            self._order = CallOrder(self)
        self._order.extend()
        return self._order

    def prepare(self, most: int) -> bool:
        """Take so many calls in, or into their order; whether there is more to do."""
        if not self.is_complete:
            self.extend(most)
            return True
        if self._order is None:
            self._order = CallOrder(self)
        self._order.extend(most)
        return not self._order.is_complete

    def _adopt(self, place: int, child: int) -> None:
        """Put the chain that begins with this child into a call."""
        parents, following = self.parents, self._next
        while child >= 0:
            parents[child] = place
            child = following[child]

    def __len__(self) -> int:
        return len(self.parents)

    @property
    def roots(self) -> Sequence[int]:
        """The calls that are in none."""
        if self._roots is None:
            found = (place for first, _ in self._waiting.values() for place in self._chain(first))
            self._roots = sorted(found, key=self._root_order)
            self._ms = sum(map(self.calls.ms.__getitem__, self._roots))
            starts, ends = self.calls.starts, self.calls.ends
            self._apart = all(ends[one] < starts[other] for one, other in pairwise(self._roots))
        return self._roots

    @property
    def ms(self) -> float:
        """All the time that was spent in calls."""
        return self._ms if self.roots else 0.0

    def _root_order(self, place: int) -> tuple[int, int]:
        return self.calls.starts[place], place

    def _chain(self, place: int) -> Iterator[int]:
        while place >= 0:
            yield place
            place = self._next[place]

    def has_children(self, place: int) -> bool:
        return self._first[place] >= 0

    def children(self, place: int) -> Iterator[int]:
        """The calls that it made itself."""
        return self._chain(self._first[place])

    def ancestors(self, place: int) -> Iterator[int]:
        """From its caller outwards."""
        while (place := self.parents[place]) >= 0:
            yield place

    def depth(self, place: int) -> int:
        """How many calls it is in."""
        return sum(1 for _ in self.ancestors(place))

    def key(self, place: int) -> Order:
        """Its place in the order. What threads do at the same time stands one behind the other."""
        start = self.calls.starts[place]
        if not self.roots or self._apart:
            return 0, 0, start, place
        *_, root = place, *self.ancestors(place)
        return self.calls.starts[root], root, start, place

    def end_key(self, place: int) -> Order:
        """What all calls in it come before, and it too; and nothing that follows them."""
        root_start, root, _, _ = self.key(place)
        return root_start, root, self.calls.ends[place], len(self)

    def after(self, place: int) -> int | None:
        """The call that began next."""
        if self.has_children(place):
            return self._first[place]
        while place >= 0:
            if (beside := self._beside(place, 1)) >= 0:
                return beside
            place = self.parents[place]
        return None

    def before(self, place: int) -> int | None:
        """The call that began before."""
        beside = self._beside(place, -1)
        if beside < 0:
            return self.parents[place] if self.parents[place] >= 0 else None
        while self.has_children(beside):
            *_, beside = self.children(beside)
        return beside

    def _beside(self, place: int, delta: int) -> int:
        """The next (1) or previous (-1) call of the same caller, -1 for none."""
        if self.parents[place] >= 0:
            return (self._next if delta > 0 else self._previous)[place]
        at = bisect_left(self.roots, self._root_order(place), key=self._root_order) + delta
        return self.roots[at] if 0 <= at < len(self.roots) else -1
