"""A sweep: one place after another is altered in a run, and it is measured what that does."""

from __future__ import annotations

from .base import Count, Milliseconds, Record, Row
from .messages import Event, ModelRequest


class SweepRow(Row, frozen=True):
    """What one metric says of one place. Not a number where the run failed, which `fault` tells."""

    place: str  # the module's dotted path; "(root)" is the model itself
    where: str  # the part of its output, or input, that was altered; "" for all of it
    column: str  # the same among the parts of this module, short: the token, the head
    metric: str
    value: float
    delta: float  # from the corrupted run
    recovered: float | None  # of the way from the corrupted run to the clean one; None without a clean one
    fault: str = ""


class SweepHead(Record, frozen=True):
    """What is known before the first place: of every metric its name, and what it says of the runs as they are."""

    metrics: tuple[str, ...]
    clean: tuple[float, ...] | None  # None without a clean run
    corrupted: tuple[float, ...]
    places: Count  # to be altered, one after another
    hook: str  # what is done there: "patch", "zero()"
    where: tuple[str, ...] = ()  # parts of each, as they were asked for


class RunSweep(ModelRequest, frozen=True):
    """Alter one place after another. Events: `SweepBegan`, `SweepRows`. Reply: `SweepEnded`."""

    over: tuple[str, ...]  # modules, as hooks name them
    where: tuple[str, ...] = ()  # parts of their outputs: "[:, -1]"; with a star one after another: "[:, *]"
    hook: str = ""  # what is done at a place; "" puts in what the clean run had there
    on: str = "output"  # or "input": what is put in, where nothing else is done
    metric: str = "mean"
    clean: tuple[str, ...] = ()  # the input of the clean run, as after -i; without one nothing is recovered
    corrupted: tuple[str, ...] = ()  # of the one that is altered, drawn from the seed after; else the sample input


class SweepBegan(Event, frozen=True):
    generation: Count
    head: SweepHead


class SweepRows(Event, frozen=True):
    """A chunk; `done` places of all are measured."""

    generation: Count
    rows: tuple[SweepRow, ...]
    done: Count


class SweepEnded(Event, frozen=True):
    """Reply to `RunSweep`, also when it was cancelled: what was measured until then has come."""

    generation: Count
    complete: bool
    ms: Milliseconds
    notes: tuple[str, ...] = ()  # what a run changed and could not be put back
