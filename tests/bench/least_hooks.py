"""What no recorder in Python can go below: hooks of torch's own kind on every module that do the least there is to do.

They keep no call and recognise nothing. Most of them say nothing of containers and keyword arguments, and have no
memory that outlives the process.
"""

from __future__ import annotations

import contextlib
import mmap
import struct
import sys
from collections.abc import Callable, Iterator
from operator import attrgetter
from time import perf_counter
from typing import Any

from torch import Tensor, nn

from inspector.engine.values import statistics

_look = attrgetter("shape", "dtype", "requires_grad", "layout", "is_cpu")
_CALLER = 3  # frames from the hook up to the line that calls the module
_PLAIN = ("builtins", "torch")
Pair = tuple[Callable[..., None], Callable[..., None]]


def do_nothing() -> Pair:
    def enter(module: nn.Module, args: Any, kwargs: Any) -> None: ...
    def leave(module: nn.Module, args: Any, kwargs: Any, output: Any) -> None: ...

    return enter, leave


def note_shapes() -> Pair:
    """When, the line that calls, and what the positional arguments and the output look like that are tensors."""
    noted: list[object] = []

    def enter(module: nn.Module, args: Any, kwargs: Any) -> None:
        began, frame = perf_counter(), sys._getframe(_CALLER)
        looks = [_look(each) if type(each) is Tensor else None for each in args]
        noted.append((module, looks, frame.f_code, frame.f_lasti, began, perf_counter()))

    def leave(module: nn.Module, args: Any, kwargs: Any, output: Any) -> None:
        ended = perf_counter()
        noted.append((module, _look(output) if type(output) is Tensor else None, ended, perf_counter()))

    return enter, leave


_ENTRY = struct.Struct("=QQQd")
_ROOM = 1 << 20


def note_all() -> Pair:
    """The same of keyword arguments and of what is in containers and in objects with attributes, such as a key-value
    cache; and an entry in a map of shared memory at each end of a call, for whoever outlives the process."""
    noted: list[object] = []
    shared = mmap.mmap(-1, _ROOM)

    def note(module: nn.Module, began: float, value: object, kwargs: Any = None) -> None:
        frame = sys._getframe(_CALLER + 1)
        _ENTRY.pack_into(shared, len(noted) * _ENTRY.size % _ROOM, id(module), id(frame.f_code), frame.f_lasti, began)
        noted.append((module, _look_inside(value), _look_inside(kwargs), frame.f_code, began, perf_counter()))

    def enter(module: nn.Module, args: Any, kwargs: Any) -> None:
        note(module, perf_counter(), args, kwargs)

    def leave(module: nn.Module, args: Any, kwargs: Any, output: Any) -> None:
        note(module, perf_counter(), output)

    return enter, leave


def _look_inside(value: Any) -> object:
    kind = type(value)
    if kind is Tensor:
        return _look(value)
    if kind is tuple or kind is list:
        return [*map(_look_inside, value)]
    if isinstance(value, dict):
        return [*map(_look_inside, value.values())]
    return [*map(_look_inside, vars(value).values())] if kind.__module__ not in _PLAIN else value


def reduce_outputs() -> Pair:
    """The same, and the statistics of each output that is a tensor, which for most modules is the next one's input."""
    enter, leave = note_shapes()

    def leave_reduced(module: nn.Module, args: Any, kwargs: Any, output: Any) -> None:
        leave(module, args, kwargs, output)
        if type(output) is Tensor and output.is_contiguous():
            statistics.reduce_on_host(output.detach().view(-1))

    return enter, leave_reduced


LEAST: dict[str, Callable[[], Pair]] = {
    "hooks that do nothing": do_nothing,
    "hooks that note shapes": note_shapes,
    "hooks that note all shapes, and in shared memory": note_all,
    "hooks that note shapes, and the kernels once for each output": reduce_outputs,
}
"""By what they do."""


@contextlib.contextmanager
def hooked(model: nn.Module, make: Callable[[], Pair]) -> Iterator[None]:
    """Such a pair on every module."""
    enter, leave = make()
    handles: list[Any] = []
    for module in model.modules():
        handles.append(module.register_forward_pre_hook(enter, with_kwargs=True))
        handles.append(module.register_forward_hook(leave, with_kwargs=True, always_call=True))
    try:
        yield
    finally:
        for handle in handles:
            handle.remove()
