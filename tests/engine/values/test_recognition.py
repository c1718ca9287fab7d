"""What was described before and is as it was is not described again; and what is not as it was always is."""

from __future__ import annotations

import copy
import dataclasses
import gc
import math
import weakref
from collections import OrderedDict
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode

from inspector.engine.modules.tree import walk
from inspector.engine.recording.observers import Observers
from inspector.engine.recording.recorder import Recorder
from inspector.engine.values.known import records
from inspector.engine.values.recognition import SUMS, SeenTensor
from inspector.engine.values.summarize import Summarizer
from inspector.records import MappingValue, SequenceValue, TensorValue, Value
from tests.engine.values.test_summarize import described, parts, reductions

MANY = 4 * SUMS


class Layer:
    """As a key-value cache has them."""

    def __init__(self, number: int) -> None:
        self.keys, self.values = torch.full((2, 3), float(number)), torch.randn(2, 3)
        self.dtype = torch.float32
        self.seen = number


class Cache:
    def __init__(self, layers: int = MANY) -> None:
        self.layers = [Layer(number) for number in range(layers)]
        self.offloading = False


@dataclasses.dataclass
class Pair:
    first: Any
    second: Any


def counted_tensors(value: Value) -> int:
    return sum(isinstance(part, TensorValue) for part in parts(value))


