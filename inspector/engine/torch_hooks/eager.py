"""Compiled code ignores hooks that came after it was compiled, so models run eagerly while hooks of ours are on.

The stance of `torch.compile` is one for the whole process, and blocks end in any order and on any thread: they are
counted, the first sets the stance and the last puts back what was there. Code that was compiled stays compiled, and is
used again afterwards as it is.
"""

from __future__ import annotations

import contextlib
import os
import sys
import threading
from collections.abc import Callable, Iterator
from typing import Any, TypeVar

import torch

from ...errors import InspectorError
from ..modules.badges import is_compiled
from ..modules.tree import ModuleTree

_CACHE = "TORCHINDUCTOR_CACHE_DIR"
_PROXY = torch._C._TorchDispatchModeKey.PROXY
_jit: Any = torch._C  # its stub leaves out a part

Function = TypeVar("Function", bound=Callable[..., Any])


class Stance:
    """The stance of the process, held from the first `take` to the last `give_back`."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        # a copy of this process that is made while another thread holds it would have nobody to give it back
        os.register_at_fork(
            before=self._lock.acquire, after_in_parent=self._lock.release, after_in_child=self._lock.release
        )
        self._takers = 0
        self._former: Any = None  # what puts back the stance that was there

    def take(self) -> None:
        """`torch.compile` runs what it compiled as it was written: this model, its modules, functions that call them.

        Raises:
            InspectorError: Compiled code is running here.
        """
        _refuse_inside_compiled()
        with self._lock:
            if self._former is None:
                self._former = _force_eager()
            self._takers += 1

    def give_back(self) -> None:
        """One taker less."""
        with self._lock:
            self._takers -= 1
            if self._takers == 0 and self._former is not None:
                former, self._former = self._former, None
                former.__exit__(None, None, None)


STANCE = Stance()


@contextlib.contextmanager
def run_eagerly(tree: ModuleTree) -> Iterator[None]:
    """Take the stance for a while, where the model or one of its modules is compiled. Raises as `Stance.take` does."""
    if not has_compiled(tree):
        yield
        return
    with _taken():
        yield


@contextlib.contextmanager
def run_functions_eagerly() -> Iterator[None]:
    """The same for compiled functions, of which no model tells: where anything was compiled in this process. The
    compiler would go through the code of modes that look at each operation, and say so. Raises as above."""
    if "torch._dynamo" not in sys.modules:
        yield
        return
    with _taken():
        yield


@contextlib.contextmanager
def _taken() -> Iterator[None]:
    STANCE.take()
    try:
        yield
    finally:
        STANCE.give_back()


def has_compiled(tree: ModuleTree) -> bool:
    """Whether the model or one of its modules is compiled."""
    return any(is_compiled(node.module) for node in tree.objects())


def is_traced() -> bool:
    """Whether torch writes down what runs here, as a graph: `torch.jit.trace`, `torch.export`, `make_fx`."""
    if torch._C._get_tracing_state() is not None or torch.compiler.is_compiling():
        return True
    return torch._C._len_torch_dispatch_stack() > 0 and torch._C._get_dispatch_mode(_PROXY) is not None


@contextlib.contextmanager
def pause_tracing() -> Iterator[None]:
    """For a while `torch.jit.trace` writes nothing down, and sizes are numbers."""
    state = torch._C._get_tracing_state()
    _jit._set_tracing_state(None)
    try:
        yield
    finally:
        _jit._set_tracing_state(state)


def untraced(function: Function) -> Function:
    """Let the compiler break its graph at this function, as at one of `torch.compiler.disable`; for what may be met by
    code that is being compiled in spite of the stance, on a thread that was in a call when it was taken."""
    marked: Any = function
    marked._torchdynamo_disable = True
    marked._torchdynamo_disable_msg = "inspector looks on here: compile before its block, and open that around the call"
    return function


def _force_eager() -> Any:
    """What puts the stance back. Imports the compiler where nobody has yet: what is compiled for the first time while
    hooks of ours are on would else have them in its code. That import names a folder in the environment, which the
    compiler names again when it needs one."""
    named = _CACHE in os.environ
    former = torch.compiler.set_stance("force_eager")
    if not named:
        os.environ.pop(_CACHE, None)
    return former


def _refuse_inside_compiled() -> None:
    """Asked of the interpreter, as `set_stance` does, and before the compiler meets `set_stance` in our code."""
    if torch._C._dynamo.eval_frame.get_eval_frame_callback() not in (None, False):
        raise InspectorError(
            "a block cannot be opened inside compiled code, which would ignore it",
            hint="open it around the call of the compiled function",
        )
