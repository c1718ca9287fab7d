"""Every kind of tensor and object that a module may take or return: the right summary or a plain reason, in bounded
time and size, with nothing consumed and nobody else's code run."""

from __future__ import annotations

import csv
import dataclasses
import enum
import functools
import time
from collections import UserDict, deque
from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import Any

import numpy
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn

from inspector.engine.modules.tree import walk
from inspector.engine.recording.observers import Observers
from inspector.engine.recording.recorder import Recorder
from inspector.engine.values.known.records import MAX_ITEMS
from inspector.engine.values.summarize import Summarizer
from inspector.engine.values.walk import MAX_DEPTH, MAX_PARTS
from inspector.records import MappingValue, OtherValue, ScalarValue, SequenceValue, TensorValue, Value
from tests.engine.values.test_summarize import described, over_the_channel, parts

SECONDS = 2.0
"""For any one value; a busy machine included."""


def tensor_of(value: object, values: bool = False) -> TensorValue:
    found = described(value, values)
    assert isinstance(found, TensorValue)
    return found


def summary(found: TensorValue) -> tuple[float | None, float | None, int, str]:
    assert found.statistics is not None, found.why
    return found.statistics.min, found.statistics.max, found.statistics.zeros, found.statistics.of


def seen_inside(transform: Callable[[Callable[[Tensor], Tensor]], object]) -> list[TensorValue]:
    """What a summary says inside a transform, with and without a histogram."""
    seen: list[TensorValue] = []

    def look(x: Tensor) -> Tensor:
        seen.extend(tensor_of(x, values) for values in (False, True))
        return (x * 2).sum()

    transform(look)
    return seen


NUMBERS = torch.arange(6.0).view(3, 2)


@pytest.mark.parametrize(
    ("transform", "shape", "of"),
    [
        (lambda f: torch.vmap(f)(NUMBERS), (2,), "values in the whole batch of vmap"),
        (lambda f: torch.func.grad(f)(NUMBERS), (3, 2), "values"),
        (lambda f: torch.vmap(torch.func.grad(f))(NUMBERS), (2,), "values in the whole batch of vmap"),
        (lambda f: torch.func.jvp(f, (NUMBERS,), (NUMBERS,)), (3, 2), "values"),
        (lambda f: torch.func.jacrev(f)(NUMBERS), (3, 2), "values"),
    ],
    ids=["vmap", "grad", "vmap of grad", "jvp", "jacrev"],
)
def test_inside_a_transform(transform: Any, shape: tuple[int, ...], of: str) -> None:
    for found in seen_inside(transform):
        assert found.shape == shape and summary(found) == (0.0, 5.0, 1, of)


def test_looking_inside_a_transform_leaves_its_result_alone() -> None:
    plain = torch.func.grad(lambda x: (x * 2).sum())(NUMBERS)
    results: list[Tensor] = []
    seen_inside(lambda f: results.append(torch.func.grad(f)(NUMBERS)))
    assert torch.equal(results[0], plain)


def test_a_functional_tensor_is_not_read() -> None:
    for made in (torch._to_functional_tensor(torch.ones(3)), *seen_inside(torch_functionalized)):
        found = made if isinstance(made, TensorValue) else tensor_of(made)
        assert found.statistics is None and "pending" in found.why


def torch_functionalized(function: Callable[[Tensor], Tensor]) -> object:
    return torch.func.functionalize(function)(NUMBERS)


@pytest.mark.parametrize("left", [0, 40])
@pytest.mark.parametrize("strided", [False, True])
def test_freed_memory_is_not_touched(left: int, strided: bool) -> None:
    x = torch.ones(100, 10)
    view = x[:, ::2].t() if strided else x
    x.untyped_storage().resize_(left)
    for values in (False, True):
        assert tensor_of(view, values).why == "no values: its memory was freed"
    assert tensor_of(x[:1, :10] if left else x[:0]).shape[0] <= 1


def test_memory_that_is_nowhere_is_not_touched() -> None:
    """As torch.jit.load makes it of a damaged archive."""
    storage = torch._C._construct_storage_from_data_pointer(0, torch.device("cpu"), 48)
    tensor = torch.empty(0).set_(storage, 0, (3, 4), (4, 1))
    assert tensor_of(tensor, True).why == "no values: its memory was freed"


