"""Whose forwards are looked into while lines are recorded, and which call of its module a frame is."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from types import CodeType, FrameType, FunctionType
from typing import NamedTuple, Protocol

from torch import nn

from ..recording.call import Call, Place
from ..source.generated import original
from .helpers import find_helpers


class ForwardCall(NamedTuple):
    """The call of a module that a frame is."""

    place: Place
    recomputed: bool


class Forwards(Protocol):
    """What to look into."""

    codes: dict[int, CodeType]
    """Of forwards, by id: to compare code is to compare all that is in it."""
    helpers: Iterable[CodeType]
    """Of what they may call."""
    modules: Iterable[nn.Module]
    """Whose results are shown where they are called."""

    def find_call(self, frame: FrameType) -> ForwardCall | None:
        """None for a frame of that code that is no call of a module by its hooks."""


class OneForward:
    """Of one module.

    Args:
        module: Whose.
        function: That forward.
        innermost: The call of the module that runs on this thread, as a recorder has it.
    """

    def __init__(self, module: nn.Module, function: FunctionType, innermost: Callable[[], Call | None]) -> None:
        self.codes = {id(function.__code__): function.__code__}
        self.helpers: Iterable[CodeType] = find_helpers(function, module)
        self.modules: Iterable[nn.Module] = tuple(nn.Module.modules(module))
        self._module = module
        self._innermost = innermost

    def find_call(self, frame: FrameType) -> ForwardCall | None:
        """A function that was put in the place of a forward need not take the module."""
        first = first_argument(frame)
        if first is not self._module and isinstance(first, nn.Module):
            return None
        call = self._innermost()
        return None if call is None else ForwardCall(call.place, call.recomputed)


def python_of(module: nn.Module) -> nn.Module:
    """What a compiled module was made from; any other is that itself."""
    inner = original(module)
    return module if inner is None else inner


def first_argument(frame: FrameType) -> object:
    code = frame.f_code
    return frame.f_locals.get(code.co_varnames[0]) if code.co_argcount else None
