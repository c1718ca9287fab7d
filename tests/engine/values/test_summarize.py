"""Any value a module takes or returns becomes a bounded record that crosses the channel."""

from __future__ import annotations

import warnings
from collections.abc import Iterator

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from inspector import channel
from inspector.engine.values.known.records import MAX_ITEMS, Records
from inspector.engine.values.summarize import Summarizer
from inspector.engine.values.unwrap import numbers_of, outside_modes
from inspector.engine.values.walk import MAX_DEPTH, MAX_PARTS, Walk
from inspector.records import (
    CallDetail,
    CallRow,
    Calls,
    MappingValue,
    NoneValue,
    OtherValue,
    ScalarValue,
    SequenceValue,
    TensorValue,
    Told,
    Value,
)
from inspector.value_text import abbreviate, brief_text, find_odd
from tests.models import OUTPUTS, DataOut, EvilClass, EvilTensor, NamedOut


def described(value: object, values: bool = False) -> Value:
    summarizer = Summarizer(True, values)
    found = summarizer.describe(value)
    summarizer.resolve()
    return found


def parts(value: Value) -> Iterator[Value]:
    yield value
    for item in getattr(value, "items", ()):
        yield from parts(item)


def depth(value: Value) -> int:
    return 1 + max((depth(item) for item in getattr(value, "items", ())), default=0)


def over_the_channel(value: Value) -> Value:
    row = CallRow(0, 0, 0, 1, 0, 0.0, "ok", abbreviate(value), find_odd(value))
    detail = CallDetail(row, (), "M", (value,), MappingValue("dict", (), (), 0), value)
    sent = Told(1, Calls(1, 1, (detail,), 1))
    body = channel.decode_told(channel.encode(sent)[4:]).body
    assert isinstance(body, Calls) and repr(body) == repr(sent.body)  # repr, because NaN differs from itself
    assert body.calls[0].output is not None
    return body.calls[0].output


def output(name: str) -> object:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return OUTPUTS[name](torch.randn(2, 4))


@pytest.mark.parametrize("values", [False, True], ids=["statistics", "values"])
@pytest.mark.parametrize("name", OUTPUTS)
def test_every_output_becomes_a_bounded_record(name: str, values: bool) -> None:
    value = described(output(name), values)
    found = list(parts(value))
    # a container that is cut within the budget adds its own items, never more than a container may show
    assert len(found) <= MAX_PARTS + MAX_DEPTH * MAX_ITEMS
    assert depth(value) <= 2 * MAX_DEPTH + 2
    over_the_channel(value)
    for part in found:
        if isinstance(part, TensorValue) and part.statistics is None:
            assert part.why and "RuntimeError" not in part.why


def test_containers_keep_their_shape() -> None:
    x = torch.ones(2)
    value = described({"a": x, "nested": [x, {"b": (x,)}], 3: None})
    assert isinstance(value, MappingValue) and value.keys == ("a", "nested", "3")
    inner = value.items[1]
    assert isinstance(inner, SequenceValue) and not inner.is_tuple and inner.length == 2
    assert isinstance(inner.items[1], MappingValue) and isinstance(inner.items[1].items[0], SequenceValue)
    assert value.items[2] == NoneValue()


def test_names_of_fields_are_kept() -> None:
    x = torch.ones(2)
    named = described(NamedOut(x, x))
    assert isinstance(named, SequenceValue) and named.names == ("logits", "hidden") and named.is_tuple
    data = described(DataOut(x, [x]))
    assert isinstance(data, MappingValue) and (data.type, data.keys) == ("DataOut", ("logits", "aux"))
    slots, plain = described(output("slots")), described(output("plain_object"))
    assert isinstance(slots, MappingValue) and slots.keys == ("t",)
    assert isinstance(plain, MappingValue) and plain.keys == ("t",)
    model_output = described(output("model_output"))
    assert isinstance(model_output, MappingValue) and model_output.keys == ("logits", "hidden")
    evil = described(output("evil_dict"))
    assert isinstance(evil, MappingValue) and evil.keys == ("a",)


