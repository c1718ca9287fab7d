"""The first bad value of a pass: where something became NaN or infinite that was not."""

from __future__ import annotations

from typing import Literal

from .base import Count, Path, Record
from .messages import Event, ModelRequest
from .values import Value

Phase = Literal["input", "parameter", "forward", "loss", "backward"]


class FindFirstBad(ModelRequest, frozen=True):
    """Run once and look at every operation. Reply: `FirstBadValue`."""

    backward: bool = False  # look into the loss and the backward pass too
    loss: str = "mean"  # as for `Run`
    condition: str = ""  # what counts as bad: "zeros > 0.99"; "" for NaN and infinity
    everything: bool = False  # also what never reaches an output, a loss or a gradient


class CodeLine(Record, frozen=True):
    """A place in somebody's code."""

    file: str
    line: Count
    expression: str = ""


class FirstBadValue(Event, frozen=True):
    """Reply to `FindFirstBad`. Where nothing was `found`, the rest is empty."""

    generation: Count
    found: bool
    phase: Phase = "forward"
    path: Path = ()
    call: Count = 0  # which of the module's calls in the pass, from 0
    step: Count = 0
    place: CodeLine | None = None  # None for an input or a parameter, and where no code is known
    op: str = ""  # "torch.log"; of the backward pass the node: "SqrtBackward0"
    inputs: tuple[Value, ...] = ()
    output: Value | None = None
    parameters: tuple[str, ...] = ()  # that went in
    explanation: str = ""
    operations: Count = 0  # that were looked at
    notes: tuple[str, ...] = ()  # what the pass changed and could not be put back
