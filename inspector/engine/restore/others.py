"""Other threads that may train a model, or fill it, while a pass of it is guarded: what they write is theirs.

Who wrote to a tensor cannot be asked. But threads that are there before a pass can be known, and so can what the pass
itself writes: every operation on its own thread is looked at, while there are such threads and only then. What changed
and was not written by the pass was written by them.
"""

from __future__ import annotations

import contextlib
import sys
import threading
from collections.abc import Iterator
from functools import lru_cache, partial
from pathlib import Path
from time import monotonic, sleep
from types import FrameType, FunctionType, ModuleType
from typing import Any

import torch
from torch import Tensor, nn
from torch._ops import HigherOrderOperator, _higher_order_ops
from torch.nn.modules.module import register_module_forward_pre_hook
from torch.utils._python_dispatch import TorchDispatchMode

from ..modules.tree import ModuleTree
from ..torch_hooks.ours import OurHook, register
from ..values.collector import without_collector
from .theirs import Theirs

_OURS = "inspector-"
"""How the names of our own threads begin; they write to no model."""

_AT_WORK = 50e-6
"""Seconds of a processor that a thread uses at least that is at work."""

_POOLS = ("concurrent.futures.thread", "multiprocessing.pool")
"""Whose threads do what they are given, at any time."""

_LET_RUN = 2e-3
"""Seconds in which one that has something to do does something."""


class OtherThreads:
    """Those that are there when a pass begins, and what they did since.

    Args:
        tree: The model that the pass runs.
    """

    def __init__(self, tree: ModuleTree) -> None:
        here = threading.get_ident()
        running = _look_at_frames()
        found = [each for each in threading.enumerate() if each.ident != here and not each.name.startswith(_OURS)]
        self._before = {each: _seconds_used(each) for each in found if _knows_torch(running.get(each.ident or 0))}
        self._tree = tree
        self._ran = False
        self._writes = _Writes()
        threads = {each.ident for each in self._before}
        self._calls = _Calls(tree, threads)
        self.theirs = Theirs(threads)

    def __bool__(self) -> bool:
        return bool(self._before)

    @contextlib.contextmanager
    def watch(self) -> Iterator[None]:
        """Around what the pass does. Where there are no others it costs nothing."""
        if not self:
            yield
            return
        _let_through_higher_order()
        handle = register(register_module_forward_pre_hook, self._calls)
        try:
            with self.theirs.watch(), self._writes:
                yield
        finally:
            handle.remove()

    def are_busy(self) -> bool:
        """Whether any of them runs when it is let."""
        sleep(_LET_RUN)
        return any(_seconds_used(each) - then > _AT_WORK for each, then in self._before.items())

    def ran(self) -> bool:
        """Whether any of them ran at all since the pass began. Whoever asks after he found a change knows whether it
        can be theirs."""
        self._ran = self._ran or any(_seconds_used(each) != then for each, then in self._before.items())
        return self._ran

    @property
    def called(self) -> bool:
        """Whether one of them called a module of the model during the pass."""
        return self._calls.seen

    def pass_wrote(self, tensor: Tensor) -> bool:
        """Whether an operation of the pass wrote to the memory of this tensor."""
        return _place(tensor) in self._writes.places

    @property
    def share_gradients(self) -> bool:
        """Whether the pass ran a backward pass: its gradients and theirs are in the same place."""
        return self._writes.backward

    def may_have_gradients(self) -> bool:
        """Whether those that there are now may be of them alone: nobody but they ran a backward pass."""
        return not self._writes.backward and self.ran()


def _look_at_frames() -> dict[int, FrameType]:
    """The innermost frame of every thread. The collector must not run meanwhile: what it calls may let another thread
    in, which then waits for a lock of the interpreter that this one holds (python/cpython#106883)."""
    with without_collector():
        return sys._current_frames()


def _knows_torch(frame: FrameType | None) -> bool:
    """Whether code that runs on a thread, down from this frame, has torch at hand, or may be given some. The threads of
    a notebook, of a test runner or of a progress bar have not: they write to no model."""
    while frame is not None:
        if frame.f_globals.get("__name__") in _POOLS or any(
            _is_of_torch(value) for value in list(frame.f_globals.values())
        ):
            return True
        frame = frame.f_back
    return False


def _is_of_torch(value: object) -> bool:
    """Whether this is a module, a class or a function of torch, or a model."""
    if issubclass(type(value), (nn.Module, Tensor)):
        return True
    name = value.__name__ if type(value) is ModuleType else None
    name = value.__module__ if issubclass(type(value), FunctionType) or type(value) is type else name
    return type(name) is str and name.partition(".")[0] == "torch"


class _Writes(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Sees every operation of this thread. `places` is where they wrote to, and `backward` says that some were of a
    backward pass. What a higher-order operator runs it does not see: that writes to nothing."""

    supports_higher_order_operators = True
    only_watches = True
    """What is read under it is what there is."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.places: set[int] = set()
        self.backward = False

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}
        if isinstance(func, HigherOrderOperator):
            return func(*args, **kwargs)
        self.backward = self.backward or torch._C._current_graph_task_id() != -1
        for number, name in _written_by(func):
            value = args[number] if number < len(args) else kwargs.get(name)
            for tensor in value if isinstance(value, (list, tuple)) else (value,):
                if isinstance(tensor, Tensor):
                    self.places.add(_place(tensor))
        with torch._C.DisableTorchFunction():  # who hears of functions has heard of this one, or was not to
            return func(*args, **kwargs)


def _let_through_higher_order() -> None:
    """An older torch, which does not ask for `supports_higher_order_operators`, wants to be told for each operator."""
    if not hasattr(TorchDispatchMode, "supports_higher_order_operators"):
        for operator in _higher_order_ops.values():
            if _Writes not in operator.python_key_table:
                operator.py_impl(_Writes)(partial(_run_unseen, operator))


def _run_unseen(operator: Any, mode: _Writes, *args: Any, **kwargs: Any) -> Any:
    return operator(*args, **kwargs)


class _Calls(OurHook):
    """Hears of every call of a module in this process."""

    def __init__(self, tree: ModuleTree, threads: set[int | None]) -> None:
        super().__init__()
        self.seen = False
        self._tree = tree
        self._threads = threads

    def __call__(self, module: nn.Module, args: object) -> None:
        if not self.seen and threading.get_ident() in self._threads:
            self.seen = id(module) in self._tree.index_of_object


@lru_cache(maxsize=4096)
def _written_by(func: Any) -> tuple[tuple[int, str], ...]:
    """The arguments that an operation writes to: what its schema says, and the statistics of a BatchNorm, of which that
    of the native ones does not tell."""
    return tuple(
        (number, argument.name)
        for number, argument in enumerate(func._schema.arguments)
        if _is_written(argument) or argument.name.startswith("running_")
    )


def _is_written(argument: Any) -> bool:
    return argument.alias_info is not None and bool(argument.alias_info.is_write)  # torch 2.4 says it there alone


def _place(tensor: Tensor) -> int:
    try:
        return tensor.untyped_storage().data_ptr()
    except (RuntimeError, NotImplementedError):  # sparse, meta and wrapped tensors have none
        return 0


def _seconds_used(thread: threading.Thread) -> float:
    """Of a processor, until now. One that is running, has ended, or cannot be looked at was at work."""
    task = Path(f"/proc/self/task/{thread.native_id}")
    try:
        state = task.joinpath("stat").read_text().rpartition(")")[2].split()[0]
        used = int(task.joinpath("schedstat").read_text().split()[0]) / 1e9
    except (OSError, ValueError, IndexError):
        return monotonic()
    return monotonic() if state == "R" else used
