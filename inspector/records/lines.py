"""What each line of a forward made, in one call of a module."""

from __future__ import annotations

from .base import Count, Path, Record
from .messages import Event, ModelRequest
from .queries import Missing, Source
from .values import Value


class GetLines(ModelRequest, frozen=True):
    """What each line of a module's forward made in one call of the last pass. Reply: `CallLines`, fetched as for
    `GetCalls` by a pass in the background where the last one took under a second (or `force`)."""

    path: Path
    call: Count | None = None  # which of the module's in the step that is looked at; None for the last
    frame: Count = 0  # 0 for the forward, else a function that it called: see `LineCall`
    force: bool = False


class LineValue(Record, frozen=True):
    """What a line bound to a name, or changed in place."""

    name: str  # "out", "self.state"; "return" and "yield" for what the function gave
    value: Value
    in_place: bool = False


class CodeSpan(Record, frozen=True):
    """From where to where something is written in its file: lines from 1, columns in characters from 0. The last line
    is part of it, the last column is not."""

    line: Count
    column: Count
    end_line: Count
    end_column: Count


class LineCall(Record, frozen=True):
    """A call, an operator or a subscript on a line, and what it gave."""

    expression: str  # as it is written; "" where Python does not tell
    value: Value
    frame: Count = 0  # by which `GetLines` shows what its lines made; 0 where they were not seen
    span: CodeSpan | None = None  # of the expression; None where Python does not tell (before 3.11)


class LineVisit(Record, frozen=True):
    """One time that a line ran. `order` counts the lines that ran in its frame."""

    number: Count  # of the visits of this line, from 0
    order: Count
    values: tuple[LineValue, ...] = ()
    calls: tuple[LineCall, ...] = ()  # as they returned
    error: str = ""  # that it raised


class LineRuns(Record, frozen=True):
    """A line that ran, up to the last one of its statement. Of very many visits the first, the last, and those with NaN
    or Inf are kept."""

    line: Count
    visits: Count
    kept: tuple[LineVisit, ...]
    end_line: Count = 0


class CallLines(Event, frozen=True):
    """The lines of one call. Without any, `note` or `missing` says why."""

    generation: Count
    path: Path
    call: Count = 0  # which of the module's in the step
    total: Count = 0  # calls of the module in that step
    number: Count = 0  # of the pass
    frame: Count = 0
    file: str = ""
    lines: tuple[LineRuns, ...] = ()  # in the order in which they stand
    unreached: tuple[Count, ...] = ()  # lines of the same function that hold code and did not run
    source: Source | None = None  # of the function, where it is not the forward
    recomputed: bool = False  # by activation checkpointing, in the backward pass
    missing: Missing = ""
    note: str = ""
