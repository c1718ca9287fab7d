"""Steps: the calls of a model within one pass or one `with` block, counted from 0. A batch is a step, and so is a token
that `generate` makes."""

from __future__ import annotations

import itertools
import sys
import threading
from collections.abc import Callable
from types import FrameType
from typing import Any

import torch
from torch import nn

from ..torch_hooks.blocks import Block
from ..torch_hooks.eager import untraced
from ..torch_hooks.ours import OurHandle, OurHook, register
from .graphs import in_backward

_CALL = nn.Module._call_impl.__code__


class _Here(threading.local):
    """Of the step that this thread began last; until then, that it began none."""

    number = -1
    graded = True


class StepCounter:
    """Counts the calls of one module, the root; a call of it within another one begins no step.

    Args:
        before: Is called before each step begins.
        block: The block whose calls are counted; None for every call.
    """

    def __init__(self, before: Callable[[], object] = lambda: None, block: Block | None = None) -> None:
        self._before = before
        self._block = block
        self.start()

    def start(self) -> None:
        """Another pass begins: count from 0."""
        self.count = 0  # steps that began
        self.unit = ""  # "batch" or "token" where there will be several
        self._numbers = itertools.count()  # two threads never get the same
        self._here = _Here()

    @property
    def number(self) -> int:
        """The step that this thread began last; on a thread that began none, the one that began last of all."""
        number = self._here.number
        return number if number >= 0 else max(self.count - 1, 0)

    @property
    def may_run_backward(self) -> bool:
        """Whether a backward pass may come to the calls of this thread's step. Within it, checkpointing may compute
        without gradients for now."""
        return self._here.graded

    def counts(self, root: nn.Module) -> bool:
        """Whether this call of the root, from a hook of which it is asked, begins a step. Where checkpointing computes
        the model again, none does."""
        return (self._block is None or self._block.sees()) and not in_backward() and not is_within_call(root)

    def begin(self) -> None:
        """The root is about to be called."""
        self._before()
        self._here.number = next(self._numbers)
        self._here.graded = torch.is_grad_enabled()
        self.count = self._here.number + 1

    def register(self, root: nn.Module) -> OurHandle | None:
        """Count the calls of `root` from now on, before any other hook of it runs. None where it refuses hooks: then
        all is one step."""
        try:
            return register(root.register_forward_pre_hook, StepHook(self, root), prepend=True)
        except Exception:  # scripted modules refuse, and so may any override of register_*
            return None


class StepHook(OurHook):
    """What torch calls before the root. It counts nothing on another module, such as a copy that shares the dict."""

    def __init__(self, counter: StepCounter, root: nn.Module) -> None:
        super().__init__()
        self._counter = counter
        self._root = root

    @untraced
    def __call__(self, module: nn.Module, args: tuple[Any, ...]) -> None:
        if module is self._root and self._counter.counts(module):
            self._counter.begin()


def is_within_call(module: nn.Module) -> bool:
    """Whether a hook of `module` runs in a call of it that is within another one, on this thread."""
    calls = 0
    frame: FrameType | None = sys._getframe(1)
    while frame is not None and calls < 2:
        calls += frame.f_code is _CALL and frame.f_locals.get("self") is module
        frame = frame.f_back
    return calls == 2
