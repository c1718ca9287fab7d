"""Which call of its module a call is: of all in the pass, and of those in its step. All from 0."""

from __future__ import annotations

import itertools

from ..hooks.steps import StepCounter

_AT_ONCE = 64  # steps that threads may be in at the same time

_Counts = dict[int, "itertools.count[int]"]


class CallNumbers:
    """Counts the calls of every node. Two threads never get the same number."""

    def __init__(self, steps: StepCounter) -> None:
        self._steps = steps
        self._in_pass: _Counts = {}
        self._in_step: dict[int, _Counts] = {}  # by step

    def next(self, index: int) -> tuple[int, int, int]:
        """Of the call of this node that begins now: its number in the pass, its step, and its number in that."""
        step = self._steps.number
        return _next(self._in_pass, index), step, _next(self._of_step(step), index)

    def _of_step(self, step: int) -> _Counts:
        counts = self._in_step.get(step)
        if counts is None:
            counts = self._in_step.setdefault(step, {})
            self._in_step.pop(step - _AT_ONCE, None)
        return counts


def _next(counts: _Counts, index: int) -> int:
    return next(counts.get(index) or counts.setdefault(index, itertools.count()))