def test_scalars() -> None:
    value = described(output("scalars"))
    assert isinstance(value, SequenceValue)
    found = [(item.type, item.value) for item in value.items if isinstance(item, ScalarValue)]
    assert found[:5] == [("int", 1), ("float", 2.5), ("bool", True), ("str", "text"), ("complex", "3+4j")]
    assert str(found[6][1]).startswith("0x") and found[7] == ("int", -(2**63))
    assert found[8] == ("int", hex(2**64)) and found[9] == ("str", "\\ud800")


def test_a_generator_is_not_consumed() -> None:
    ran = []

    def numbers():
        ran.append(1)
        yield torch.ones(1)

    generator, iterator = numbers(), iter([torch.ones(1)])
    value = described([generator, iterator])
    assert isinstance(value, SequenceValue)
    assert value.items[0] == OtherValue("generator", "not consumed")
    assert not ran and len(list(generator)) == 1 and len(list(iterator)) == 1


def test_a_hundred_thousand_leaves_are_looked_at_a_hundred_times(monkeypatch: pytest.MonkeyPatch) -> None:
    looked: list[object] = []
    real = Summarizer.describe

    def describe(self: Summarizer, value: object) -> Value:
        looked.extend([value] * isinstance(value, torch.Tensor))
        return real(self, value)

    monkeypatch.setattr(Summarizer, "describe", describe)
    value = Summarizer(False).describe([torch.ones(1)] * 100_000)
    assert isinstance(value, SequenceValue) and (len(value.items), value.length) == (MAX_ITEMS, 100_000)
    assert len(looked) == MAX_ITEMS
    looked.clear()
    Summarizer(False).describe(output("many_nested"))
    assert len(looked) <= MAX_PARTS + MAX_ITEMS


@pytest.mark.parametrize("statistics_too", [True, False])
def test_a_small_tuple_is_told_as_a_walk_tells_it(statistics_too: bool) -> None:
    tensor, summarizer = torch.arange(4.0), Summarizer(statistics_too)
    values = [(), (tensor,), (tensor, None, "x", 3), (tensor, tensor, tensor.relu(), torch.zeros(2), True)]
    for value in [*values, (torch.nn.Parameter(tensor), tensor), ((tensor,), tensor)]:
        for _ in range(2):
            walked = Walk(Records(), Summarizer(statistics_too).tensor).describe(value)
            assert summarizer.describe(value) == walked
    tensor.data += 1
    assert summarizer.describe((tensor,)) == Summarizer(statistics_too).describe((tensor,))


@pytest.mark.parametrize("name", ["deep", "deep_dataclass", "deep_objects"])
def test_three_thousand_levels_are_cut(name: str) -> None:
    cut = [part for part in parts(described(output(name))) if isinstance(part, OtherValue)]
    assert len(cut) == 1


def test_a_cycle_is_said() -> None:
    value = described(output("self_reference"))
    assert isinstance(value, SequenceValue)
    assert value.items[1] == OtherValue("list", "itself again (a cycle)")


def test_the_same_list_twice_is_no_cycle() -> None:
    inner = [torch.ones(1)]
    value = described((inner, inner))
    assert isinstance(value, SequenceValue) and value.items[0] == value.items[1]


def test_a_tensor_that_refuses_everything_is_still_described() -> None:
    value = described(torch.ones(2, 3).as_subclass(EvilTensor))
    assert isinstance(value, TensorValue)
    assert (value.shape, value.dtype, value.type) == ((2, 3), "float32", "EvilTensor")
    assert value.statistics is not None and value.statistics.mean == 1.0


def test_an_object_that_refuses_even_isinstance() -> None:
    value = described([EvilClass(), 1])
    assert isinstance(value, SequenceValue)
    assert value.items[0] == OtherValue("EvilClass", "")
    assert value.items[1] == ScalarValue("int", 1)


def test_a_ragged_dimension_is_minus_one() -> None:
    for name, shape in (("jagged", (2, -1, 3)), ("nested_strided", (2, -1, -1))):
        value = described(output(name))
        assert isinstance(value, TensorValue) and value.shape == shape
        assert value.statistics is not None and value.statistics.mean == 1.0


def test_a_nested_tensor_where_nobody_dispatches() -> None:
    nested = output("jagged")
    with outside_modes():
        carrier, words = numbers_of(nested)
        assert carrier is not None and carrier.sum().item() == 18 and words == "stored values"