def test_a_window_over_shared_memory_costs_its_memory() -> None:
    began = time.perf_counter()
    found = tensor_of(torch.arange(1e5).as_strided((5 * 10**4, 4 * 10**4), (1, 1)), values=True)
    assert summary(found) == (0.0, 89998.0, 1, "stored values") and time.perf_counter() - began < SECONDS
    exact = tensor_of(torch.arange(20.0).as_strided((5, 4), (1, 1)))
    assert exact.statistics is not None and (exact.statistics.mean, exact.statistics.of) == (3.5, "values")


def test_a_zero_tensor_is_zeros() -> None:
    found = tensor_of(torch._efficientzerotensor((2, 3)), values=True)
    assert summary(found) == (0.0, 0.0, 6, "values") and found.preview is not None


def test_masked_and_lazy() -> None:
    from torch.masked import masked_tensor

    found = tensor_of(masked_tensor(torch.tensor([5.0, 1.0, 9.0]), torch.tensor([True, True, False])), values=True)
    assert summary(found) == (1.0, 5.0, 0, "unmasked values")
    lazy = tensor_of(nn.UninitializedParameter())
    assert (lazy.dtype, lazy.why, lazy.nbytes) == ("float32", "no values yet: lazy", 0)


def test_symbolic_sizes() -> None:
    from torch._dynamo.source import ConstantSource
    from torch._subclasses.fake_tensor import FakeTensorMode
    from torch.fx.experimental.symbolic_shapes import ShapeEnv

    mode = FakeTensorMode(shape_env=ShapeEnv())
    x = mode.from_tensor(torch.ones(5, 3), static_shapes=False, source=ConstantSource("x"))
    found = tensor_of(x)
    assert found.shape == (-1, -1) and found.nbytes == 0 and found.why == "no values: a fake tensor"
    symbols = described((x.shape[0], torch.sym_float(x.shape[0]), x.shape[0] > 9))
    assert isinstance(symbols, SequenceValue)
    assert {item.text for item in symbols.items if isinstance(item, OtherValue)} == {"a symbol: no value while tracing"}
    over_the_channel(found)


def unusable_dtypes() -> Iterator[torch.dtype]:
    yield from (found for name in dir(torch) if isinstance(found := getattr(torch, name), torch.dtype))


@pytest.mark.parametrize("dtype", sorted(set(unusable_dtypes()), key=str), ids=str)
@pytest.mark.parametrize("values", [False, True], ids=["statistics", "values"])
def test_every_dtype_has_statistics_or_a_reason(dtype: torch.dtype, values: bool) -> None:
    try:
        x = torch.zeros(4, dtype=dtype)
    except (RuntimeError, NotImplementedError):
        x = torch.empty(4, dtype=dtype)  # torch cannot even write zeros
    found = tensor_of(x, values)
    assert found.shape == (4,) and (found.statistics is not None or found.why.startswith("no statistics: "))
    over_the_channel(found)


