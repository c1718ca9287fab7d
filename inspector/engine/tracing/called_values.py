"""The values of the calls on a line: torch's functions, modules, and where on the line each of them stands."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Callable, Iterable
from types import CodeType, FrameType
from typing import Any, Protocol

import torch
from torch import nn
from torch.overrides import TorchFunctionMode, _get_current_function_mode_stack

from ..torch_hooks.eager import untraced
from ..torch_hooks.ours import OurHandle, OurHook, register
from .contents import look
from .helpers import TORCH
from .in_place import Writes
from .lines import CodePlace
from .running import Running, ThreadFrames

CALLS = nn.Module.__call__.__code__.co_filename
_DEEPEST = 40
"""Frames between a line and what it calls: the wrappers of torch and of decorators."""
_READS = frozenset({"__get__", "__set__", "dim", "size", "__len__", "is_floating_point"})
"""What gives no tensor, and would stand beside every other line; `x.T` does."""

_modes = torch._C._len_torch_function_stack
_REFUSALS = (RuntimeError, AttributeError, TypeError)  # of modules without hooks, which is told where they are observed


class SeesCalls(Protocol):
    """Wants to know."""

    threads: ThreadFrames
    measures: bool
    """Whether more is to be said of tensors than how they look."""

    def see_call(self, running: Running, code: CodeType, at: int, value: object) -> None:
        """A call that this frame, the active one, made itself returned: of an instruction of `code`, which is its own
        or that of a comprehension of it."""


def find_spot(active: FrameType, frame: FrameType | None, through: str = "") -> CodePlace | None:
    """Where in `active` the call is that led to `frame`, which is that frame or was called by it: in a comprehension of
    it, too.

    Args:
        active: A frame that runs.
        frame: Where to begin.
        through: The folder of what may be in between; a call of a module never may, which has lines of its own.
    """
    inner: CodePlace | None = None
    if frame is active:  # as most are
        return CodePlace(active.f_code, active.f_lasti)
    for _ in range(_DEEPEST):
        if frame is None or frame.f_code.co_filename == CALLS:
            return None
        if frame is active:
            return inner or CodePlace(frame.f_code, frame.f_lasti)
        if _is_within(frame.f_code, active.f_code):
            inner = inner or CodePlace(frame.f_code, frame.f_lasti)
        elif not frame.f_code.co_filename.startswith(through):
            return None
        frame = frame.f_back
    return None


def _is_within(code: CodeType, outer: CodeType) -> bool:
    return code.co_filename == outer.co_filename and any(code is each for each in outer.co_consts)


class CalledOps(TorchFunctionMode):
    """Shows the results of torch's functions, operators and methods of tensors, on the thread that enters it: while a
    frame runs that is recorded, since every operation takes longer meanwhile."""

    def __init__(self, observer: SeesCalls, writes: Writes) -> None:
        super().__init__()
        self._observer = observer
        self._threads = observer.threads
        self._measures = observer.measures
        self._writes = writes

    def listen(self) -> None:
        """From now on, until `leave`."""
        self.__enter__()  # type: ignore[no-untyped-call]

    def leave(self) -> bool:
        """Whether it was ours to end: a model that failed may have left modes of its own behind."""
        on_top = torch._C._len_torch_function_stack() and _get_current_function_mode_stack()[-1] is self  # type: ignore[no-untyped-call]
        if on_top:
            self.__exit__(None, None, None)  # type: ignore[no-untyped-call]
        return bool(on_top)

    def __torch_function__(
        self, func: Callable[..., Any], types: Iterable[type], args: tuple[Any, ...] = (), kwargs: Any = None
    ) -> Any:
        """Whatever is called from here is told of to whoever traces lines, too: for most operations nothing is."""
        threads = self._threads
        running = threads.running[-1] if threads.running and not threads.busy else None
        output = func(*args, **kwargs) if kwargs else func(*args)
        if torch.is_inference_mode_enabled():
            self._writes.see(func, args, kwargs or {})
        if running is None:
            return output
        caller, active = sys._getframe(1), running.frame
        is_plain = type(output) is torch.Tensor
        if caller is active:  # as most are
            looks = None
            if is_plain and not self._measures and not _modes():
                try:  # noqa: SIM105  # a context manager takes longer
                    looks = look(output)
                except RuntimeError:  # a nested one has no shape
                    pass
            if looks is not None and looks[3] is torch.strided:
                running.log.append((caller.f_code, caller.f_lasti, looks, 0))
            elif is_plain or getattr(func, "__name__", "") not in _READS:
                self._observer.see_call(running, caller.f_code, caller.f_lasti, output)
        elif (is_plain or getattr(func, "__name__", "") not in _READS) and (place := find_spot(active, caller, TORCH)):
            self._observer.see_call(running, *place, output)
        return output


class CalledModules(OurHook):
    """Shows what modules returned, as other people's hooks left it.

    The hooks are the modules' own: torch warns of compiled models where the process has some.
    """

    def __init__(self, observer: SeesCalls, modules: Iterable[nn.Module]) -> None:
        super().__init__()
        self._observer = observer
        self._modules = modules
        self._handles: list[OurHandle] = []

    def __enter__(self) -> None:
        for each in self._modules:
            with contextlib.suppress(*_REFUSALS):
                self._handles.append(register(each.register_forward_hook, self))

    def __exit__(self, *ended: object) -> None:
        for handle in self._handles:
            handle.remove()

    @untraced
    def __call__(self, module: nn.Module, args: object, output: object) -> None:
        """As for operations."""
        observer = self._observer
        threads = observer.threads
        if not threads.running or threads.busy:
            return
        frame: FrameType | None = sys._getframe(1)
        while frame is not None and frame.f_code.co_filename == CALLS:
            frame = frame.f_back
        running = threads.running[-1]
        if frame is running.frame:  # as most are
            observer.see_call(running, frame.f_code, frame.f_lasti, output)
        elif (place := find_spot(running.frame, frame)) is not None:
            observer.see_call(running, *place, output)
