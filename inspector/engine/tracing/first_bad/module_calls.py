"""Which call of which module is running, on each thread, while a pass is traced.

The two hooks are of the process and not of the modules: a model of 100,000 modules gets two.
"""

from __future__ import annotations

import itertools
import sys
import threading
from collections import defaultdict
from collections.abc import Callable
from threading import Event
from types import FrameType, TracebackType
from typing import NamedTuple

from torch import nn
from torch.nn.modules.module import register_module_forward_hook, register_module_forward_pre_hook

from ...modules.tree import ModuleTree
from ...recording.recorder import Cancelled
from ...torch_hooks.eager import untraced
from ...torch_hooks.ours import OurHandle, OurHook, register


class ModuleCall(NamedTuple):
    """The `call`th call, from 0, of a module."""

    module: int  # its index in the tree
    call: int


ROOT = ModuleCall(0, 0)
SeeCall = Callable[[nn.Module, object, object], None]
TurnTo = Callable[[ModuleCall], None]
TurnThread = Callable[[bool], None]


class ModuleCalls(threading.local):
    """Every thread finds a stack of its own in it."""

    def __init__(self) -> None:
        self.stack: list[ModuleCall] = []
        self.left: tuple[nn.Module, ModuleCall] | None = None  # whose own hooks behind it may be running

    @property
    def innermost(self) -> ModuleCall:
        """The call that runs now on this thread, hooks of its module included; of the root, where none does."""
        if self.left is not None and self.left[0] is _find_called():
            return self.left[1]
        return self.stack[-1] if self.stack else ROOT


_CALL = nn.Module._call_impl.__code__


def _find_called() -> nn.Module | None:
    """The module whose call is the innermost on the stack of Python."""
    frame: FrameType | None = sys._getframe(2)
    while frame is not None and frame.f_code is not _CALL:
        frame = frame.f_back
    return None if frame is None else frame.f_locals["self"]


class Following:
    """Keeps `calls` up to date from `with` to its end.

    Args:
        calls: Where to keep them.
        tree: The modules; calls of others are not seen.
        stop: Once it is set, the next module to be entered raises `Cancelled`.
        see_call: Is told what a module was given and what it gave, while its call is the innermost.
        turn_to: Is told of each call that is the innermost one from now on.
        turn_thread: Is told, on each thread, before its first call of all begins (True) and after that ended (False).
    """

    def __init__(
        self,
        calls: ModuleCalls,
        tree: ModuleTree,
        stop: Event,
        see_call: SeeCall,
        turn_to: TurnTo,
        turn_thread: TurnThread,
    ) -> None:
        self._hooks = (
            _Entering(calls, tree, stop, turn_to, turn_thread),
            _Leaving(calls, tree, see_call, turn_to, turn_thread),
        )
        self._handles: list[OurHandle] = []

    def __enter__(self) -> None:
        entering, leaving = self._hooks
        self._handles = [
            register(register_module_forward_pre_hook, entering),
            register(register_module_forward_hook, leaving, always_call=True),
        ]

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        for handle in self._handles:
            handle.remove()


class _Entering(OurHook):
    """Before a call."""

    def __init__(
        self, calls: ModuleCalls, tree: ModuleTree, stop: Event, turn_to: TurnTo, turn_thread: TurnThread
    ) -> None:
        super().__init__()
        self._calls, self._index, self._stop, self._turn_to = calls, tree.index_of_object, stop, turn_to
        self._turn_thread = turn_thread
        self._numbers: defaultdict[int, itertools.count[int]] = defaultdict(itertools.count)

    @untraced
    def __call__(self, module: nn.Module, args: object) -> None:
        if self._stop.is_set():
            raise Cancelled
        index = self._index.get(id(module))
        if index is not None:
            call = ModuleCall(index, next(self._numbers[index]))
            self._calls.left = None
            if not self._calls.stack:
                self._turn_thread(True)
            self._calls.stack.append(call)
            self._turn_to(call)


class _Leaving(OurHook):
    """After a call, also after one that raised."""

    def __init__(
        self, calls: ModuleCalls, tree: ModuleTree, see_call: SeeCall, turn_to: TurnTo, turn_thread: TurnThread
    ) -> None:
        super().__init__()
        self._calls, self._index, self._see_call, self._turn_to = calls, tree.index_of_object, see_call, turn_to
        self._turn_thread = turn_thread

    @untraced
    def __call__(self, module: nn.Module, args: object, output: object) -> None:
        index, stack = self._index.get(id(module)), self._calls.stack
        if index is not None and any(call.module == index for call in stack):
            while stack[-1].module != index:
                stack.pop()
            self._see_call(module, args, output)
            call = stack.pop()
            self._calls.left = (module, call) if module._forward_hooks else None
            self._turn_to(self._calls.innermost)
            if not stack:
                self._turn_thread(False)