class Inner(Tensor):
    """Wraps others and refuses every operation on itself."""

    held: dict[str, Tensor]

    @staticmethod
    def __new__(cls, shape: tuple[int, ...], **held: Tensor) -> Inner:
        made = Tensor._make_wrapper_subclass(cls, shape)  # type: ignore[attr-defined]
        for name, tensor in held.items():
            setattr(made, name, tensor)
        return made  # type: ignore[no-any-return]

    @classmethod
    def __torch_dispatch__(cls, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        raise AssertionError(f"ran {func}")

    @classmethod
    def __torch_function__(cls, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        raise AssertionError(f"ran {func}")


class Listening(Inner):
    """Keeps its elements itself."""

    @staticmethod
    def __new__(cls, tensor: Tensor) -> Listening:
        return Tensor._make_subclass(cls, tensor)


@pytest.mark.parametrize("statistics", [False, True])
def test_a_subclass_is_read_without_its_own_operations(statistics: bool) -> None:
    summarizer = Summarizer(statistics)
    for made in (Inner((3,), elements=torch.ones(3)), Listening(torch.ones(3)), Inner((3,), scale=torch.ones(1))):
        found = summarizer.describe(made)
        assert isinstance(found, TensorValue) and (found.shape, found.dtype) == ((3,), "float32")


def test_what_a_wrapper_holds() -> None:
    assert summary(tensor_of(Inner((3,), elements=torch.ones(3)))) == (1.0, 1.0, 0, "values in its 'elements'")
    assert summary(tensor_of(Listening(torch.ones(3)), values=True)) == (1.0, 1.0, 0, "values")
    packed = Inner((3,), packed=torch.ones(2, dtype=torch.int8), scale=torch.ones(1))
    assert tensor_of(packed).why == "no values of its own: made of packed int8 2, scale float32 1"
    assert tensor_of(Inner((3,))).why == "no values: they are not kept in memory"


class Bites:
    """Whatever is asked of it, it does what it should not."""

    def _bite(self, *args: object, **kwargs: object) -> Any:
        raise AssertionError("somebody's own code was run")

    __repr__ = __str__ = __len__ = __iter__ = __eq__ = __bool__ = __int__ = __float__ = __index__ = __getitem__ = _bite
    __getattr__ = __contains__ = __hash__ = __format__ = __bytes__ = __next__ = __length_hint__ = _bite  # type: ignore[assignment]
    __lt__ = __gt__ = __le__ = __ge__ = __ne__ = __reversed__ = keys = values = items = encode = _bite  # type: ignore[assignment]

    @property
    def shape(self) -> Any:
        return self._bite()

    dtype = tensor = data = shape


class Meta(type):
    def __getattribute__(cls, name: str) -> Any:
        if name in ("__name__", "__qualname__", "__module__", "_fields", "__dict__", "__torch_function__"):
            raise AssertionError(f"the metaclass was asked for {name}")
        return super().__getattribute__(name)

    def __instancecheck__(cls, instance: object) -> bool:
        raise AssertionError("the metaclass was asked")


class WithMeta(metaclass=Meta):
    pass


class Lies:
    """Says that it is a tensor."""

    @property
    def __class__(self) -> Any:  # type: ignore[override]
        return Tensor


class BitesAttribute:
    def __getattribute__(self, name: str) -> Any:
        raise AssertionError(f"was asked for {name}")


@dataclasses.dataclass
class BitingFields:
    x: Any
    y: Any = 2

    def __getattribute__(self, name: str) -> Any:
        raise AssertionError(f"was asked for {name}")


class BitingDict(Bites, dict):  # type: ignore[type-arg]
    pass


class BitingList(Bites, list):  # type: ignore[type-arg]
    pass


class BitingTuple(Bites, tuple):
    pass


class BitingStr(Bites, str):
    pass


class BitingInt(Bites, int):
    pass


class BitingFloat(Bites, float):
    pass


class BitingBytes(Bites, bytes):
    pass


class BitingComplex(Bites, complex):
    pass


class BitingSet(Bites, set):  # type: ignore[type-arg]
    pass


class BitingDeque(Bites, deque):  # type: ignore[type-arg]
    pass


X = torch.ones(2)

BITING: dict[str, Callable[[], object]] = {
    "object": Bites, "metaclass": WithMeta, "its class": lambda: WithMeta, "lies": Lies, "attribute": BitesAttribute,
    "fields": lambda: BitingFields(X), "dict": lambda: BitingDict(a=X), "list": lambda: BitingList([X]),
    "tuple": lambda: BitingTuple((X,)), "str": lambda: BitingStr("text"), "int": lambda: BitingInt(3),
    "float": lambda: BitingFloat(2.5), "bytes": lambda: BitingBytes(b"abc"), "complex": lambda: BitingComplex(1, 2),
    "set": lambda: BitingSet(), "deque": lambda: BitingDeque([X]),
    "key": lambda: {("a", 1): X, 2**70: X, b"\x00": X, 10**5000: X},
}  # fmt: skip


@pytest.mark.parametrize("name", BITING)
@pytest.mark.parametrize("wrap", [lambda v: v, lambda v: [v], lambda v: {"a": v}, lambda v: SimpleNamespace(v=[v])])
def test_nobody_elses_code_is_run(name: str, wrap: Callable[[object], object]) -> None:
    found = described(wrap(BITING[name]()))
    assert not [part for part in parts(found) if isinstance(part, OtherValue) and "cannot be read" in part.text]
    over_the_channel(found)


def test_what_biting_objects_are() -> None:
    assert described(BitingInt(3)) == ScalarValue("BitingInt", 3)
    assert described(BitingStr("text")) == ScalarValue("BitingStr", "text")
    assert described(BitingFloat(2.5)) == ScalarValue("BitingFloat", 2.5)
    assert described(BitingComplex(1, 2)) == ScalarValue("BitingComplex", "1+2j")
    assert described(Lies()) == OtherValue("Lies", "")
    assert described(WithMeta) == OtherValue("Meta", "WithMeta")
    fields = described(BitingFields(X))
    assert isinstance(fields, MappingValue) and fields.keys == ("x", "y") and isinstance(fields.items[0], TensorValue)
    assert described(BitingDict(a=1)) == MappingValue("BitingDict", ("a",), (ScalarValue("int", 1),), 1)
    keys = described(BITING["key"]())
    assert isinstance(keys, MappingValue) and keys.keys[:3] == ("(a, 1)", hex(2**70), "b'\\x00'")
    assert keys.keys[3].startswith("0x") and keys.keys[3].endswith("bits)")


class Colour(enum.Enum):
    RED = [1]  # noqa: RUF012  # a member that holds a list


class Level(enum.IntEnum):
    HIGH = 3


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (Colour.RED, OtherValue("Colour", "RED")),
        (Level.HIGH, ScalarValue("Level", "HIGH")),
        (torch.float16, OtherValue("dtype", "torch.float16")),
        (torch.device("meta"), OtherValue("device", "device(type='meta')")),
        (nn.ReLU(), OtherValue("ReLU", "a module")),
        (torch.relu, OtherValue("builtin_function_or_method", "_VariableFunctionsClass.relu")),
        (functools.partial(described, 1), OtherValue("partial", "of described")),
        (functools.partial(nn.ReLU()), OtherValue("partial", "of a ReLU")),
        (numpy.ones((2, 3), numpy.float32), OtherValue("ndarray", "float32 2×3")),
        (numpy.float64(3), ScalarValue("float64", 3.0)),
        (numpy.int16(3), OtherValue("int16", "int16 scalar")),
        (numpy.array([object()]), OtherValue("ndarray", "object 1")),
        (bytearray(b"ab"), OtherValue("bytearray", "2 bytes: b'ab'")),
        (frozenset({1}), OtherValue("frozenset", "1 items")),
        (torch, OtherValue("module", "torch")),
        (int, OtherValue("type", "int")),
    ],
)
def test_what_is_named(value: object, expected: Value) -> None:
    assert described(value) == expected


