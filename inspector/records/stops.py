"""Where a pass shall stand still, and what is asked of one that does."""

from __future__ import annotations

from typing import Literal

from .base import Count, Path, Record
from .messages import Event, ModelRequest
from .passes import Problem, StopOn
from .values import Value

GoOn = Literal["continue", "module", "into", "over", "out", "abort"]
"""How far it goes on: to the next stop; to the next call of any module; to the next line of the model's code, or the
next module without any; to the next line here or further out; further out; or not at all."""


class Stop(Record, frozen=True):
    """Where and when a pass stands still. With `log` it only writes what that expression is, and goes on."""

    id: Count  # given by whoever sets it; 0 is none
    on: StopOn = "before"
    path: Path = ()
    call: Count | None = None  # only that call of the module in a step, from 0; of a line, that time that it runs
    step: int | str | None = None  # only that call of the whole model, from 0; "2:5" are 2, 3 and 4
    when: str = ""  # a condition on a tensor of the value: "nan > 0", "shape[1] != 64"; of a line any expression there
    log: str = ""
    timeout: float = 0.0  # seconds after which it goes on by itself; 0 for never
    enabled: bool = True
    file: str = ""  # of a line
    line: Count = 0
    everywhere: bool = False  # a line also where other modules run it


class StopRow(Record, frozen=True):
    """A stop, and what became of it in the last pass or the running one."""

    stop: Stop
    hits: Count = 0
    fault: str = ""  # why it could not be told whether to stop


class Stops(Event, frozen=True):
    """All of them. Reply to `SetStops`; told unasked when one was hit, and when a pass is over."""

    generation: Count
    rows: tuple[StopRow, ...] = ()


class NamedValue(Record, frozen=True):
    """What the prompt calls a value, and what it is now."""

    name: str
    value: Value


class Paused(Event, frozen=True):
    """The running pass stands still. Its values are what they were when it stopped."""

    generation: Count
    number: Count  # of the times it stood still in this pass, from 1
    stop: Count  # the id of the stop; 0 where it only went on step by step
    on: StopOn
    path: Path
    call: Count = 0  # of the module in its step
    step: Count = 0
    why: str = ""  # what its condition found, or what was raised
    recomputed: bool = False  # by checkpointing, in the backward pass
    values: tuple[NamedValue, ...] = ()
    timeout: float = 0.0
    file: str = ""  # of a line
    line: Count = 0
    text: str = ""  # that line
    program: bool = False  # not a pass but the program around: it goes on when the app is closed, and passes may run


class Resumed(Event, frozen=True):
    """It goes on. `why` says it where nobody asked for that."""

    generation: Count
    why: str = ""


class SetStops(ModelRequest, frozen=True):
    """These are the stops from now on, also for the running pass. Reply: `Stops`, or `Failed` with nothing done."""

    stops: tuple[Stop, ...]


class GoOnWith(ModelRequest, frozen=True):
    """Let the pass that stands still go on, or the program around: where that stands still next it comes with an
    `Opened` again. Reply: `Done`."""

    how: GoOn = "continue"


class InPause(ModelRequest, frozen=True):
    """Carried out by the thread that stands still; in frames of what was raised, by the one that runs passes."""


class Evaluate(InPause, frozen=True):
    """Run a line of Python where the pass stands still: an expression, or a statement. Reply: `Evaluated`."""

    text: str
    frame: int = -1  # of the stack; -1 is where it stands still


class Evaluated(Event, frozen=True):
    """What a line gave, None for a statement, or what it raised; and the values there as they are now."""

    value: Value | None = None
    problem: Problem | None = None
    values: tuple[NamedValue, ...] = ()
    changed: tuple[str, ...] = ()  # names that mean something else now


class CompleteLine(InPause, frozen=True):
    """What a line that was begun may go on to. Reply: `Completed`."""

    text: str
    frame: int = -1


class Completed(Event, frozen=True):
    """Whole lines."""

    lines: tuple[str, ...] = ()