@pytest.mark.parametrize("statistics_too", [True, False])
def test_an_unchanged_container_is_the_same_record(statistics_too: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    counted, summarizer, cache = reductions(monkeypatch), Summarizer(statistics_too), Cache()
    first = summarizer.describe(cache)
    assert summarizer.describe(cache) is first and counted_tensors(first) == 2 * MANY
    assert len(counted) == (2 * MANY if statistics_too else 0)
    inside = summarizer.describe({"cache": cache})
    assert isinstance(inside, MappingValue) and inside.items[0] is first


def test_only_the_layer_that_changed_is_described_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    counted, summarizer, cache = reductions(monkeypatch), Summarizer(), Cache()
    first = [summarizer.describe(cache) for _ in range(2)][-1]
    cache.layers[3].keys = torch.cat([cache.layers[3].keys, torch.ones(1, 3)])
    second = summarizer.describe(cache)
    assert len(counted) == 2 * MANY + 1 and second == described(cache)
    old, new = (layers_of(each) for each in (first, second))
    assert [number for number in range(MANY) if old[number] is not new[number]] == [3]


def layers_of(value: Value) -> tuple[Value, ...]:
    assert isinstance(value, MappingValue) and isinstance(value.items[0], SequenceValue)
    return value.items[0].items


CHANGES: dict[str, Callable[[Cache], object]] = {
    "in place": lambda cache: cache.layers[1].keys.add_(1),
    "through a view": lambda cache: cache.layers[1].keys[0].fill_(9),
    "another tensor": lambda cache: setattr(cache.layers[1], "keys", torch.ones(1)),
    "requires_grad": lambda cache: cache.layers[1].keys.requires_grad_(),
    "resized": lambda cache: cache.layers[1].keys.resize_(1),
    "set": lambda cache: cache.layers[1].keys.set_(torch.ones(4)),
    "turned": lambda cache: cache.layers[1].keys.t_(),
    "data set": lambda cache: setattr(cache.layers[1].keys, "data", torch.zeros(5)),
    "data of another shape": lambda cache: setattr(cache.layers[1].keys, "data", cache.layers[1].keys.data.view(3, 2)),
    "freed": lambda cache: cache.layers[1].keys.untyped_storage().resize_(0),
    "attribute": lambda cache: setattr(cache.layers[1], "seen", 7000),
    "new attribute": lambda cache: setattr(cache.layers[1], "more", None),
    "renamed": lambda cache: vars(cache.layers[1]).update(again=vars(cache.layers[1]).pop("keys")),
    "swapped": lambda cache: cache.layers.reverse(),
    "appended": lambda cache: cache.layers.append(Layer(99)),
    "dropped": lambda cache: cache.layers.pop(),
    "emptied": lambda cache: cache.layers.clear(),
    "cycle": lambda cache: cache.layers.append(cache),
}


@pytest.mark.parametrize("statistics_too", [True, False])
@pytest.mark.parametrize("change", CHANGES)
def test_whatever_changes_is_seen_at_once(change: str, statistics_too: bool) -> None:
    summarizer, cache = Summarizer(statistics_too), Cache()
    before = [summarizer.describe(cache) for _ in range(3)][-1]
    CHANGES[change](cache)
    after = summarizer.describe(cache)
    assert after == Summarizer(statistics_too).describe(cache)
    assert statistics_too is False or after != before
    assert summarizer.resolve() == []


def test_a_freed_id_is_not_mistaken() -> None:
    summarizer, cache = Summarizer(), Cache(2)
    for number in range(200):
        cache.layers = [Layer(number), Layer(-number)]
        cache.layers[0].seen = float(number)  # a new object each time
        assert summarizer.describe(cache) == described(cache)
        assert summarizer.describe((cache.layers[0].keys, [1.0 * number])) == described(
            (cache.layers[0].keys, [1.0 * number])
        )


def test_nothing_is_known_of_tensors_that_are_no_more() -> None:
    summarizer, kept, gone = Summarizer(), [torch.randn(3) for _ in range(20)], []
    first = [summarizer.describe(tensor) for tensor in kept]
    for _ in range(60):
        gone = [torch.randn(3) for _ in range(100)]
        for tensor in gone:
            summarizer.describe(tensor)
    assert len(summarizer._recognition._tensors) < 2_500
    assert all(summarizer.describe(tensor) is value for tensor, value in zip(kept, first, strict=True))


def test_nothing_is_kept_alive() -> None:
    summarizer, cache = Summarizer(), Cache()
    summarizer.describe(cache), summarizer.describe(cache)
    alive = [weakref.ref(cache), weakref.ref(cache.layers[0]), weakref.ref(cache.layers[0].keys)]
    del cache
    gc.collect()
    assert [ref() for ref in alive] == [None] * 3


@pytest.mark.parametrize("made", [torch.bfloat16, torch.float16, torch.float64, torch.int64, torch.bool, torch.uint8])
def test_every_dtype_is_recognised_by_its_bits(made: torch.dtype, monkeypatch: pytest.MonkeyPatch) -> None:
    counted, summarizer, x = reductions(monkeypatch), Summarizer(), torch.ones(300, dtype=made)
    assert summarizer.describe(x) is summarizer.describe(x) and len(counted) == 1
    assert summarizer.describe(x) == described(x)
    x.data[7] = 0
    assert summarizer.describe(x) == described(x) and len(counted) >= 2


@pytest.mark.parametrize("odd", [float("nan"), float("inf")])
def test_what_is_not_finite_hides_no_change(odd: float) -> None:
    summarizer, x = Summarizer(), torch.tensor([odd, 1.0, 2.0])
    first = summarizer.describe(x)
    assert summarizer.describe(x) is first
    x.data[1] = 5.0
    assert summarizer.describe(x) == described(x) != first


@pytest.mark.parametrize("write", ["data", "numpy"])
@pytest.mark.parametrize("few", [True, False])
def test_a_write_that_no_version_tells(few: bool, write: str) -> None:
    """Of few tensors each is looked at each time. Of many it is told, at the latest when the step ends."""
    summarizer, held = Summarizer(), [torch.randn(4) for _ in range(SUMS if few else MANY)]
    summarizer.describe(held)
    target = held[-1].data if write == "data" else held[-1].numpy()
    target[0] = 1e3
    second = summarizer.describe(held)
    doubts = summarizer.resolve()
    assert (second == described(held)) is few and bool(doubts) is not few
    assert few or ("through .data or numpy" in doubts[0] and "from before" in doubts[0])
    assert summarizer.describe(held) == described(held) and summarizer.resolve() == []


def test_from_the_first_such_write_on_all_are_looked_at() -> None:
    summarizer, held = Summarizer(), [torch.randn(4) for _ in range(MANY)]
    summarizer.describe(held)
    for tensor in held:
        tensor.data.mul_(2)
    assert summarizer.describe(held) == described(held)
    held[-1].data[0] = 1e3
    assert summarizer.describe(held) == described(held)


def test_a_write_is_noticed_when_its_turn_comes() -> None:
    summarizer, held = Summarizer(), [torch.randn(4) for _ in range(MANY)]
    summarizer.describe(held)
    held[-1].data[0] = 1e3
    right = [summarizer.describe(held) == described(held) for _ in range(MANY)]
    assert right == sorted(right) and right[-1]


def test_one_of_many_is_added_up_at_a_sighting_and_all_at_the_end(monkeypatch: pytest.MonkeyPatch) -> None:
    added: list[SeenTensor] = []
    real = SeenTensor.adds_up
    monkeypatch.setattr(SeenTensor, "adds_up", lambda *of: (added.append(of[0]), real(*of))[1])
    summarizer, cache = Summarizer(), Cache()
    summarizer.describe(cache), added.clear()
    for number in range(3):
        summarizer.describe(cache)
        assert len(added) == number + 1
    summarizer.confirm()
    assert len(set(added)) == 2 * MANY


def test_the_pass_says_that_its_statistics_may_not_be_right() -> None:
    class Sly(nn.Module):
        def forward(self, held: list[Tensor]) -> list[Tensor]:
            held[-1].data[0] = 1e3
            return held

    model = Sly()
    tree = walk(model)
    observers, recorder = Observers(tree), Recorder(tree)
    observers.add(tree.nodes[0])
    observers.recorder = recorder
    model([torch.randn(4) for _ in range(MANY)])
    observers.remove_all()
    recorder.finish()
    assert len(recorder.faults) == 1 and "may be those from before" in recorder.faults[0]


TENSORS = [torch.randn(3), torch.ones(2, 2), torch.zeros(0), torch.randn(4, 4).t(), nn.Parameter(torch.ones(2))]
LEAVES = st.sampled_from(
    [*TENSORS, None, True, 3, "text", torch.float32, torch.Size([1, 2]), {1, 2}, range(3), nn.ReLU()]
)
NESTED = st.recursive(
    LEAVES,
    lambda inner: st.one_of(
        st.lists(inner, max_size=4),
        st.lists(inner, max_size=4).map(tuple),
        st.dictionaries(st.sampled_from(["a", "b", 1, (1, 2), None]), inner, max_size=3),
        st.lists(inner, max_size=2).map(lambda held: OrderedDict(enumerate(held))),
        st.tuples(inner, inner).map(lambda held: Pair(*held)),
        st.dictionaries(st.sampled_from(["a", "b"]), inner).map(lambda held: SimpleNamespace(**held)),
        inner.map(lambda held: [held] * 60),
    ),
    max_leaves=12,
)


@settings(max_examples=150, deadline=None)
@given(NESTED, st.booleans())
def test_recognised_or_not_the_description_is_the_same(value: object, statistics_too: bool) -> None:
    summarizer = Summarizer(statistics_too)
    fresh = repr(Summarizer(statistics_too).describe(value))
    assert repr(summarizer.describe(value)) == fresh
    assert repr(summarizer.describe(value)) == fresh
    around = [[[[[[[[[[[[[[value]]]]]]]]]]]]]]
    assert repr(summarizer.describe(around)) == repr(Summarizer(statistics_too).describe(around))
    full = [value, *([[0] * 30] * 30), value]
    assert repr(summarizer.describe(full)) == repr(Summarizer(statistics_too).describe(full))


def test_subclasses_and_inference_tensors_are_described_each_time() -> None:
    class Mine(Tensor):
        pass

    summarizer, mine = Summarizer(), torch.ones(3).as_subclass(Mine)
    with torch.inference_mode():
        untold = torch.ones(3)
    for each in (mine, untold):
        first = summarizer.describe([each])
        with torch.inference_mode():
            each.add_(1)
        assert summarizer.describe([each]) == described([each]) != first


def test_a_tensor_that_was_looked_at_can_still_be_resized() -> None:
    few, many = torch.zeros(5), torch.zeros(1 << 14)
    for x in (few, many):
        found = described(x)
        assert isinstance(found, TensorValue) and found.statistics is not None
        assert found.statistics.zeros == x.numel()
        assert x.resize_(1 << 15).numel() == 1 << 15


def test_a_mode_hears_of_nothing_that_is_looked_at() -> None:
    heard: list[str] = []

    class Listening(TorchDispatchMode):
        def __torch_dispatch__(self, function: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
            heard.append(str(function))
            return function(*args, **(kwargs or {}))

    summarizer, cache = Summarizer(), Cache()
    first = summarizer.describe(cache)
    summarizer.describe(cache)
    with Listening():
        assert summarizer.describe(cache) == first
        summarizer.confirm()
    assert heard == []


def test_what_is_spared_counts_where_it_is_recognised() -> None:
    summarizer, cache = Summarizer(False, why="spared"), Cache(3)
    summarizer.describe(cache), summarizer.describe(cache)
    assert summarizer.left_out == 12


def test_names_are_written_once_for_all_passes_and_long_ones_are_not_kept() -> None:
    short, long = Summarizer(False), "long" * 1_000
    first = [Summarizer(False).keywords({"names": 1, "of": 2}) for _ in range(2)]
    assert first[0].keys is first[1].keys
    assert short.keywords({long: 1}) == short.keywords({long: 1})
    assert not any(long in keys for keys in records._written)


def test_deep_copies_are_others() -> None:
    summarizer, cache = Summarizer(), Cache(2)
    first = summarizer.describe(cache)
    copied = copy.deepcopy(cache)
    copied.layers[0].keys.data[0] = 50
    assert summarizer.describe(copied) == described(copied) != first


def test_containers_of_the_same_shapes_have_one_record() -> None:
    summarizer = Summarizer(False)
    one, other = ({"cache": Cache(3), "more": (torch.ones(2), True, 7, "text", None)} for _ in range(2))
    assert summarizer.describe(one) is summarizer.describe(other)
    other["more"] = (torch.ones(2), 1, 7, "text", None)
    assert summarizer.describe(other) == Summarizer(False).describe(other) != summarizer.describe(one)


@pytest.mark.parametrize("statistics_too", [True, False])
def test_an_object_seen_again_is_cut_where_another_would_be(statistics_too: bool) -> None:
    """A cycle that came later, no room left, too deep: as if it had not been seen before."""
    summarizer, cache = Summarizer(statistics_too), Cache(3)
    summarizer.describe(cache)
    around: Any = cache
    for _ in range(15):
        around = [around]
    full = [*([[0] * 99] * 10), cache]
    for value in (around, full):
        assert summarizer.describe(value) == Summarizer(statistics_too).describe(value)
    cache.layers[0].keys = cache
    assert summarizer.describe(cache) == Summarizer(statistics_too).describe(cache)


def test_attributes_in_a_dict_of_ones_own_are_read_without_its_code() -> None:
    ran: list[str] = []

    class Own(dict[str, Any]):
        def values(self) -> Any:
            ran.append("values")
            return super().values()

        def __iter__(self) -> Any:
            ran.append("iter")
            return super().__iter__()

    summarizer, layer = Summarizer(), Layer(1)
    before = summarizer.describe(layer)
    layer.__dict__ = Own(layer.__dict__)
    assert summarizer.describe(layer) == before and summarizer.describe(layer) == before
    assert ran == []


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.bfloat16, torch.int64])
def test_of_few_numbers_a_write_is_seen_that_keeps_their_sum(dtype: torch.dtype) -> None:
    summarizer, x = Summarizer(), torch.tensor([1, 2, 3], dtype=dtype)
    first = summarizer.describe(x)
    assert summarizer.describe(x) is first
    x.data.copy_(torch.tensor([0, 2, 4]))
    assert summarizer.describe(x) == described(x) != first


