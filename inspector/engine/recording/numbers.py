"""Which call of its module a call is: of all in the pass, and of those in its step. All from 0."""

from __future__ import annotations

import itertools
import threading

from ..hooks.steps import StepCounter

_AT_ONCE = 64  # steps that threads may be in at the same time

_Counters = tuple[int, "itertools.count[int]", "itertools.count[int]"]
"""A step, and what counts the calls in the pass and in that step."""


class CallNumbers:
    """Counts the calls of every node. Two threads never get the same number."""

    def __init__(self, steps: StepCounter) -> None:
        self._steps = steps
        self._first: dict[int, tuple[int]] = {}  # of each node, the step of its first call
        self._last: dict[int, _Counters] = {}  # of each node that was called again
        self._in_step: dict[int, dict[int, itertools.count[int]]] = {}  # by step
        self._lock = threading.Lock()

    def next(self, index: int) -> tuple[int, int, int]:
        """Of the call of this node that begins now: its number in the pass, its step, and its number in that."""
        step = self._steps.number
        known = self._last.get(index)
        if known is None or known[0] != step:
            mine = (step,)
            first = self._first.setdefault(index, mine)
            if first is mine:
                return 0, step, 0
            known = self._turn_to(index, step, first[0])
        return next(known[1]), step, next(known[2])

    def _turn_to(self, index: int, step: int, first: int) -> _Counters:
        """The counters of this node, whose last call was its first one, or in another step."""
        with self._lock:
            of_step = self._in_step.get(step)
            if of_step is None:
                of_step = self._begin_step(step)
            before = self._last.get(index)
            in_pass = before[1] if before is not None else itertools.count(1)
            found = step, in_pass, of_step.setdefault(index, itertools.count(int(step == first)))
            self._last[index] = found
            return found

    def _begin_step(self, step: int) -> dict[int, itertools.count[int]]:
        counts = self._in_step.setdefault(step, {})
        self._in_step.pop(step - _AT_ONCE, None)
        return counts