def test_sequences_and_mappings_of_the_standard_library() -> None:
    for made in (deque([X, 1]), {"a": X, "b": 1}.values()):
        found = described(made)
        assert isinstance(found, SequenceValue) and found.length == 2 and isinstance(found.items[0], TensorValue)
    wrapped = described(UserDict(a=X))
    assert isinstance(wrapped, MappingValue) and wrapped.keys == ("data",)
    assert described(torch.Size([2, 3])) == SequenceValue(
        "Size", (ScalarValue("int", 2), ScalarValue("int", 3)), 2, (), True
    )


LAZY: dict[str, Callable[[], Any]] = {
    "generator": lambda: (i for i in [1]), "map": lambda: map(abs, [1]), "zip": lambda: zip([1]),
    "iter": lambda: iter([1]), "reversed": lambda: reversed([1]), "filter": lambda: filter(None, [1]),
    "enumerate": lambda: enumerate([1]), "csv": lambda: csv.reader(["1"]), "dict iterator": lambda: iter({1: 2}),
}  # fmt: skip


@pytest.mark.parametrize("name", LAZY)
def test_nothing_is_consumed(name: str) -> None:
    lazy = LAZY[name]()
    described([lazy, {"a": lazy}])
    assert len(list(lazy)) >= 1


def recursive() -> object:
    inner = BitingFields(X)
    inner.y = inner
    return inner


