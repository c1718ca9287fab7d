"""A container that comes again is written down once, and read back where it was."""

from __future__ import annotations

import os
import struct
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
from inspector.postmortem.layout import (
    BODY,
    FAULTS,
    HEADER,
    LARGE,
    LEFT,
    NOTHING,
    ROOM,
    SLOT,
    SLOTS,
    Tag,
    container,
    find_middle,
)
from inspector.postmortem.record import CallLog
from inspector.postmortem.replay import DEEPEST
from inspector.records import MappingValue, NoneValue, OtherValue, ScalarValue, SequenceValue, Value

from ..call_log import Told, Writer

EMPTY = SequenceValue("list", (), 100)


@pytest.fixture
def fd() -> Iterator[int]:
    with tempfile.TemporaryFile() as file:
        yield file.fileno()


def used(fd: int) -> int:
    """Bytes that are not zero."""
    return sum(len(os.pread(fd, 1 << 20, at).replace(b"\0", b"")) for at in range(FAULTS, ROOM, 1 << 20))


def cache(layers: int = 32) -> SimpleNamespace:
    return SimpleNamespace(layers=[SimpleNamespace(k=torch.randn(2), v=torch.randn(2)) for _ in range(layers)])


def test_what_comes_again_is_a_number_and_read_back_whole(fd: int) -> None:
    summarizer, held, log = Summarizer(), cache(), Writer(fd)
    log.begin("the forward pass", 1, 1)
    values = []
    for start in range(20):
        held.layers[start].k = torch.randn(3)
        values.append(summarizer.describe(held))
        log.enters(2 * start, 0, "m", inputs=(values[-1],), kwargs=MappingValue("dict", ("cache",), (values[-1],), 1))
        log.leaves(2 * start, 2 * start + 1, values[-1])
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
    value, log = Summarizer().describe(cache()), Writer(fd)
    for _ in range(2):
        log.begin("the forward pass", 1, 1)
        log.enters(0, 0, "m", inputs=(value,))
        log.begin_step()
        log.enters(1, 0, "m", inputs=(value,))
        left = reading.read(fd)
        assert not left.damaged and [call.inputs for call in left.calls] == [(value,)]
        log.end()


