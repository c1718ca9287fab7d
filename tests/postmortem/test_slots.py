"""What is told in slots: which of them belong to the step that runs, and that they say what the recorder has."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from random import Random
from typing import Any

import msgspec
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor, nn

from inspector.engine.modules.tree import walk
from inspector.engine.recording.observers import Observers
from inspector.engine.recording.recorder import Recorder
from inspector.postmortem import read as reading
from inspector.postmortem import record
from inspector.postmortem.layout import FAULTS, ROOM, SLOT, SLOTS
from inspector.postmortem.record import CallLog, make_nameless_file
from inspector.postmortem.replay import AHEAD
from inspector.records import Histogram, MappingValue, NoneValue, Preview, SequenceValue, Statistics, TensorValue, Value

from ..call_log import Writer

_FLOATS = st.none() | st.floats() | st.integers(-9, 9).map(float)
_COUNTS = st.integers(0, 2**63 - 1)
_MEASURED = st.builds(
    Statistics, _FLOATS, _FLOATS, _FLOATS, _FLOATS, _COUNTS, _COUNTS, _COUNTS, st.sampled_from(("values", "magnitudes"))
)
_TENSORS = st.builds(
    TensorValue,
    st.sampled_from(((), (0,), (2, 3), (-1, 2))),
    st.sampled_from(("float32", "complex64")),
    st.sampled_from(("cpu", "cuda:0")),
    st.booleans(),
    st.sampled_from(("Tensor", "Parameter")),
    nbytes=st.integers(0, 9),
    statistics=st.none() | _MEASURED,
    why=st.sampled_from(("", "meta tensor")),
    histogram=st.sampled_from((None, Histogram(0.0, 1.0, (1, 2)))),
    preview=st.sampled_from((None, Preview((0,), ((1.0,),)))),
)
_VALUES = st.recursive(
    _TENSORS | st.just(NoneValue()),
    lambda values: st.lists(values, max_size=25).map(lambda items: SequenceValue("list", tuple(items), len(items))),
    max_leaves=30,
)


@pytest.fixture
def fd() -> Iterator[int]:
    with tempfile.TemporaryFile() as file:
        yield file.fileno()


def begun(fd: int) -> Writer:
    log = Writer(fd)
    log.begin("the forward pass", 1, 1)
    return log


def overwrite(fd: int, number: int, what: bytes, first: int = 0) -> None:
    """A part of a slot."""
    os.pwrite(fd, what, FAULTS + SLOTS + number * SLOT + first)


def starts(fd: int) -> list[int]:
    left = reading.read(fd)
    assert not left.damaged
    return sorted(call.row.start for call in left.calls)


def test_a_slot_of_an_earlier_step_is_none_of_this_one(fd: int) -> None:
    log = begun(fd)
    for start in range(10):
        log.enters(start, start, "m")
    log.begin_step()
    assert starts(fd) == []
    log.enters(10, 0, "m")
    assert starts(fd) == [10]
    log.end()
    log.begin("the forward pass", 1, 2)
    assert starts(fd) == []


def test_a_slot_that_was_cut_in_half_is_skipped(fd: int) -> None:
    log = begun(fd)
    for start in range(4):
        log.enters(start, start, "m")
    overwrite(fd, 1, bytes(SLOT - 16), 16)
    assert starts(fd) == [0, 2, 3]
    overwrite(fd, 3, bytes(8), SLOT - 8)
    assert starts(fd) == [0, 2]


def test_what_threads_did_not_come_to_write_is_skipped(fd: int) -> None:
    log = begun(fd)
    for start in range(2 * AHEAD):
        log.enters(start, 0, "m")
    for number in range(1, AHEAD - 1):
        overwrite(fd, number, bytes(SLOT))
    assert starts(fd) == [0, *range(AHEAD - 1, 2 * AHEAD)]


def test_a_module_is_no_line(fd: int) -> None:
    log = begun(fd)
    for start in range(2):
        log.enters(start, start, "m")
    overwrite(fd, 1, os.pread(fd, 4, FAULTS + SLOTS + SLOT + 8), 12)
    left = reading.read(fd)
    assert left.damaged and [call.row.start for call in left.calls] == [0]


@pytest.mark.parametrize("seed", range(20))
def test_whatever_is_written_over_it_is_read(seed: int, fd: int) -> None:
    random, log = Random(seed), begun(fd)
    value = SequenceValue("list", (TensorValue((2,), "float32", "cpu", statistics=Statistics(1.0, 1.0, 1.0, 0.0)),), 1)
    for start in range(0, 20, 2):
        log.enters(start, 0, "m", inputs=(value,), site=("/x/net.py", start))
        log.leaves(start, start + 1, value)
    places = [*range(0, SLOTS + 25 * SLOT, 4), *range(ROOM - FAULTS - 800, ROOM - FAULTS, 4)]
    for _ in range(100):
        first, second = random.sample(places, 2)
        os.pwrite(fd, os.pread(fd, 4, FAULTS + second), FAULTS + first)
        reading.read(fd)


def test_an_entry_that_another_step_overtakes_is_none_of_it(fd: int) -> None:
    class Overtaken(Writer):
        def class_name(self, index: int) -> str:
            self.begin_step()
            return "Linear"

    log = Overtaken(fd)
    log.begin("generating 9 tokens", 1, 1)
    log.enters(0, 0, "m", inputs=(NoneValue(),))
    left = reading.read(fd)
    assert (left.calls, left.lost, left.damaged) == ((), 0, False)


@pytest.mark.parametrize("items", [1, 3, 4, 20, 21, 500])
def test_any_number_of_arguments(items: int, fd: int) -> None:
    log, values = begun(fd), tuple(TensorValue((number,), "float32", "cpu") for number in range(items))
    keys = tuple(map(str, range(items)))
    log.enters(0, 0, "m", inputs=values, kwargs=MappingValue("dict", keys, values, items))
    (call,) = reading.read(fd).calls
    assert call.inputs == values == call.kwargs.items and call.kwargs.keys == keys


@given(st.lists(_VALUES, max_size=5), _VALUES)
def test_a_value_is_read_as_it_was_told(inputs: list[Value], output: Value) -> None:
    fd = make_nameless_file()
    try:
        log = begun(fd)
        log.enters(0, 0, "m", inputs=tuple(inputs), kwargs=MappingValue("dict", ("x",), (output,), 1))
        log.leaves(0, 1, output)
        log.enters(2, 0, "m", inputs=(output,))
        left = reading.read(fd)
    finally:
        os.close(fd)
    first, second = left.calls
    told = [*inputs, output, output, output]
    assert not left.damaged and left.lost == 0
    read = [*first.inputs, *first.kwargs.items, first.output, *second.inputs]
    assert [msgspec.msgpack.encode(value) for value in read] == [msgspec.msgpack.encode(value) for value in told]
    assert first.output is second.inputs[0] is first.kwargs.items[0]


def test_a_full_log_loses_values_with_their_calls(fd: int, monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (record, reading):
        monkeypatch.setattr(module, "ROOM", FAULTS + 8 * 4096)
    log = begun(fd)
    for start in range(0, 1_000, 2):
        measured = TensorValue((), "float32", "cpu", statistics=Statistics(1.0, 1.0, 1.0, float(start)))
        log.enters(
            start, 0, "m", inputs=(TensorValue((), "float32", "cpu", statistics=Statistics(1.0, 1.0, 1.0, 0.0)),)
        )
        log.leaves(start, start + 1, measured)
    left = reading.read(fd)
    whole = [call for call in left.calls if call.row.status == "ok"]
    assert not left.damaged and left.lost + len(left.calls) + len(whole) == 1_000
    assert [call.output.statistics.std for call in whole] == [call.row.start for call in whole]  # type: ignore[union-attr]


class Changes(nn.Module):
    """Of each call, what its number in the pass makes of the input."""

    KINDS = (
        lambda x: x, lambda x: x / 0, lambda x: x * float("nan"), lambda x: x.half(), lambda x: x.long(),
        lambda x: x * 1j, lambda x: x > 0, lambda x: x[:0], lambda x: x.to("meta"), lambda x: x.to_sparse(),
        lambda x: (x, None, {"a": x + 1}), lambda x: [x + number for number in range(30)], lambda x: None,
    )  # fmt: skip

    def __init__(self) -> None:
        super().__init__()
        self.layer = Change()

    def forward(self, x: Tensor) -> Tensor:
        for kind in self.KINDS:
            self.layer(x, kind=kind)
            self.layer(x + 1, kind=kind)
        return x


class Change(nn.Module):
    def forward(self, x: Tensor, kind: Any) -> Any:
        return kind(x)


@pytest.mark.parametrize("statistics", [True, False])
def test_what_a_recorder_has_is_what_is_read(statistics: bool, fd: int) -> None:
    log, tree = CallLog(fd), walk(Changes())
    for number in range(2):
        observers, recorder = Observers(tree), Recorder(tree, statistics=statistics, call_log=log)
        for node in tree.objects():
            observers.add(node)
        log.begin("the forward pass", 1, number)
        observers.recorder = recorder
        tree.root(torch.randn(2, 3))
        observers.remove_all()
        left = reading.read(fd)
        shown = [msgspec.structs.replace(call.detail(tree), previous=None) for call in recorder.calls]
        assert not (left.damaged or left.lost or recorder.faults) and len(left.calls) == len(shown) == 27
        assert [*map(repr, left.calls)] == [*map(repr, shown)]  # as text, in which one NaN is like another
        log.end()
