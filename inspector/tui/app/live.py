"""Live mode: one pass after the other, not faster than a person can look."""

from __future__ import annotations

import time
from collections.abc import Callable

from .host import Host
from .state import AppState

LIVE_INTERVAL = 0.25
"""Seconds from the start of one live pass to the next, at least."""


class Live:
    """Whether passes go on by themselves, and from which seed.

    Args:
        repeat: Starts the next pass.
    """

    def __init__(self, state: AppState, host: Host, repeat: Callable[[], None]) -> None:
        self._state = state
        self._host = host
        self._repeat = repeat

    def toggle(self) -> None:
        """Run again and again from now on, or no longer."""
        self._state.live = not self._state.live
        self._go_on()

    def follow(self) -> None:
        """A pass has ended: the next one begins when it is time."""
        wait = max(self._state.started + LIVE_INTERVAL - time.monotonic(), 0.0)
        self._host.later(wait, self._go_on)

    def draw(self, seed: int | None) -> tuple[int | None, bool]:
        """The seed of the next pass, and whether it draws its input anew."""
        state = self._state
        fresh = state.live and state.fresh
        if fresh and seed is None and state.model.summary is not None:
            seed = state.model.summary.seed + 1
        return seed, fresh

    def _go_on(self) -> None:
        if self._state.live and not self._state.running:
            self._repeat()