def test_without_data_the_reason_is_given() -> None:
    value = described(torch.empty(3, device="meta"))
    assert isinstance(value, TensorValue) and value.statistics is None and "meta" in value.why


def test_nothing_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    import weakref

    summarizer = Summarizer()
    x = torch.ones(3)
    summarizer.describe([x])
    gone = weakref.ref(x)
    del x
    assert gone() is None


def reductions(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many ordinary tensors were given statistics, whoever made them."""
    counted: list[int] = []
    real = Summarizer._remember
    monkeypatch.setattr(Summarizer, "_remember", lambda *of: (counted.append(1), real(*of))[1])
    return counted


def test_a_value_handed_on_is_reduced_once(monkeypatch: pytest.MonkeyPatch) -> None:
    counted = reductions(monkeypatch)
    summarizer, x = Summarizer(), torch.randn(5)
    assert summarizer.describe(x) is summarizer.describe(x)
    assert len(counted) == 1


@pytest.mark.parametrize("write", ["add_", "data", "view", "requires_grad_", "unsqueeze_"])
def test_a_value_that_changed_is_described_anew(write: str) -> None:
    summarizer, x = Summarizer(), torch.tensor([1.0, 2.0])
    before = summarizer.describe(x)
    if write == "add_":
        x.add_(1)
    elif write == "data":
        x.data += 1
    elif write == "view":
        x.view(-1)[0] = 9
    elif write == "requires_grad_":
        x.requires_grad_()
    else:
        x.unsqueeze_(0)
    after = summarizer.describe(x)
    assert after != before and after == described(x)


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (torch.ones(1, 64, 56, 56), "1×64×56×56"),
        (torch.tensor(1.0), "scalar"),
        ([torch.ones(2, 3), {"a": torch.ones(1)}], "2×3 +1"),
        (None, "None"),
        (3, "3"),
        ({}, "dict"),
        ("\ud800", "\\ud800"),
    ],
)
def test_brief(value: object, words: str) -> None:
    assert brief_text(abbreviate(described(value))) == words


def test_nan_anywhere_inside_is_noticed() -> None:
    assert find_odd(described([1, {"a": (torch.tensor([float("nan")]),)}])) == "NaN"
    assert find_odd(described([1, torch.ones(2)])) == find_odd(None) == ""
    assert find_odd(described([torch.tensor([float("inf")]), torch.zeros(2)])) == "Inf"
    assert find_odd(described(torch.tensor([float("inf")])), described(torch.tensor([float("nan")]))) == "NaN"


def test_dead_is_what_holds_floats_and_all_of_them_zero() -> None:
    assert find_odd(described((torch.zeros(2, 3), torch.tensor([1]), torch.zeros(1)))) == "zeros"
    assert find_odd(described((torch.zeros(2), torch.ones(2)))) == ""
    for nothing in (torch.zeros(2, dtype=torch.int64), torch.zeros(0), torch.zeros(2, device="meta"), None, 0.0):
        assert find_odd(described(nothing)) == ""
    assert find_odd(Summarizer(statistics=False).describe_now(torch.zeros(2))) == ""


def test_a_hundred_thousand_arguments_are_cut() -> None:
    x = torch.ones(1)
    found = Summarizer().arguments((x,) * 100_000)
    assert len(found) == MAX_ITEMS + 1 and found[-1] == OtherValue("…", "99900 more")
    keywords = Summarizer().keywords({f"k{i}": x for i in range(100_000)})
    assert (len(keywords.keys), len(keywords.items), keywords.length) == (MAX_ITEMS, MAX_ITEMS, 100_000)


def test_any_keyword_can_be_sent() -> None:
    keywords = Summarizer().keywords({"\ud800": 1, "k" * 5000: 2})
    assert keywords.keys[0] == "\\ud800" and len(keywords.keys[1]) <= 120


scalars = st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.binary() | st.complex_numbers()
nested_values = st.recursive(
    scalars | st.sampled_from([torch.ones(2), torch.tensor(float("nan")), nn.ReLU(), int, print]),
    lambda inner: st.lists(inner) | st.tuples(inner, inner) | st.dictionaries(st.text() | st.integers(), inner),
    max_leaves=20,
)


@settings(max_examples=80, deadline=None)
@given(nested_values)
def test_any_nested_value_crosses_the_channel(value: object) -> None:
    over_the_channel(described(value))
