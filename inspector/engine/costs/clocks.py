"""What is read at every entry and exit of a module: how late it is, on the host or on a device."""

from __future__ import annotations

from collections.abc import Sequence
from time import perf_counter
from typing import Any, Literal, Protocol, TypeAlias

import torch

ClockName: TypeAlias = Literal["host", "events", "waiting"]


class Clock(Protocol):
    """`now` is quick, and what it gives is read once the pass is over."""

    def now(self) -> Any:
        """A mark."""

    def read(self, marks: Sequence[Any]) -> Sequence[float]:
        """What the marks stand for, counted from any beginning."""


class HostClock:
    """Milliseconds of this process; what a device does after a call returned is not waited for."""

    name: ClockName = "host"

    now = staticmethod(perf_counter)

    def read(self, marks: Sequence[float]) -> list[float]:
        return [mark * 1e3 for mark in marks]


class EventClock:
    """Milliseconds on the stream of a CUDA device, by events in it: gaps in which it waits for the host included."""

    name: ClockName = "events"

    def now(self) -> torch.cuda.Event:
        event = torch.cuda.Event(enable_timing=True)  # type: ignore[no-untyped-call]
        event.record()
        return event

    def read(self, marks: Sequence[torch.cuda.Event]) -> list[float]:
        torch.cuda.synchronize()
        return [marks[0].elapsed_time(mark) for mark in marks]


class WaitingClock(HostClock):
    """Milliseconds of this process, which waits at every mark until each device is done: for models on several."""

    name: ClockName = "waiting"

    def __init__(self, devices: Sequence[torch.device]) -> None:
        self._devices = devices

    def now(self) -> float:
        for device in self._devices:
            torch.accelerator.synchronize(device) if hasattr(torch, "accelerator") else torch.cuda.synchronize(device)
        return perf_counter()


def clock_for(devices: set[torch.device]) -> HostClock | EventClock | WaitingClock:
    """The clock for a model and an input whose tensors are on these devices."""
    busy = sorted((device for device in devices if device.type in ("cuda", "mps", "xpu")), key=str)
    if not busy:
        return HostClock()
    return EventClock() if len(busy) == 1 and busy[0].type == "cuda" else WaitingClock(busy)
