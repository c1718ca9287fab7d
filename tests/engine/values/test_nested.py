"""One walker for every nested value: order, sharing, what is made anew, and what is told."""

from __future__ import annotations

import copy
from collections import OrderedDict, defaultdict, deque
from collections.abc import Callable
from dataclasses import dataclass
from types import MappingProxyType, SimpleNamespace
from typing import Any, NamedTuple

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn

from inspector.engine.values import nested
from inspector.engine.values.nested import own_copy, tensors_in
from inspector.engine.values.parts import RebuildError
from inspector.engine.values.value_path import parse_steps, part_at, replace_at
from tests.models import ModelOutput

A, B, C = torch.tensor([1.0]), torch.tensor([2.0]), torch.tensor([3.0])


class Pair(NamedTuple):
    first: Any
    second: Any


@dataclass(frozen=True)
class Frozen:
    first: Any
    second: Any


class Slots:
    __slots__ = ("first", "never", "second")

    def __init__(self, first: Any, second: Any) -> None:
        self.first, self.second = first, second


@dataclass
class Base:
    second: Any


class Cache:
    """Two levels of objects, as the key-value caches of transformers are made."""

    def __init__(self, first: Any, second: Any) -> None:
        self.layers = [SimpleNamespace(keys=first, values=second)]

    def __len__(self) -> int:
        raise RuntimeError("nobody may ask")

    __iter__ = __getattr__ = __eq__ = __len__  # type: ignore[assignment]


class Bag(dict):
    def __setitem__(self, key: Any, value: Any) -> None:
        raise RuntimeError("nobody may fill it so")


def named_result(first: Tensor, second: Tensor) -> Any:
    return torch.return_types.max((first, second))


CONTAINERS: dict[str, Callable[[Any, Any], Any]] = {
    "tuple": lambda a, b: (a, b),
    "list": lambda a, b: [a, b],
    "dict": lambda a, b: {"b": a, "a": b},
    "ordered": lambda a, b: OrderedDict(b=a, a=b),
    "default": lambda a, b: defaultdict(list, b=a, a=b),
    "dict subclass": lambda a, b: Bag(b=a, a=b),
    "read-only view": lambda a, b: MappingProxyType({"b": a, "a": b}),
    "deque": lambda a, b: deque([a, b], maxlen=2),
    "namedtuple": Pair,
    "torch's own result": named_result,
    "dataclass": Frozen,
    "slots": Slots,
    "object": lambda a, b: SimpleNamespace(b=a, a=b),
    "cache": Cache,
    "ModelOutput": lambda a, b: ModelOutput(logits=a, past=None, hidden=(b,)),
    "distribution": lambda a, b: torch.distributions.Normal(a, b, validate_args=False),
}  # fmt: skip


@pytest.fixture(params=CONTAINERS, ids=list(CONTAINERS))
def made(request: pytest.FixtureRequest) -> Any:
    return CONTAINERS[request.param](A, B)


def numbers(value: Any) -> list[float]:
    return [tensor.item() for tensor in tensors_in(value)]


def test_tensors_come_first_to_last(made: Any) -> None:
    assert [id(tensor) for tensor in tensors_in([made, C])] == [id(A), id(B), id(C)]


def test_every_container_is_made_anew_around_what_is_new(made: Any) -> None:
    new = nested.replace(made, lambda tensor: tensor * 10)
    assert type(new) is type(made) and numbers(new) == [10, 20]
    assert numbers(made) == [1, 2]


def test_what_stays_as_it_is_is_the_same_object(made: Any) -> None:
    assert nested.replace(made, lambda tensor: tensor) is made
    other = [made, {"kept": [C]}]
    new = nested.replace(other, lambda tensor: tensor + 1 if tensor is not C else tensor)
    assert new is not other and new[1] is other[1] and numbers(new) == [2, 3, 3]


def test_a_copy_shares_nothing(made: Any) -> None:
    copied = nested.copy([made, made], own_copy)
    assert not copied.refused and copied.value[0] is copied.value[1] is not made
    for tensor in tensors_in(copied.value):
        tensor.fill_(9)
    assert numbers(made) == [1, 2] and numbers(copied.value) == [9, 9]


def test_other_settings_of_a_container_are_kept() -> None:
    assert nested.replace(deque([A], maxlen=3), own_copy).maxlen == 3
    assert nested.replace(defaultdict(list, a=A), own_copy).default_factory is list
    output = nested.replace(ModelOutput(logits=A, past=None, hidden=(B,)), lambda tensor: tensor * 2)
    assert output.logits is output["logits"] and output.logits.item() == 2


def test_what_a_function_raises_is_raised(made: Any) -> None:
    def refuse(tensor: Tensor) -> Tensor:
        raise ZeroDivisionError("of the caller")

    for use in (nested.replace, nested.copy):
        with pytest.raises(ZeroDivisionError, match="of the caller"):
            use(made, refuse)


def test_a_shared_tensor_is_given_once_and_stays_shared() -> None:
    calls: list[Tensor] = []

    def double(tensor: Tensor) -> Tensor:
        calls.append(tensor)
        return tensor * 2

    new = nested.replace({"a": [A, A], "b": (A,)}, double)
    assert len(calls) == 1 and new["a"][0] is new["a"][1] is new["b"][0]


