"""Asks for sizes of the batch, and shows below them what a step of each holds in memory."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import ClassVar

from textual.app import ComposeResult
from textual.content import Content

from ....records import MemoryEstimate, Problem
from ....report.memory import render_memory
from ...drawing.wrap import Line
from ..completions import OPTIMIZERS, complete_function
from ..fields import Field, Tick
from .asking_form import AskingForm
from .batches import name_faults

MOST = 1_000_000
NONE = "none"
ABOUT = (
    "Runs a step on tensors that have shapes and no memory, for each size of the batch, and says what is held when it "
    "is most: for what, in which module, and the largest batch that fits into what is free."
)


@dataclass(frozen=True)
class Wanted:
    """What is asked of the engine."""

    batches: tuple[int, ...] = (1, 8, 32)
    backward: bool = False
    optimizer: str = ""
    measured: bool = False


Ask = Callable[[Wanted], Awaitable[MemoryEstimate | Problem]]


class MemoryDialog(AskingForm[Wanted, MemoryEstimate]):
    """Stays, for other sizes.

    Args:
        now: What was asked last.
        ask: Asks the engine.
        cancel: Stops what it was asked for.
        ascii: Draw with ASCII characters only.
    """

    heading = "Memory of a step at its peak"
    help_page = "Memory of a step"
    hints: ClassVar[dict[str, str]] = {
        "accept": "Estimate", "complete": "Complete", "tick": "Tick", "leave": "Close",
    }  # fmt: skip

    about = ABOUT

    def __init__(self, now: Wanted, ask: Ask, cancel: Callable[[], object], ascii: bool = False) -> None:
        super().__init__(ask, cancel, ascii)
        sizes = ",".join(map(str, now.batches))
        self._sizes = Field("Batch", sizes, "examples in a step", "1,8,32")
        complete = lambda begun: complete_function(begun, NONE, *OPTIMIZERS)  # noqa: E731 - as in other forms
        self._optimizer = Field("Optimizer", now.optimizer, "its state and step", "none, or Adam()", complete=complete)
        self._backward = Tick("A backward pass", now.backward)
        self._measured = Tick("Run it, on real tensors: for a model that looks at values", now.measured)

    def fields(self) -> ComposeResult:
        yield from (self._sizes, self._backward, self._optimizer, self._measured)

    def read(self) -> Wanted:
        sizes, optimizer = self._sizes.value.replace(" ", "").split(","), self._optimizer.value.strip()
        if not all(size.isascii() and size.isdigit() and len(size) < 9 and 1 <= int(size) <= MOST for size in sizes):
            raise ValueError(f"sizes of the batch are whole numbers from 1 to {MOST:,}: 1,8,32")
        optimizer = "" if optimizer == NONE else optimizer
        if fault := name_faults("", optimizer, ""):
            raise ValueError(fault)
        if optimizer and not self._backward.ticked:
            raise ValueError("an optimizer needs the backward pass: tick it")
        return Wanted(tuple(map(int, sizes)), self._backward.ticked, optimizer, self._measured.ticked)

    def show_answer(self, wanted: Wanted, answer: MemoryEstimate, width: int) -> list[Line]:
        lines = render_memory(answer, width).splitlines()
        return [Line(Content.styled(line, "bold" if line.startswith("peak ") else "")) for line in lines]
