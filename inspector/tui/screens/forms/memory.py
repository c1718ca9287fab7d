"""Asks for sizes of the batch, and shows below them what a step of each holds in memory."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import ClassVar

from textual.app import ComposeResult
from textual.content import Content

from ....records import MemoryEstimate, Problem
from ....report.memory import render_memory
from ...drawing.lines import LineView, Page
from ...drawing.problem import message, problem_lines
from ...drawing.styles import DIM
from ...drawing.wrap import Line
from ...keys import key_of
from ..completions import OPTIMIZERS, complete_function
from ..fields import Field, Tick
from .batches import name_faults
from .small_form import SmallForm

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


class MemoryDialog(SmallForm[Wanted]):
    """Stays, for other sizes.

    Args:
        now: What was asked last.
        ask: Asks the engine.
        cancel: Stops what it was asked for.
        ascii: Draw with ASCII characters only.
    """

    heading = "Memory of a step at its peak"
    help_page = "Memory of a step"
    keeps_room = False
    hints: ClassVar[dict[str, str]] = {
        "accept": "Estimate", "complete": "Complete", "tick": "Tick", "leave": "Close",
    }  # fmt: skip

    VERTICAL_BREAKPOINTS = [(0, "-low"), (30, "-tall")]  # noqa: RUF012 (Textual's type)
    DEFAULT_CSS = """
    MemoryDialog > #layer { height: 90%; max-width: 100; }
    MemoryDialog.-tall LineView { margin-top: 1; }
    """

    def __init__(self, now: Wanted, ask: Ask, cancel: Callable[[], object], ascii: bool = False) -> None:
        super().__init__()
        self._ask = ask
        self._cancel = cancel
        self._asking = False
        self._found: MemoryEstimate | Problem | None = None
        sizes = ",".join(map(str, now.batches))
        self._sizes = Field("Batch", sizes, "examples in a step", "1,8,32")
        complete = lambda begun: complete_function(begun, NONE, *OPTIMIZERS)  # noqa: E731 - as in other forms
        self._optimizer = Field("Optimizer", now.optimizer, "its state and step", "none, or Adam()", complete=complete)
        self._backward = Tick("A backward pass", now.backward)
        self._measured = Tick("Run it, on real tensors: for a model that looks at values", now.measured)
        self._view = LineView(self._page)
        self._view.ascii = ascii

    def fields(self) -> ComposeResult:
        yield from (self._sizes, self._backward, self._optimizer, self._measured)

    def below(self) -> ComposeResult:
        yield from super().below()
        yield self._view

    def action_leave(self) -> None:
        if self._asking:
            self._cancel()
        self.dismiss(None)

    def take(self, read: Wanted) -> None:
        self.say_fault("")
        if not self._asking:
            self._asking = True
            self._view.renew(0)
            self.run_worker(self._carry_out(read), name="estimate")

    async def _carry_out(self, wanted: Wanted) -> None:
        try:
            self._found = await self._ask(wanted)
        finally:
            self._asking = False
        if self.is_shown:
            self._view.renew(0)

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

    def _page(self, width: int) -> Page:
        if self._asking:
            return Page(message(f"the engine is at it  {key_of('interrupt')} stops it"))
        if self._found is None:
            return Page([Line(Content.styled(ABOUT, DIM))])
        if isinstance(self._found, Problem):
            return Page(problem_lines(self._found))
        lines = render_memory(self._found, width).splitlines()
        return Page([Line(Content.styled(line, "bold" if line.startswith("peak ") else "")) for line in lines])
