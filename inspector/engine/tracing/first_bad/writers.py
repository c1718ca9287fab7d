"""Which line wrote what is bad without an operation that Python called: by numpy, another library, or a property such
as `real`. Torch tells of none of them, so the lines of another pass are gone through, and what variables and modules
hold is looked at between them."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from types import CodeType, FrameType
from typing import NamedTuple

import torch
from torch import Tensor, nn

from ....records import TensorValue
from ...frames.variables import read_first_argument
from ...hooks.steps import StepCounter
from ...modules.tree import ModuleTree
from ...stepping.tracer import LineTracer
from ...values.unwrap import PLAIN
from ..forwards import AllForwards
from ..helpers import TORCH
from .badness import Look
from .causes import memory_of
from .module_calls import ModuleCall

_MOST = 20_000
"""Lines that are looked behind."""


class Writer(NamedTuple):
    """A line, and the call of a module that ran it."""

    code: CodeType
    line: int
    call: ModuleCall
    step: int


class WriterWatch:
    """Looks from `with` to its end. `found` is the first line behind which something of this shape is bad that was fine
    before it, and that no operation made so.

    Args:
        tree: The model.
        value: What is bad: others are not looked at.
        look: Says what is bad.
        is_known: Whether an operation made it so.
        where: The call of a module that runs, and the step.
    """

    def __init__(
        self,
        tree: ModuleTree,
        value: TensorValue,
        look: Look,
        is_known: Callable[[Tensor], bool],
        where: Callable[[], tuple[ModuleCall, int]],
    ) -> None:
        self.found: Writer | None = None
        self._value = value
        self._look = look
        self._is_known = is_known
        self._where = where
        self._lines: dict[FrameType, int] = {}  # that run, of frames that do
        self._fine: dict[FrameType, set[int]] = {}  # memory that was fine before that
        self._left = _MOST
        forwards = AllForwards(tree, 0, lambda: None, StepCounter())
        codes = (*forwards.codes.values(), *forwards.helpers)
        self._tracer = LineTracer(self, [each for each in codes if not each.co_filename.startswith(TORCH)])

    def __enter__(self) -> WriterWatch:
        self._tracer.__enter__()
        return self

    def __exit__(self, *ended: object) -> None:
        self._tracer.__exit__()
        self._lines.clear()
        self._fine.clear()

    def entered(self, frame: FrameType) -> bool:
        """As `LineObserver` has it."""
        return True

    def line(self, frame: FrameType, number: int) -> None:
        """As above."""
        self._look_behind(frame)
        self._lines[frame] = number

    def left(self, frame: FrameType, value: object) -> None:
        """As above."""
        self._look_behind(frame)
        self._lines.pop(frame, None)
        self._fine.pop(frame, None)

    def raised(self, frame: FrameType, error: BaseException | None) -> None:
        """As above."""
        self.left(frame, None)

    def _look_behind(self, frame: FrameType) -> None:
        if self.found is not None or self._left == 0:
            return
        self._left -= 1
        fine = self._fine.setdefault(frame, set())
        with torch._C.DisableTorchFunction():
            for tensor in self._held(frame):
                memory = memory_of(tensor)
                if not self._look(tensor):
                    fine.add(memory)
                elif memory in fine and frame in self._lines and not self._is_known(tensor):
                    self.found = Writer(frame.f_code, self._lines[frame], *self._where())
                    return

    def _held(self, frame: FrameType) -> Iterator[Tensor]:
        """In its variables, and in the module whose method it is."""
        held = [*dict(frame.f_locals).values()]
        own = read_first_argument(frame)
        if isinstance(own, nn.Module):
            held += [*nn.Module.parameters(own), *nn.Module.buffers(own)]
        for each in held:
            if type(each) in PLAIN and str(each.dtype) == f"torch.{self._value.dtype}" and self._fits(each):
                yield each

    def _fits(self, tensor: Tensor) -> bool:
        """A view of it may be written to, or the whole where a view is bad."""
        return tuple(tensor.shape) == self._value.shape or tensor.numel() == _count(self._value.shape)


def _count(shape: tuple[int, ...]) -> int:
    return torch.Size(shape).numel()


def describe_writer(writer: Writer) -> str:
    """What is known of it."""
    file = os.path.basename(writer.code.co_filename)
    by = "numpy, another library or a property"
    return f"line {writer.line} of {file} wrote it with no operation of torch's: by {by}"
