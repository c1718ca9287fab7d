"""How far loading is, for whoever waits for it."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from time import monotonic

from torch import nn
from torch.nn.modules.module import (
    register_module_module_registration_hook,
    register_module_parameter_registration_hook,
)

from ...records import Work

PAUSE = 0.1
"""Seconds between one word and the next: a person reads no faster, and a model has many modules."""

Tell = Callable[[Work], object]


def tell_nobody(work: Work) -> None:
    """For whoever is waited for by nobody."""


def now_and_then(tell: Tell) -> Tell:
    """The same, told of no more than somebody can read."""
    due = monotonic() + PAUSE

    def told(work: Work) -> None:
        nonlocal due
        if (now := monotonic()) >= due:
            due = now + PAUSE
            tell(work)

    return told


@contextlib.contextmanager
def telling_of_modules(tell: Tell) -> Iterator[None]:
    """While it lasts, tell how many modules are built, and how much of a model that was built without
    values has got them."""
    counter = _Counter(tell)
    handles = (
        register_module_module_registration_hook(counter.count_module),
        register_module_parameter_registration_hook(counter.count_parameter),
    )
    try:
        yield
    finally:
        for handle in handles:
            handle.remove()


class _Counter:
    def __init__(self, tell: Tell) -> None:
        self._tell = now_and_then(tell)
        self._built: set[int] = set()  # the ids of modules that got parameters, or were put into others
        self._empty = 0  # bytes of parameters that were built without values
        self._filled = 0

    def count_module(self, parent: nn.Module, name: str, module: nn.Module | None) -> None:
        if module is not None:
            self._built.add(id(module))
            self._tell(self._say())

    def count_parameter(self, module: nn.Module, name: str, parameter: nn.Parameter | None) -> None:
        if type(parameter) is not nn.Parameter:  # a lazy one has no size yet
            return
        if parameter.is_meta:
            self._empty += parameter.nbytes
        elif self._empty:
            self._filled += parameter.nbytes
        self._built.add(id(module))
        self._tell(self._say())

    def _say(self) -> Work:
        if self._filled:
            return Work("reading weights", min(self._filled, self._empty), self._empty, "bytes")
        return Work("building", len(self._built), unit="modules")
