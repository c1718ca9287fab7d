"""Which clock goes with which devices, and that one which waits, waits."""

from __future__ import annotations

import pytest
import torch

from inspector.engine.costs.clocks import EventClock, HostClock, WaitingClock, clock_for

CPU, META, FIRST, SECOND, METAL = map(torch.device, ("cpu", "meta", "cuda:0", "cuda:1", "mps"))


@pytest.mark.parametrize(
    ("devices", "kind"),
    [
        ({CPU}, HostClock), ({META, CPU}, HostClock), (set(), HostClock), ({FIRST, CPU}, EventClock),
        ({FIRST, SECOND}, WaitingClock), ({METAL}, WaitingClock),
    ],
)  # fmt: skip
def test_a_clock_for_every_place(devices: set[torch.device], kind: type) -> None:
    assert type(clock_for(devices)) is kind


def test_marks_are_read_in_milliseconds() -> None:
    clock = HostClock()
    first, second = clock.read([1.0, 1.5])
    assert second - first == 500.0


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_events_see_what_the_device_does_after_the_call_returned() -> None:
    clock, large = EventClock(), torch.ones(4096, 4096, device="cuda")
    marks = [clock.now()]
    for _ in range(8):
        large = large @ large
        marks.append(clock.now())
    times = clock.read(marks)
    assert times[0] == 0 and times == sorted(times) and times[-1] > times[1] > 0