def test_a_value_that_contains_itself_is_copied_as_one() -> None:
    inner: list[Any] = [A]
    value = (inner, SimpleNamespace(own=inner))
    inner.append(value)
    for new in (nested.copy(value, own_copy).value, nested.replace(value, own_copy)):
        assert new is not value and new[0][1] is new and new[1].own is new[0] and new[0][0] is not A


@pytest.mark.parametrize("wrap", [lambda x: [x], lambda x: (x,), lambda x: {"x": x}, SimpleNamespace, Base])
def test_depth_is_no_limit(wrap: Callable[..., Any]) -> None:
    value: Any = A
    for _ in range(5_000):
        value = wrap(value) if wrap is not SimpleNamespace else SimpleNamespace(x=value)
    assert numbers(nested.replace(value, lambda tensor: tensor + 1)) == [2]
    assert numbers(nested.copy(value, own_copy).value) == [1]


def test_modules_and_classes_are_not_looked_into() -> None:
    module = nn.Linear(1, 1)
    assert not list(tensors_in([module, nn.Linear, SimpleNamespace(owner=module)]))


def test_objects_are_bounded() -> None:
    value = [SimpleNamespace(x=torch.zeros(1)) for _ in range(nested.MAX_OBJECTS + 50)]
    assert len(list(tensors_in(value))) == nested.MAX_OBJECTS


class Refuses:
    def __init__(self, held: Any) -> None:
        self.held = held

    def __copy__(self) -> Any:
        raise RuntimeError("not me")


class One(Refuses):
    def __copy__(self) -> Any:
        return self


class Handle:
    """Of something outside, which its end ends."""

    ended = 0

    def __init__(self, held: Any) -> None:
        self.held = held

    def __del__(self) -> None:
        Handle.ended += 1


def test_nothing_is_ended_by_the_end_of_a_copy() -> None:
    handle = Handle(A)
    assert "finalizer" in nested.copy([handle], own_copy).refused[0] and Handle.ended == 0


def test_what_refuses_is_told() -> None:
    for value, why in ((Refuses(A), "not me"), (One(A), "itself"), ({"a": A}.values(), "pickle")):
        with pytest.raises(RebuildError, match=why):
            nested.replace([value], own_copy)
        copied = nested.copy([value, B], own_copy)
        assert copied.value[0] is value and copied.value[1] is not B
        assert len(copied.refused) == 1 and why in copied.refused[0]
    for value in ((n for n in [A]), nn.Linear(1, 1)):
        assert nested.copy([value], own_copy).refused
    assert not nested.copy([1, "a", None, print, range(3), torch.float32, Tensor, {1: {2}}], own_copy).refused


@pytest.mark.parametrize(
    ("value", "path"),
    [
        ((A, B), "[1]"), ([A, B], "[-1]"), ({"x": [A, B]}, "['x'][1]"), (Pair(A, B), ".second"), (Pair(A, B), "[1]"),
        (Frozen(A, B), ".second"), (Slots(A, B), ".second"), (SimpleNamespace(y=B), ".y"), (deque([A, B]), "[-1]"),
        (ModelOutput(logits=A, past=None, hidden=(B,)), ".hidden[0]"),
        (ModelOutput(logits=A, past=None, hidden=(B,)), "['hidden'][0]"),
        (ModelOutput(logits=B, past=None, hidden=None), "[0]"),
    ],
)  # fmt: skip
def test_the_part_at_a_path_is_replaced(value: Any, path: str) -> None:
    steps = parse_steps(path)
    assert part_at(value, steps) is B and replace_at(value, steps, lambda part: part) is value
    new = replace_at(value, steps, lambda part: part * 10)
    assert type(new) is type(value) and part_at(new, steps).item() == 20 and part_at(value, steps) is B
    assert [n for n in numbers(new) if n != 20] == [n for n in numbers(value) if n != 2]
    if isinstance(value, ModelOutput):
        assert list(new) == list(value) and all(getattr(new, key) is new[key] for key in new)


def test_only_the_named_one_of_two_equal_parts_is_replaced() -> None:
    new = replace_at([A, A], parse_steps("[1]"), lambda part: part * 10)
    assert numbers(new) == [1, 10]


@pytest.mark.parametrize("path", ["[2]", "['x']", ".none"])
def test_a_path_that_is_not_there_is_an_error(path: str) -> None:
    with pytest.raises(LookupError, match="there is no"):
        replace_at((A, B), parse_steps(path), lambda part: part)


VALUES = st.recursive(
    st.none() | st.integers() | st.just(A) | st.builds(lambda: torch.zeros(1)),
    lambda inner: st.lists(inner) | st.tuples(inner, inner) | st.dictionaries(st.text(), inner)
    | st.builds(Pair, inner, inner) | st.builds(Frozen, inner, inner) | st.builds(deque, st.lists(inner)),
)  # fmt: skip


@settings(max_examples=60, deadline=None)
@given(VALUES)
def test_a_copy_is_what_deepcopy_makes(value: Any) -> None:
    def drawn(value: Any) -> str:
        with torch.no_grad():
            return repr(value)

    copied = nested.copy(value, own_copy)
    assert not copied.refused and drawn(copied.value) == drawn(copy.deepcopy(value))
    assert not {id(tensor) for tensor in tensors_in(value)} & {id(tensor) for tensor in tensors_in(copied.value)}
