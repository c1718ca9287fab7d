"""Calls that are packed, against the very calls before that."""

from __future__ import annotations

import gc
import math
import threading
import tracemalloc
from collections.abc import Iterable, Iterator
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace
from torch import Tensor, nn

from inspector import packed_column
from inspector.engine.modules.tree import walk
from inspector.engine.passes import last_pass
from inspector.engine.passes.last_pass import LastPass
from inspector.engine.recording import call_store as call_store_module
from inspector.engine.recording.call import Call
from inspector.engine.recording.call_store import CallStore
from inspector.engine.recording.packed_values import PackedValues
from inspector.engine.session import Session
from inspector.engine.values.summarize import Summarizer
from inspector.records import (
    CallDetail,
    CallRows,
    Histogram,
    MappingValue,
    NoneValue,
    PassSummary,
    Run,
    ScalarValue,
    SequenceValue,
    Statistics,
    TensorValue,
    Value,
)

from ...models import build, names

numbers = st.none() | st.floats(allow_nan=False)
tensors: st.SearchStrategy[Value] = st.builds(
    TensorValue,
    shape=st.lists(st.integers(-1, 9), max_size=3).map(tuple),
    dtype=st.sampled_from(("float32", "int64")),
    device=st.sampled_from(("cpu", "cuda:0")),
    requires_grad=st.booleans(),
    nbytes=st.integers(0, 1 << 50),
    statistics=st.none()
    | st.builds(Statistics, numbers, numbers, numbers, numbers, st.integers(0, 1 << 40), of=st.sampled_from("ab"))
    | st.builds(Statistics, nan=st.integers(0, 9), zeros=st.integers(0, 9)),
    why=st.sampled_from(("", "refused")),
    histogram=st.none() | st.just(Histogram(0.0, 1.0, (1, 2))),
)
values = tensors | st.just(NoneValue()) | st.builds(ScalarValue, st.just("int"), st.integers(0, 9))
values |= st.builds(SequenceValue, st.just("tuple"), st.lists(tensors, max_size=2).map(tuple), st.just(2))
calls = st.lists(
    st.builds(
        Call,
        index=st.integers(0, 3),
        number=st.integers(0, 9),
        start=st.integers(0, 99),
        depth=st.integers(0, 9),
        step=st.integers(0, 2),
        in_step=st.integers(0, 9),
        caller=st.integers(-1, 9),
        ms=st.floats(0, 9).map(lambda ms: round(ms, 4)),
        status=st.sampled_from(("ok", "raised", "unfinished")),
        inputs=st.lists(values, max_size=3).map(tuple),
        kwargs=st.just(MappingValue("dict", (), (), 0)) | st.builds(MappingValue, st.just("dict"), st.just(("x",)),
            tensors.map(lambda value: (value,)), st.just(1)),
        output=st.none() | values,
        site=st.sampled_from((("", 0), ("net.py", 7))),
        altered=st.booleans(),
        recomputed=st.booleans(),
        gradients=st.just(()) | tensors.map(lambda value: (value,)),
        weight_ratio=st.none() | st.floats(0, 9),
    ),
    max_size=12,
)  # fmt: skip


TREE = walk(nn.Sequential(nn.ReLU(), nn.Tanh(), nn.Identity()))


def details(found: Iterable[Call]) -> list[str]:
    """As text, in which one NaN is like another."""
    return [repr(call.detail(TREE)) for call in found]


@given(st.lists(values))
def test_a_value_is_made_again_as_it_was(found: list[Value]) -> None:
    packed = PackedValues()
    places = [packed.add(value) for value in found]
    assert [packed[place] for place in places] == found


@given(calls, st.integers(0, 12))
def test_a_call_is_made_again_as_it_was(found: list[Call], cut: int) -> None:
    for end, call in enumerate(found):
        call.end = end
    before, rows = details(found), [call.row() for call in found]
    store = CallStore(found[:cut])
    store.pack()
    for call in found[cut:]:
        store.append(call, lambda: False)
    assert details(store) == before and len(store) == len(found) and details(store[1:3]) == before[1:3]
    store.finish(lambda call: True)
    store.pack()
    assert details(store) == before and list(store.nodes()) == [call.index for call in found]
    for node in range(4):
        assert details(store.of(node)) == [each for row, each in zip(rows, before, strict=True) if row.module == node]
    for step in range(3):
        told = store.columns(store.places_in(step))
        assert repr(list(told)) == repr([row for row in rows if row.step == step])
    store.forget(cut)
    assert details(store) == before[cut:]