LARGE: dict[str, Callable[[], object]] = {
    "a million ints": lambda: list(range(10**6)), "a dict of a million": lambda: dict.fromkeys(range(10**6), X),
    "100k tensors": lambda: [X] * 10**5, "a long text": lambda: "x" * 5_000_000, "long bytes": lambda: b"x" * 5_000_000,
    "a deep list": lambda: functools.reduce(lambda a, _: [a], range(10_000), X),
    "a deep mixture": lambda: functools.reduce(lambda a, i: [{"a": a}, (a,), a][i % 3], range(10_000), X),
    "wide and deep": lambda: [[[[[X] * 100] * 100] * 100] * 100] * 100, "a huge int": lambda: 1 << 10**7,
    "a recursive dataclass": recursive, "a long key": lambda: {"k" * 10**6: X, b"k" * 10**6: X},
    "many attributes": lambda: SimpleNamespace(**{f"a{i}": X for i in range(10_000)}),
}  # fmt: skip


@pytest.mark.parametrize("name", LARGE)
def test_size_and_time_are_bounded(name: str) -> None:
    made = LARGE[name]()
    began = time.perf_counter()
    found = described(made, values=True)
    assert time.perf_counter() - began < SECONDS
    assert sum(1 for _ in parts(found)) <= MAX_PARTS + MAX_DEPTH * MAX_ITEMS
    assert len(repr(found)) < 3_000_000
    over_the_channel(found)


def leaf() -> st.SearchStrategy[Any]:
    tensors = [
        X, X[:0], torch.ones(2, 2).to_sparse(), torch.ones(1).expand(10**9), torch.empty(3, device="meta"),
        torch.nested.nested_tensor([torch.ones(2), torch.ones(3)], layout=torch.jagged), X.to(torch.float8_e5m2),
        torch.quantize_per_tensor(X, 0.1, 0, torch.qint8), torch.complex(X, X).conj(), nn.Parameter(X),
        Inner((3,), elements=torch.ones(3)), nn.UninitializedParameter(),
    ]  # fmt: skip
    leaves = [*tensors, *(make() for name, make in BITING.items() if name != "key")]
    return st.integers(0, len(leaves) - 1).map(lambda at: leaves[at])  # `sampled_from` would print them


def structures() -> st.SearchStrategy[Any]:
    return st.recursive(
        leaf() | st.none() | st.integers() | st.floats() | st.text(),
        lambda inner: (
            st.lists(inner, max_size=5)
            | st.tuples(inner, inner)
            | st.dictionaries(st.text() | st.integers(), inner, max_size=5)
            | inner.map(BitingFields)
            | inner.map(lambda value: SimpleNamespace(held=[value]))
            | inner.map(lambda value: BitingDict(a=value))
        ),
        max_leaves=25,
    )


class Unprinted:
    """Hypothesis prints its examples, and these bite."""

    def __init__(self, value: Any) -> None:
        self.value = value


@settings(max_examples=60, deadline=None)
@given(structures().map(Unprinted), st.booleans())
def test_any_structure_of_any_leaves(example: Unprinted, values: bool) -> None:
    found = described(example.value, values)
    assert not [p for p in parts(found) if isinstance(p, OtherValue) and "cannot be read" in p.text]
    over_the_channel(found)


class Gives(nn.Module):
    def __init__(self, made: object) -> None:
        super().__init__()
        self.made = [made]  # torch asks every attribute for its class

    def forward(self, x: object) -> object:
        return self.made[0]


@pytest.mark.parametrize("name", BITING)
@pytest.mark.parametrize("gradients", [False, True])
def test_a_pass_records_it_and_hands_on_the_very_object(name: str, gradients: bool) -> None:
    made = BITING[name]()
    model = Gives(made)
    tree = walk(model)
    observers = Observers(tree)
    observers.add(tree.nodes[0])
    recorder = observers.recorder = Recorder(tree, gradients=gradients)
    try:
        assert model(made) is made
    finally:
        observers.remove_all()
    recorder.finish()
    assert not recorder.faults and recorder.calls[0].status == "ok"
