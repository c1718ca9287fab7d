"""What modules cost: time, FLOPs and memory, measured on request."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta

from .base import Count, Milliseconds, Row
from .messages import Event, ModelRequest

MOST_PASSES = 1_000


class Cost(Row, frozen=True):
    """Of one call, or of all calls of a module: with everything in it, and `own` without the modules in it."""

    ms: Milliseconds
    own_ms: Milliseconds  # of a module around others with a few microseconds for each mark at these
    flops: Count | None  # as torch counts them, a multiplication and an addition are two; None where not counted
    own_flops: Count | None
    activations: Count  # bytes of tensors that were given, each piece of memory once
    own_activations: Count  # of those that it gave and no module in it
    backward_ms: Milliseconds | None = None  # of the nodes of the graph that it made; None without a backward pass
    own_backward_ms: Milliseconds | None = None
    backward_flops: Count | None = None
    own_backward_flops: Count | None = None


class CostRow(Row, frozen=True):
    """All calls of one module."""

    module: Count
    calls: Count
    cost: Cost


class CallCost(Row, frozen=True):
    """One call, the `call`th of its module in the pass."""

    module: Count
    call: Count
    cost: Cost


class MeasureCosts(ModelRequest, frozen=True):
    """Time so many passes like the last one, with their backward pass, and count in two more. `Work` comes before the
    reply: `Costs`."""

    passes: Annotated[int, Meta(ge=1, le=MOST_PASSES)] = 5


class Costs(Event, frozen=True):
    """What every module that was called costs, and every call where those are not too many. Times are medians of
    `passes`, without the first one; they add up."""

    generation: Count
    rows: tuple[CostRow, ...]  # ascending
    calls: tuple[CallCost, ...]  # in order of their entry
    ms: Milliseconds  # of all calls that no other call is around
    passes: Count
    clock: Literal["host", "events", "waiting"]  # this process, events on a CUDA stream, or waiting for each device
    uncounted: tuple[str, ...] = ()  # operations that torch has no formula for: they count nothing
    flops_problem: str = ""  # why FLOPs are not known
    notes: tuple[str, ...] = ()
    backward_ms: Milliseconds | None = None  # like `ms`; None without a backward pass
