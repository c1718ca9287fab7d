"""Python's garbage collector out of the way while very many objects are made and none is dropped, and rarely at work
where very many stay: it would look through all of them again and again.

With 300,000 names that takes longer than all else.
"""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext


@contextmanager
def without_collector() -> Iterator[None]:
    """It is as it was afterwards."""
    collects = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if collects:
            gc.enable()


_RARELY = 20_000, 50, 20
"""Objects, and rounds, after which the collector looks at the young ones, at those that stayed, and at all."""


@contextmanager
def collecting_rarely() -> Iterator[None]:
    """While other people's code makes a model: what is dropped soon is found, and what stays hardly looked through. It
    is as it was afterwards, where nobody set it otherwise meanwhile."""
    before = gc.get_threshold()
    gc.set_threshold(*_RARELY)
    try:
        yield
    finally:
        if gc.get_threshold() == _RARELY:
            gc.set_threshold(*before)


MANY = 5_000
"""Modules past which it is noticed that the collector looks through them again and again."""

_own_process: list[tuple[int, int, int]] = []  # when the collector worked there before


def own_process() -> None:
    """Nothing is in this process but what is here for a session: the collector may work there as is best for it."""
    _own_process[:] = [gc.get_threshold()]


def collecting_as_suits(modules: int) -> AbstractContextManager[None]:
    """While a model of so many modules runs, and a record is made of each call."""
    return collecting_rarely() if modules > MANY else nullcontext()


def suit_collector(modules: int) -> None:
    """Have it work rarely as long as a model of so many modules is open, or as ever."""
    for before in _own_process:
        gc.set_threshold(*(_RARELY if modules > MANY else before))
