"""Asks what counts as bad, and shows below where the first of it came from."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import ClassVar

from textual.app import ComposeResult
from textual.content import Content

from ....records import FirstBadValue, Problem
from ....report.first_bad import render_first_bad
from ...drawing.styles import DIM, ERROR
from ...drawing.wrap import Line
from ..completions import complete_condition, complete_loss
from ..fields import Field, Tick
from .asking_form import AskingForm
from .batches import LOSSES, name_faults

_BEHIND = {
    "parameter": "Close this to see it among the parameters.",
    "forward": "Close this to see the line with its values.",
    "backward": "Close this to see the line that it belongs to.",
}
"""What the app shows behind the form, by where it was found."""


@dataclass(frozen=True)
class Wanted:
    """What is asked of the engine."""

    condition: str = ""
    backward: bool = False
    loss: str = "mean"
    everything: bool = False


class FirstBadDialog(AskingForm[Wanted, FirstBadValue]):
    """Stays, to look for something else.

    Args:
        now: What was asked last.
        ask: Asks the engine.
        cancel: Stops what it was asked for.
        ascii: Draw with ASCII characters only.
    """

    heading = "The first bad value"
    help_page = "The first bad value"
    about = (
        "Runs one pass and looks at every operation: of what an output, the loss or a gradient holds in the end, where "
        "it began. Infinities of masks are nothing bad."
    )
    hints: ClassVar[dict[str, str]] = {
        "accept": "Look", "complete": "Complete", "tick": "Tick", "leave": "Close",
    }  # fmt: skip

    def __init__(
        self,
        now: Wanted,
        ask: Callable[[Wanted], Awaitable[FirstBadValue | Problem]],
        cancel: Callable[[], object],
        ascii: bool = False,
    ) -> None:
        super().__init__(ask, cancel, ascii)
        self._condition = Field(
            "Bad is", now.condition, "else NaN and Inf", "zeros > 0.99", complete=complete_condition
        )
        self._backward = Tick("In the loss and the backward pass too", now.backward)
        complete = lambda begun: complete_loss(begun, *LOSSES)  # noqa: E731 - as in other forms
        self._loss = Field("Loss", now.loss, "its start", ", ".join(LOSSES), complete=complete)
        self._everything = Tick("Also what comes to no output, loss or gradient", now.everything)

    def fields(self) -> ComposeResult:
        yield from (self._condition, self._backward, self._loss, self._everything)

    def read(self) -> Wanted:
        loss = self._loss.value.strip()
        if fault := name_faults(loss, "", ""):
            raise ValueError(fault)
        return Wanted(self._condition.value.strip(), self._backward.ticked, loss or "mean", self._everything.ticked)

    def show_answer(self, wanted: Wanted, answer: FirstBadValue, width: int) -> list[Line]:
        heading, *rest = render_first_bad(answer, width, wanted.condition).splitlines()
        styled = Content.styled(heading, f"{ERROR} bold" if answer.found else "bold")
        is_there = answer.found and (answer.place is not None or answer.phase == "parameter")
        behind = _BEHIND.get(answer.phase, "") if is_there else ""
        lines = [Line(styled), *(Line(Content(line)) for line in rest)]
        return [*lines, Line(Content.styled(behind, DIM))] if behind else lines
