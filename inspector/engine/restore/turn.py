"""Whose turn it is to run a model and put it back: one thread's at a time, in the whole process.

Not only the model is put back but what belongs to the process, such as random states: two guarded passes at once, of
whichever models, would put back what the other one did.
"""

from __future__ import annotations

import contextlib
import os
import threading
from collections.abc import Iterator
from time import monotonic

from ...errors import InspectorError
from ..modules.tree import ModuleTree, own_tensors

PATIENCE = 60.0
"""Seconds to wait for another thread. Longer ones may be for ever: that thread may wait for this one."""

_LOOK_AGAIN = 1.0  # seconds, within which an interrupt is heard everywhere


class Turn:
    """Held by one thread, as often as it likes."""

    def __init__(self) -> None:
        self._lock = threading.RLock()
        self._owner = 0  # the thread whose turn it is
        self._doing: list[str] = []  # what it does, the innermost last
        self._running: list[ModuleTree] = []  # the models that run now, on that thread

    @contextlib.contextmanager
    def hold(self, what: str) -> Iterator[None]:
        """Wait for the turn, and have it for a while.

        Args:
            what: Is done meanwhile, in words for whoever waits: "a summary".

        Raises:
            InspectorError: Another thread has had it for too long.
        """
        self._wait(what)
        self._owner = threading.get_ident()
        self._doing.append(f"{what} in thread {threading.current_thread().name!r}")
        try:
            yield
        finally:
            self._doing.pop()
            self._lock.release()

    def _wait(self, what: str) -> None:
        until = monotonic() + PATIENCE
        while not self._lock.acquire(timeout=_LOOK_AGAIN):
            if monotonic() > until:
                holder = next(reversed(self._doing), "another one")
                raise InspectorError(
                    f"{what} cannot begin: {holder} has not ended for {PATIENCE:.0f} s, and they take turns",
                    hint="wait for its end; where it waits for this thread, start this one after it",
                )

    @contextlib.contextmanager
    def run(self, tree: ModuleTree) -> Iterator[None]:
        """While this model runs, nothing in it is taken under inspection once more. To be called within `hold`."""
        self._running.append(tree)
        try:
            yield
        finally:
            self._running.pop()

    def refuse_nested(self, tree: ModuleTree) -> None:
        """To be called within `hold`.

        Raises:
            InspectorError: A pass of this model, or of one that shares a module or a parameter with it, is running on
                this thread: what would be put back is what that pass made of it.
        """
        if self._running and any(_parts_of(running) & _parts_of(tree) for running in self._running):
            raise InspectorError(
                "this model is in the middle of a pass that is put back: another one cannot begin inside it",
                hint="begin it before or after that; inspector.capture may be open anywhere",
            )

    def start_anew(self) -> None:
        """In a copy of this process, whose only thread may be another one than that whose turn it was."""
        if self._owner != threading.get_ident():
            self._lock = threading.RLock()
            self._doing, self._running = [], []


def _parts_of(tree: ModuleTree) -> set[int]:
    """The ids of its modules and parameters."""
    tensors = {id(tensor) for node in tree.objects() for _, tensor in own_tensors(node.module, "_parameters")}
    return tensors | {id(node.module) for node in tree.objects()}


TURN = Turn()
os.register_at_fork(after_in_child=TURN.start_anew)
