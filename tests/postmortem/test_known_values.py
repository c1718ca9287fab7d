"""A container that comes again is written down once, and read back where it was."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import msgspec
import pytest
import torch
from torch import Tensor, nn

from inspector.engine.modules.tree import walk
from inspector.engine.recording.observers import Observers
from inspector.engine.recording.recorder import Recorder
from inspector.engine.values.summarize import Summarizer
from inspector.postmortem import read as reading
from inspector.postmortem import record
from inspector.postmortem.record import ENTRIES, FAULTS, HEADER, LENGTH, CallLog, Entered, Left
from inspector.records import MappingValue, NoneValue, SequenceValue, Value
from inspector.records.known_values import MOST, Restorer, Shortener
from inspector.records.values import KnownValue

EMPTY = MappingValue("dict", (), (), 0)


@pytest.fixture
def fd() -> Iterator[int]:
    with tempfile.TemporaryFile() as file:
        yield file.fileno()


def used(fd: int) -> int:
    return int(HEADER.unpack(os.pread(fd, HEADER.size, FAULTS))[1])


def cache(layers: int = 32) -> SimpleNamespace:
    return SimpleNamespace(layers=[SimpleNamespace(k=torch.randn(2), v=torch.randn(2)) for _ in range(layers)])


def entered(start: int, *inputs: Value, kwargs: MappingValue = EMPTY) -> Entered:
    return Entered(start, 0, start, 0, ("m",), "M", inputs, kwargs)


def test_what_comes_again_is_a_number_and_read_back_whole(fd: int) -> None:
    summarizer, held, log = Summarizer(), cache(), CallLog(fd)
    log.begin("the forward pass", 1, 1)
    values = []
    for start in range(20):
        held.layers[start].k = torch.randn(3)
        values.append(summarizer.describe(held))
        log.enter(entered(2 * start, values[-1], kwargs=MappingValue("dict", ("cache",), (values[-1],), 1)))
        log.leave(Left(2 * start, 2 * start + 1, 0.0, "ok", values[-1]))
    plain = sum(len(msgspec.msgpack.encode(value)) for value in values) * 3
    assert used(fd) < plain / 12
    calls = reading.read(fd).calls
    assert [call.inputs[0] for call in calls] == values == [call.output for call in calls]
    assert all(call.inputs[0] is call.output is call.kwargs.items[0] for call in calls)
    first, second = (call.output.items[0] for call in calls[:2] if isinstance(call.output, MappingValue))
    assert isinstance(first, SequenceValue) and isinstance(second, SequenceValue)
    assert sum(one is other for one, other in zip(first.items, second.items, strict=True)) == 31


def test_a_pass_that_is_cut_off_tells_what_it_saw(fd: int) -> None:
    class Layer(nn.Module):
        def forward(self, x: Tensor, past: Any) -> Any:
            past.layers[0].k = x + 1
            return x, past

    class Model(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.layers = nn.ModuleList(Layer() for _ in range(5))

        def forward(self, x: Tensor, past: Any) -> Any:
            for layer in self.layers:
                x, past = layer(x, past=past)
            return x, past

    log, tree = CallLog(fd), walk(Model())
    observers, recorder = Observers(tree), Recorder(tree, call_log=log)
    for node in tree.objects():
        observers.add(node)
    log.begin("the forward pass", 1, 1)
    observers.recorder = recorder
    tree.root(torch.ones(2), cache())
    observers.remove_all()
    told = [(call.inputs, call.kwargs, call.output) for call in recorder.calls]
    assert len(told) == 6
    assert [(call.inputs, call.kwargs, call.output) for call in reading.read(fd).calls] == told


def test_the_next_step_and_the_next_pass_refer_to_nothing_before(fd: int) -> None:
    value, log = Summarizer().describe(cache()), CallLog(fd)
    for _ in range(2):
        log.begin("the forward pass", 1, 1)
        log.enter(entered(0, value))
        log.begin_step()
        log.enter(entered(1, value))
        left = reading.read(fd)
        assert not left.damaged and [call.inputs for call in left.calls] == [(value,)]
        log.end()


@pytest.mark.parametrize("reason", ["no room", "no text"])
def test_what_was_not_written_is_not_referred_to(reason: str, fd: int, monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (record, reading):
        monkeypatch.setattr(module, "ROOM", FAULTS + 8 * 4096)
    log, small, large = CallLog(fd), Summarizer().describe(cache(2)), Summarizer().describe(cache(100))
    lost = SequenceValue("list", (large,) * 2, 2) if reason == "no room" else SequenceValue("\ud800", (large,), 1)
    log.begin("the forward pass", 1, 1)
    log.enter(entered(0, small))
    if reason == "no room":
        many = SequenceValue("list", tuple(Summarizer().describe(cache(100)) for _ in range(4)), 4)
        log.enter(entered(1, many))
        lost = many.items[0]
        assert reading.read(fd).lost == 1
    else:
        with pytest.raises(UnicodeEncodeError):
            log.enter(entered(1, lost))
        lost = large
    log.enter(entered(2, small, lost))
    log.enter(entered(3, lost))
    left = reading.read(fd)
    assert not left.damaged and [call.inputs for call in reversed(left.calls)] == [(small,), (small, lost), (lost,)]


@pytest.mark.parametrize("number", [0, 5, 2**60])
def test_a_number_that_nobody_told_is_damage(number: int, fd: int) -> None:
    log = CallLog(fd)
    log.begin("the forward pass", 1, 1)
    log.enter(entered(0, NoneValue()))
    body = msgspec.msgpack.encode(entered(1, KnownValue("list", "", number)))
    first = FAULTS + ENTRIES + used(fd)
    os.pwrite(fd, LENGTH.pack(len(body)) + body, first)
    os.pwrite(fd, HEADER.pack(1, used(fd) + LENGTH.size + len(body), 0), FAULTS)
    left = reading.read(fd)
    assert left.damaged and len(left.calls) == 1


def test_a_value_that_grows_by_its_own_numbers_is_refused() -> None:
    restorer = Restorer()
    restorer.restore(SequenceValue("list", (NoneValue(),) * 100, 100))
    with pytest.raises(ValueError, match=f"more than {MOST}"):
        for number in range(10):
            restorer.restore(SequenceValue("list", (KnownValue("list", "", number),) * 100, 100))


def test_small_values_are_left_as_they_are() -> None:
    shortener, value = Shortener(), Summarizer().describe(torch.ones(2))
    assert shortener.shorten(value) is value is Restorer().restore(value)
    assert shortener.shorten(value) is value
