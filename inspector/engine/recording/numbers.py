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
        of_step = self._in_step.get(step)
        if of_step is None:
            of_step = self._begin_step(step)
        in_pass = self._in_pass.get(index) or self._in_pass.setdefault(index, itertools.count())
        in_step = of_step.get(index) or of_step.setdefault(index, itertools.count())
        return next(in_pass), step, next(in_step)

    def _begin_step(self, step: int) -> _Counts:
        counts = self._in_step.setdefault(step, {})
        self._in_step.pop(step - _AT_ONCE, None)
        return counts
