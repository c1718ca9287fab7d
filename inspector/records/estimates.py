"""How much memory a step of the model takes at its peak, for several sizes of a batch."""

from __future__ import annotations

from typing import Literal

from msgspec import field

from .base import Count, Path, Record
from .messages import Event, ModelRequest
from .passes import Problem

Phase = Literal["forward", "loss", "backward", "optimizer"]


class MemoryPeak(Record, frozen=True):
    """The moment of a step when most is held on one device. Sizes are bytes."""

    device: str
    total: Count
    sizes: dict[
        str, Count
    ]  # by what it is for: parameters, buffers, input, gradients, optimizer, activations, temporary
    phase: Phase
    path: Path | None = None  # the module that runs then, or whose part of the graph the backward pass is at
    fits: bool | None = None  # into what is free there; None where nothing tells
    allocated: Count | None = None  # what torch's allocator says of the same step, on a GPU and where it really ran


class MemoryRow(Record, frozen=True):
    """One size of the batch: `peaks` by device, the largest first, or the `problem` that there is instead."""

    batch: Count
    input: str  # in words
    peaks: tuple[MemoryPeak, ...] = ()
    problem: Problem | None = None


class EstimateMemory(ModelRequest, frozen=True):
    """Run a step for each of these sizes of the batch, on fake tensors, and count what they would hold. Event: `Work`.
    Reply: `MemoryEstimate`."""

    batches: tuple[Count, ...]
    backward: bool = False
    loss: str = ""  # as for `Run`
    optimizer: str = ""
    measured: bool = False  # on real tensors


class MemoryEstimate(Event, frozen=True):
    """Reply to `EstimateMemory`, also when it was cancelled: `rows` are those until then."""

    generation: Count
    rows: tuple[MemoryRow, ...]
    step: str  # what was run, in words: "forward", "forward, backward and SGD(lr=0.01)"
    measured: bool = False
    complete: bool = True
    free: dict[str, Count] = field(default_factory=dict)  # bytes by device, where something tells
    largest: Count | None = None  # batch that would fit, tried; None where nothing tells, 0 where none does
    notes: tuple[str, ...] = ()
