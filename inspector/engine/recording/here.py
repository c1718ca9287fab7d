"""Where each thread is in the pass that is recorded."""

from __future__ import annotations

import threading

from .call import Call


class Here:
    """Where this thread is."""

    __slots__ = ("altered", "began", "spent", "stack", "thread")

    def __init__(self) -> None:
        self.stack: list[Call] = []
        self.began = 0.0  # when it entered its first call
        self.spent = 0.0  # seconds in our own hooks
        self.altered: set[int] = set()  # nodes whose input was altered and that are about to be entered
        self.thread = -1  # which of those that called modules, from 0; -1 before it did

    def spent_more(self, share: float, now: float) -> bool:
        """Whether our hooks took more, until `now`, than this share of what all else took."""
        return self.spent > share * (now - self.began - self.spent)


class EachThread(threading.local):
    """Every thread finds a `here` of its own in it."""

    def __init__(self) -> None:
        self.here = Here()