@pytest.mark.parametrize("reason", ["no room", "no text"])
def test_what_was_not_written_is_not_referred_to(reason: str, fd: int, monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (record, reading):
        monkeypatch.setattr(module, "ROOM", FAULTS + 16 * 4096)
    log, small, large = Writer(fd), Summarizer().describe(cache(2)), Summarizer().describe(cache(100))
    lost: Value = SequenceValue("\ud800", (large,), 1)
    log.begin("the forward pass", 1, 1)
    log.enters(0, 0, "m", inputs=(small,))
    if reason == "no room":
        many = SequenceValue("list", tuple(OtherValue("Text", str(number) * 2_000) for number in range(30)), 30)
        log.enters(1, 0, "m", inputs=(many,))
        lost = many.items[0]
        assert reading.read(fd).lost == 1
    else:
        with pytest.raises(UnicodeEncodeError):
            log.enters(1, 0, "m", inputs=(lost,))
        lost = large
    log.enters(2, 0, "m", inputs=(small, lost))
    log.enters(3, 0, "m", inputs=(lost,))
    left = reading.read(fd)
    assert not left.damaged and [call.inputs for call in reversed(left.calls)] == [(small,), (small, lost), (lost,)]


def forge(fd: int, number: int, tag: Tag, slot: struct.Struct, *fields: float) -> None:
    """This slot, as somebody writes it who writes over memory."""
    mark, _ = HEADER.unpack(os.pread(fd, HEADER.size, FAULTS))
    os.pwrite(fd, slot.pack(*fields, mark + tag), FAULTS + SLOTS + number * SLOT)


def forge_body(fd: int, value: Value) -> int:
    """Where it is now."""
    at, body = find_middle(ROOM) + 1_000, msgspec.msgpack.encode(value)
    os.pwrite(fd, BODY.pack(len(body)) + body, FAULTS + at)
    return at


@pytest.mark.parametrize("where", [1, SLOTS, SLOTS + 5 * SLOT, find_middle(ROOM) + 10_000, 2**32 - 1])
def test_a_value_that_nobody_told_is_damage(where: int, fd: int) -> None:
    log = Writer(fd)
    log.begin("the forward pass", 1, 1)
    log.enters(0, 0, "m", inputs=(NoneValue(),))
    forge(fd, 1, Tag.CONTAINER, container(1), forge_body(fd, EMPTY), 1, where)
    left = reading.read(fd)
    assert left.damaged and len(left.calls) == 1


@pytest.mark.parametrize(("wide", "most"), [(20, 3), (1, DEEPEST)])
def test_a_value_that_grows_by_its_own_numbers_is_refused(wide: int, most: int, fd: int) -> None:
    Writer(fd).begin("the forward pass", 1, 1)
    empty = forge_body(fd, EMPTY)
    for number in range(most + 1):
        assert not reading.read(fd).damaged
        items = (SLOTS + (number - 1) * SLOT if number else empty,) * wide
        forge(fd, number, Tag.CONTAINER, container(wide), empty, wide, *items)
    assert reading.read(fd).damaged


def test_a_value_that_holds_itself_is_damage(fd: int) -> None:
    log = Writer(fd)
    log.begin("the forward pass", 1, 1)
    log.enters(0, 0, "m")
    at = forge_body(fd, EMPTY) + 1_000
    os.pwrite(fd, struct.pack("=IIII", LARGE + 2, at - 1_000, at, at), FAULTS + at)
    forge(fd, 1, Tag.LEFT, LEFT, 0, 1, 0.5, 0, at)
    left = reading.read(fd)
    assert left.damaged and [call.row.status for call in left.calls] == ["unfinished"]


def test_a_time_that_is_none_is_damage(fd: int) -> None:
    log = Writer(fd)
    log.begin("the forward pass", 1, 1)
    log.enters(0, 0, "m")
    forge(fd, 1, Tag.LEFT, LEFT, 0, 1, float("nan"), 0, NOTHING)
    left = reading.read(fd)
    assert left.damaged and [call.row.status for call in left.calls] == ["unfinished"]


def test_names_are_told_once_as_long_as_it_is_the_same_tree(fd: int) -> None:
    log = Writer(fd)
    before = 0
    for number in range(3):
        log.begin("the forward pass", 1, 1)
        log.enters(0, 0, "m", site=("/x/net.py", 7))
        assert [(call.path, call.row.line) for call in reading.read(fd).calls] == [(("m",), 7)]
        log.end()
        assert number == 0 or used(fd) == before
        before = used(fd)
    other = Writer(fd)
    log.begin("the forward pass", 2, 1)
    other.paths = [("other",)]
    log.enter(Told(0, 0), other)
    assert [call.path for call in reading.read(fd).calls] == [("other",)]


def test_what_stays_is_forgotten_before_it_takes_all_the_room(fd: int, monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (record, reading):
        monkeypatch.setattr(module, "ROOM", FAULTS + 8 * 4096)
    log = Writer(fd)
    log.begin("generating 999 tokens", 1, 1)
    for step in range(500):
        log.begin_step()
        value = SequenceValue("tuple", (ScalarValue("int", step), OtherValue("Mask", "x" * 50)), step)
        log.enters(0, 0, "m", step=step, inputs=(value,))
        left = reading.read(fd)
        assert (left.damaged, left.lost) == (False, 0) and [call.inputs for call in left.calls] == [(value,)]


def test_containers_that_differ_in_one_thing_are_read_back_as_they_were(fd: int) -> None:
    items: tuple[Value, ...] = (ScalarValue("int", 1), ScalarValue("int", 2))
    values = [
        SequenceValue("Pair", items, 2),
        SequenceValue("Pair", items, 2, is_tuple=True),
        SequenceValue("Pair", items, 2, ("a", "b"), is_tuple=True),
        SequenceValue("Other", items, 2),
        SequenceValue("Pair", items, 3),
        MappingValue("Pair", ("a", "b"), items, 2),
        MappingValue("Pair", ("a", "c"), items, 2),
    ]
    log = Writer(fd)
    log.begin("the forward pass", 1, 1)
    for step in range(2):
        for start, value in enumerate(values):
            log.enters(2 * start, 0, "m", inputs=(value, msgspec.structs.replace(value, items=items[::-1])))
            log.leaves(2 * start, 2 * start + 1)
        calls = reading.read(fd).calls
        assert [call.inputs[0] for call in calls] == values, step
        assert [call.inputs[1] for call in calls] == [
            msgspec.structs.replace(value, items=items[::-1]) for value in values
        ]
        log.begin_step()