@pytest.mark.parametrize("count", [2_000, 40_000, 70_000])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_of_many_numbers_a_write_is_seen_that_no_version_tells(dtype: torch.dtype, count: int) -> None:
    summarizer, x = Summarizer(), torch.randn(count, dtype=dtype)
    first = summarizer.describe(x)
    assert summarizer.describe(x) is first
    x.data[-1] = 50.0
    second = summarizer.describe(x)
    assert second == described(x) != first
    x.untyped_storage().resize_(0)  # what lay there may be somebody else's by now
    gone = summarizer.describe(x)
    assert isinstance(gone, TensorValue) and gone.statistics is None


@pytest.mark.parametrize("element", [3e38, math.inf, math.nan])
def test_a_sum_that_no_number_holds_raises_no_doubt(element: float, monkeypatch: pytest.MonkeyPatch) -> None:
    counted, summarizer, held = reductions(monkeypatch), Summarizer(), [torch.randn(2_000) for _ in range(MANY)]
    for each in held:
        each[:20] = element
    first = summarizer.describe(held)
    assert summarizer.describe(held) == first == described(held)
    assert summarizer.resolve() == [] and len(counted) == 2 * MANY


def test_what_holds_no_tensors_is_the_same_record_again() -> None:
    """As a cache is while its layers wait for their first keys."""
    summarizer, cache = Summarizer(False), Cache(4)
    for layer in cache.layers:
        layer.keys = layer.values = None  # type: ignore[assignment]  # what it has by then
    cache.made_of = Layer  # type: ignore[attr-defined]  # a class, which is told by its name
    first = summarizer.describe(cache)
    assert summarizer.describe(cache) is first and first == Summarizer(False).describe(cache)
    assert len({id(layer) for layer in layers_of(first)}) == 1
    cache.layers[2].keys = torch.ones(2)
    assert summarizer.describe(cache) == Summarizer(False).describe(cache)
