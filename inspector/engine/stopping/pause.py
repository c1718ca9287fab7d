"""A thread that stands still, and does what other threads ask of it until it may go on."""

from __future__ import annotations

import queue
from collections.abc import Callable
from time import monotonic
from typing import Literal

from ...records import GoOn

Order = GoOn | Literal["timeout"]
"""How it ends."""


class Pause:
    """One pause of one thread. All but `wait` may be called from any thread."""

    def __init__(self) -> None:
        self._asked: queue.SimpleQueue[Callable[[], object] | Order] = queue.SimpleQueue()
        self.touched = False  # somebody works in it: it does not end by itself

    def wait(self, timeout: float) -> Order:
        """Stand still here until it is said how to go on; after `timeout` seconds in which nobody asked for anything,
        go on by itself. 0 is for ever."""
        end = monotonic() + timeout
        while True:
            patience = max(end - monotonic(), 0.0) if timeout and not self.touched else None
            try:
                asked = self._asked.get(timeout=patience)
            except queue.Empty:
                return "timeout"
            if isinstance(asked, str):
                return asked
            asked()

    def do(self, work: Callable[[], object]) -> None:
        """Let the thread that stands still do this."""
        self.touched = True
        self._asked.put(work)

    def end(self, order: Order) -> None:
        """Let it go on so."""
        self._asked.put(order)

    def refuse_rest(self) -> None:
        """It is over: what was asked for too late is done now, and finds that nothing stands still any more."""
        while not self._asked.empty():
            asked = self._asked.get()
            if not isinstance(asked, str):
                asked()
