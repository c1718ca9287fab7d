"""What the backward pass of each call takes: of the nodes of the graph that the call made.

A node carries a number that counts upwards as a thread makes them, so that a call made those from its entry to its
exit. What adds a gradient up has none, and is of the call whose node came before it: torch runs it next.
"""

from __future__ import annotations

import contextlib
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from threading import Event, get_ident
from typing import Any

from torch import Tensor

from ..recording.recorder import Cancelled
from ..torch_hooks.eager import untraced
from ..values.unwrap import read
from .clocks import Clock
from .spans import Span, add_up

_NOT_NUMBERED = (1 << 64) - 1
RawMark = tuple[int, bool, int, object]
"""Of a node: its number, whether it begins, on which thread, and what the clock said."""


class BackwardWatch:
    """Looks at one backward pass.

    Args:
        clock: Is read before and after each node.
        stop: Once it is set, the next node raises `Cancelled`.
    """

    def __init__(self, clock: Clock, stop: Event) -> None:
        self._clock = clock
        self._stop = stop
        self._marks: list[RawMark] = []

    @contextlib.contextmanager
    def look(self, loss: Tensor) -> Iterator[None]:
        """For as long as a backward pass from `loss` runs: two hooks on each node of its graph."""
        nodes = list(_list_nodes(read(loss, "grad_fn")))
        handles = []
        try:
            for node in nodes:
                number = int(node._sequence_nr())
                handles += [node.register_prehook(self._mark(number, True)),
                            node.register_hook(self._mark(number, False))]  # fmt: skip
            yield
        finally:
            for handle in handles:
                handle.remove()

    def _mark(self, number: int, begins: bool) -> Any:
        now, mark, stopped = self._clock.now, self._marks.append, self._stop.is_set

        @untraced
        def see(*gradients: object) -> None:
            if stopped():
                raise Cancelled
            mark((number, begins, get_ident(), now()))

        return see

    def spans(self, calls: Sequence[Span]) -> list[Span]:
        """What the nodes of each of these calls took, in the same order."""
        found = [Span(call.module, call.call, call.parent) for call in calls]
        owners = _Owners(calls)
        last: dict[int, tuple[int, float]] = {}  # of a thread: whose node it is at, and when that began
        for (number, begins, thread, _), value in zip(self._marks, self._read(), strict=True):
            before, began = last.get(thread, (-1, 0.0))
            if begins:
                last[thread] = before if number == _NOT_NUMBERED else owners.find(number), value
            elif before >= 0:
                found[before].own += value - began
        return add_up(found)

    def _read(self) -> Sequence[float]:
        return self._clock.read([at for _, _, _, at in self._marks]) if self._marks else ()


class _Owners:
    """Who made which node."""

    def __init__(self, calls: Sequence[Span]) -> None:
        self._calls = calls
        self._places = [place for place, call in enumerate(calls) if call.nodes.start >= 0]
        self._starts = [calls[place].nodes.start for place in self._places]

    def find(self, number: int) -> int:
        """The place of the innermost call that made it, -1 for none."""
        at = bisect_right(self._starts, number) - 1
        place = self._places[at] if at >= 0 else -1
        while place >= 0 and number not in self._calls[place].nodes:
            place = self._calls[place].parent
        return place


def _list_nodes(first: Any) -> Iterator[Any]:
    pending, seen = [first], set()
    while pending:
        node = pending.pop()
        if node is not None and node not in seen:
            seen.add(node)
            pending += [after for after, _ in node.next_functions]
            yield node