def test_threads_append_in_any_order(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(call_store_module, "AT_ONCE", 2)
    store = CallStore(packs=True)
    for end in (1, 0, 3, 5, 4):
        store.append(Call(0, 0, 0, 0, end=end), lambda: False)
    assert len(store.fresh) == 1
    store.finish(lambda call: True)
    assert [call.end for call in store] == [0, 1, 3, 4, 5]


def test_nothing_is_packed_while_more_is_to_come(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(call_store_module, "AT_ONCE", 1)
    store = CallStore(packs=True)
    store.append(Call(0, 0, 0, 0), lambda: True)
    assert len(store.fresh) == 1
    store.append(Call(0, 0, 0, 0), lambda: False)
    assert not store.fresh
    for recomputed in (True, False):
        store.append(Call(0, 0, 0, 0, recomputed=recomputed), lambda: False)
    assert len(store.fresh) == 2, "what a recomputed one would have returned is said at the end"


@pytest.fixture(params=[8, packed_column.PAGE], autouse=True, scope="module")
def page(request: pytest.FixtureRequest) -> Iterator[None]:
    """Calls in many pages, and in one."""
    with pytest.MonkeyPatch.context() as patch:
        for module in (packed_column, last_pass):
            patch.setattr(module, "PAGE", request.param)
        yield


def run(model: nn.Module, args: Any, kwargs: Any, request: Run) -> tuple[PassSummary, list[CallDetail], Session]:
    """What the last pass of two gave, without its times."""
    events: list[Any] = []
    session = Session(events.append)
    session.adopt(model, args, kwargs, "toy")
    session.run(request)
    del events[:]
    summary = session.run(request)
    told = [row for event in events if isinstance(event, CallRows) for row in event.rows]
    last = session.runner.last
    found = last.details(last.calls)
    assert repr(told) == repr([each.row for each in found if each.row.step == last.step])
    return summary, [replace(each, row=replace(each.row, ms=0.0)) for each in found], session


def show(call: CallDetail) -> str:
    """As text, in which one NaN is like another; a class may be another one only while the pass runs."""
    return repr(replace(call, class_name=""))


IN_PROCESS = names(without=("hostile", "big"))


@pytest.mark.parametrize("name", IN_PROCESS)
def test_a_pass_is_told_alike_however_it_is_packed(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    torch.manual_seed(0)
    model, args, kwargs = build(name)
    whole: list[list[CallDetail]] = []
    take = LastPass.take

    def look(last: LastPass, calls: Any, *rest: Any) -> None:
        whole.append([call.detail(last._tree) for call in calls])
        take(last, calls, *rest)

    monkeypatch.setattr(LastPass, "take", look)
    _, packed, session = run(model, args, kwargs, Run(1, materialize=True))
    before = [replace(each, row=replace(each.row, ms=0.0)) for each in whole[-1]]
    assert [show(replace(each, previous=None)) for each in packed] == list(map(show, before))
    session.close()


class Loop(nn.Module):
    def __init__(self, times: int = 50) -> None:
        super().__init__()
        self.lin, self.act, self.times = nn.Linear(4, 4), nn.ReLU(), times

    def forward(self, x: Tensor) -> Tensor:
        for _ in range(self.times):
            x = self.act(self.lin(x))
        return x


class Raises(Loop):
    def forward(self, x: Tensor) -> Tensor:
        super().forward(x)
        return self.lin(x[:, :2])


class Threads(Loop):
    def forward(self, x: Tensor) -> Tensor:
        for _ in range(3):
            thread = threading.Thread(target=super().forward, args=(x,))
            thread.start()
            thread.join()
        return x


@pytest.mark.parametrize("kind", [Loop, Raises, Threads])
@pytest.mark.parametrize("request_", [Run(1), Run(1, batches=3)], ids=["one", "batches"])
def test_packed_as_they_come_they_are_what_they_are_otherwise(
    kind: type[Loop], request_: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    torch.manual_seed(0)
    model, found = kind(), []
    for at_once in (1 << 30, 7):
        monkeypatch.setattr(call_store_module, "AT_ONCE", at_once)
        summary, details, session = run(model, (torch.randn(2, 4),), {}, request_)
        found.append((summary.calls, [(each.row.status, each.path, each.row.start, each.row.end) for each in details]))
        outputs = [each.output for each in details if each.row.status == "ok" and each.path == ("act",)]
        if kind is Loop and request_.batches == 1:
            x, truth = session.subject.sample.args[0], []  # type: ignore[union-attr]  # there is one
            with torch.no_grad():
                for _ in range(model.times):
                    x = torch.relu(model.lin(x))
                    truth.append(x.mean().item())
            means = [value.statistics.mean for value in outputs]  # type: ignore[union-attr]  # of tensors
            assert all(map(lambda a, b: math.isclose(a, b, rel_tol=1e-4, abs_tol=1e-7), means, truth))
        session.close()
    assert found[0] == found[1]


@torch.no_grad()
def test_packed_calls_take_a_fraction(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of layers that are called again and again, without a graph that holds what they return."""

    def measure(at_once: int, times: int) -> int:
        monkeypatch.setattr(call_store_module, "AT_ONCE", at_once)
        session = Session(lambda event: None)
        session.adopt(Loop(times), (torch.randn(1, 4),), {}, "toy")
        gc.collect()
        tracemalloc.start()
        session.run()
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        session.close()
        return peak

    packed, whole = (measure(at_once, 5_000) - measure(at_once, 1_000) for at_once in (500, 1 << 30))
    assert packed * 2 < whole


def test_a_gradient_that_is_too_large_to_square_has_a_size() -> None:
    gradient = TensorValue((2,), "float64", "cpu", statistics=Statistics(-1e200, 1e200, 0.0, 1e200))
    row = Call(0, 0, 0, 0, gradients=(gradient,)).row()
    assert row.gradient == row.gradient_norm == math.inf


def test_a_ragged_gradient_has_the_size_of_all_its_numbers() -> None:
    parts = [torch.randn(2, 4), torch.randn(3, 4)]
    norm = torch.cat(parts).norm().item()
    for layout in (torch.strided, torch.jagged):
        gradient = Summarizer().describe_now(torch.nested.nested_tensor(parts, layout=layout))
        row = Call(0, 0, 0, 0, gradients=(gradient,)).row()
        assert row.gradient_norm == pytest.approx(norm) and row.gradient == pytest.approx(norm / math.sqrt(20))
