"""How far a pass is, told now and then."""

from __future__ import annotations

from collections.abc import Callable
from time import perf_counter

_EVERY = 0.05  # seconds


class Progress:
    """Calls `tell` with (calls entered in this step, node entered last)."""

    def __init__(self, tell: Callable[[int, int], None]) -> None:
        self._tell = tell
        self._entered = 0
        self._told = perf_counter()

    def enter(self, index: int, now: float) -> None:
        """This node is entered."""
        self._entered += 1
        if now - self._told > _EVERY:
            self._told = now
            self._tell(self._entered, index)

    def begin_step(self) -> None:
        """Count from 0."""
        self._entered = 0
