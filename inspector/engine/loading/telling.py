"""How far loading is, for whoever waits for it."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from time import monotonic

from torch import nn
from torch.nn.modules.module import register_module_module_registration_hook

from ...records import Work

PAUSE = 0.1
"""Seconds between one word and the next: a person reads no faster, and a model has many modules."""

Tell = Callable[[Work], object]


def tell_nobody(work: Work) -> None:
    """For whoever is waited for by nobody."""


@contextlib.contextmanager
def telling_of_modules(tell: Tell) -> Iterator[None]:
    """While it lasts, tell how many modules were put into others."""
    handle = register_module_module_registration_hook(_Counter(tell))
    try:
        yield
    finally:
        handle.remove()


class _Counter:
    def __init__(self, tell: Tell) -> None:
        self._tell = tell
        self._built = 0
        self._due = monotonic() + PAUSE

    def __call__(self, parent: nn.Module, name: str, module: nn.Module | None) -> None:
        self._built += module is not None
        if (now := monotonic()) >= self._due:
            self._due = now + PAUSE
            self._tell(Work("building", self._built, unit="modules"))
