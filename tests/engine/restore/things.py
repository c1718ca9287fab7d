"""Things with state that a module may hold, each with how it is changed and what it is now, in plain Python."""

from __future__ import annotations

import array
import contextvars
import dataclasses
import io
import itertools
import queue
import random
import threading
import types
from collections import Counter, OrderedDict, UserDict, defaultdict, deque, namedtuple
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy
import torch
from torch import nn


class Thing(NamedTuple):
    """`make` gives one, `change` changes it in place, `look` says what it is now. `said`: it cannot be put back."""

    name: str
    make: Callable[[], Any]
    change: Callable[[Any], Any]
    look: Callable[[Any], Any]
    said: str = ""


class Own:
    """Somebody's object, which lies about itself."""

    kind = "class attribute"

    def __init__(self) -> None:
        self.count, self.items = 0, [1]

    def __getattribute__(self, name: str) -> Any:
        if name == "__dict__":
            raise RuntimeError("not yours")
        return super().__getattribute__(name)

    def __setattr__(self, name: str, value: Any) -> None:
        object.__setattr__(self, name, value)

    def __eq__(self, other: object) -> bool:
        raise RuntimeError("no eq")

    __hash__ = None  # type: ignore[assignment]


class Slotted:
    __slots__ = ("filled", "later")

    def __init__(self) -> None:
        self.filled = {"a": 1}


@dataclasses.dataclass
class Data:
    steps: int = 0
    seen: list[int] = dataclasses.field(default_factory=list)


@dataclasses.dataclass(frozen=True)
class Frozen:
    cache: dict[str, int] = dataclasses.field(default_factory=dict)


Pair = namedtuple("Pair", "left right")


class MyList(list):
    tag: Any = None


def own_change(value: Own) -> None:
    value.count += 1
    value.items.append(2)
    value.new = 1


def own_look(value: Own) -> Any:
    held = object.__getattribute__(value, "__dict__")
    return {name: list(item) if isinstance(item, list) else item for name, item in held.items()}


def tensor_look(value: torch.Tensor) -> Any:
    return value.detach().clone().numpy().tobytes(), value._version, dict(vars(value))


def module_change(value: nn.Module) -> None:
    value.train()
    value(torch.ones(3, 2))
    value.weight.data.add_(1)
    value.extra = [1]
    value.register_forward_hook(print)


def module_look(value: nn.Module) -> Any:
    tensors = {name: tensor.detach().clone().numpy().tobytes() for name, tensor in value.state_dict().items()}
    return tensors, value.training, list(vars(value)), len(value._forward_hooks)


def slotted_change(value: Slotted) -> None:
    value.filled["b"] = 2
    value.later = 1


def array_change(value: numpy.ndarray) -> None:
    value[0] = 9


def bytes_change(value: bytearray) -> None:
    value[0] = 9
    value.extend(b"more")


def counted() -> Callable[[], int]:
    calls = 0

    def count() -> int:
        nonlocal calls
        calls += 1
        return calls

    return count


def remembering(item: int, seen: list[int] = []) -> None:  # noqa: B006 (a default that is changed, on purpose)
    seen.append(item)


def default_of(function: Any) -> types.FunctionType:
    return types.FunctionType(function.__code__, function.__globals__, "remembering", ([],))


class Parent(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.held = [nn.BatchNorm1d(2)]


def endless() -> Any:
    number = 0
    while True:
        number += 1
        yield number


def keyed() -> dict[Any, int]:
    return {Data: 1, ("a", 1): 2, "c": 3}


class Local(threading.local):
    pass


def local() -> Local:
    made = Local()
    made.count = 0
    return made


def opened() -> io.BufferedReader:
    return open(__file__, "rb")


BIG = 30_000

THINGS = [
    Thing("list", lambda: [1, 2], lambda v: v.append(3), list),
    Thing("big list", lambda: list(range(BIG)), lambda v: v.__setitem__(BIG // 3 + 1, -1), list),
    Thing("dict", keyed, lambda v: v.update(c=4, d=5), lambda v: list(v.items())),
    Thing("big dict", lambda: dict.fromkeys(range(BIG)), lambda v: v.pop(7), lambda v: list(v.items())),
    Thing("set", lambda: {1, 2}, lambda v: v.add(3), sorted),
    Thing("deque", lambda: deque([1, 2], maxlen=3), lambda v: v.extend([7, 8]), lambda v: (list(v), v.maxlen)),
    Thing("ordered", lambda: OrderedDict(a=1, b=2), lambda v: v.move_to_end("a"), lambda v: list(v.items())),
    Thing("default", lambda: defaultdict(int), lambda v: v["grown"], dict),
    Thing("counter", lambda: Counter("ab"), lambda v: v.update("a"), dict),
    Thing("user dict", lambda: UserDict(a=1), lambda v: v.update(b=1), lambda v: dict(v.data)),
    Thing("list of a class", lambda: MyList([1]), lambda v: setattr(v, "tag", v.append(1) or 1),
          lambda v: (list(v), vars(v))),
    Thing("bytearray", lambda: bytearray(b"abc"), bytes_change, bytes),
    Thing("array", lambda: array.array("d", [1, 2]), lambda v: v.append(3), lambda v: v.tobytes()),
    Thing("memoryview", lambda: memoryview(bytearray(b"abc")), lambda v: v.__setitem__(0, 9), bytes),
    Thing("ndarray", lambda: numpy.arange(6.0), array_change, lambda v: (v.tobytes(), v.shape)),
    Thing("strided ndarray", lambda: numpy.arange(6.0)[::-2], array_change, lambda v: v.tobytes()),
    Thing("ndarray of bits", lambda: numpy.array([float("nan"), -0.0]), array_change, lambda v: v.tobytes()),
    Thing("object ndarray", lambda: numpy.array([[1], None], dtype=object), lambda v: v[0].append(2),
          lambda v: [list(v[0]), v[1]]),
    Thing("ndarray of names", lambda: numpy.array(["a", "b"]), lambda v: v.__setitem__(0, "z"), list),
    Thing("reshaped ndarray", lambda: numpy.arange(6), lambda v: setattr(v, "shape", (2, 3)), lambda v: v.shape),
    Thing("tensor", lambda: torch.ones(3), lambda v: v.add_(1), tensor_look),
    Thing("data of a tensor", lambda: torch.ones(3), lambda v: v.data.add_(1), tensor_look),
    Thing("parameter", lambda: nn.Parameter(torch.ones(3)), lambda v: setattr(v, "tag", v.data.mul_(2)), tensor_look),
    Thing("view", lambda: torch.ones(4, 4)[1:, ::2], lambda v: v.zero_(), lambda v: v.clone().numpy().tobytes()),
    Thing("storage", lambda: torch.ones(3).untyped_storage(), lambda v: v.__setitem__(0, 7), lambda v: v.tolist()),
    Thing("module", lambda: nn.BatchNorm1d(2).eval(), module_change, module_look),
    Thing("module in a module", Parent, lambda v: module_change(v.held[0]), lambda v: module_look(v.held[0])),
    Thing("own object", Own, own_change, own_look),
    Thing("slots", Slotted, slotted_change, lambda v: (dict(v.filled), hasattr(v, "later"))),
    Thing("dataclass", Data, lambda v: v.seen.append(v.__setattr__("steps", 1)), lambda v: (v.steps, list(v.seen))),
    Thing("frozen dataclass", Frozen, lambda v: v.cache.update(a=1), lambda v: dict(v.cache)),
    Thing("namespace", lambda: types.SimpleNamespace(a=[1]), lambda v: v.a.append(setattr(v, "b", 1)),
          lambda v: (list(v.a), list(vars(v)))),
    Thing("named tuple", lambda: Pair([1], torch.ones(2)), lambda v: (v.left.append(1), v.right.add_(1)),
          lambda v: (list(v.left), v.right.tolist())),
    Thing("torch generator", lambda: torch.Generator().manual_seed(3), lambda v: torch.rand(1, generator=v),
          lambda v: v.get_state().numpy().tobytes()),
    Thing("numpy generator", lambda: numpy.random.default_rng(3), lambda v: v.random(),
          lambda v: str(v.bit_generator.state)),
    Thing("numpy state", lambda: numpy.random.RandomState(3), lambda v: v.randn(), lambda v: str(v.get_state()[2:])),
    Thing("bit generator", lambda: numpy.random.MT19937(3), lambda v: v.random_raw(),
          lambda v: v.state["state"]["pos"]),
    Thing("random", lambda: random.Random(3), lambda v: v.gauss(0, 1), lambda v: v.getstate()),
    Thing("closure", counted, lambda v: v(), lambda v: v.__closure__[0].cell_contents),
    Thing("default of a function", lambda: default_of(remembering), lambda v: v(1), lambda v: list(v.__defaults__[0])),
    Thing("attribute of a function", lambda: default_of(remembering), lambda v: setattr(v, "calls", 1),
          lambda v: dict(vars(v))),
    Thing("bound method", lambda: Data().seen.append, lambda v: v(1), lambda v: list(v.__self__)),
    Thing("stream", lambda: io.StringIO("text"), lambda v: v.write("more"), lambda v: (v.getvalue(), v.tell())),
    Thing("bytes stream", lambda: io.BytesIO(b"bytes"), lambda v: v.read(2), lambda v: (v.getvalue(), v.tell())),
    Thing("file", opened, lambda v: v.read(7), lambda v: v.tell()),
    Thing("context variable", lambda: _variable(), lambda v: v.set(5), lambda v: v.get()),
    Thing("thread local", local, lambda v: setattr(v, "count", 5), lambda v: v.count),
    Thing("iterator", lambda: iter(range(9)), next, lambda v: v.__length_hint__(), "an iterator that advanced"),
    Thing("count", lambda: itertools.count(3), next, repr, "an iterator that advanced"),
    Thing("cycle", lambda: itertools.cycle([1, 2, 3]), next, lambda v: object(), "an iterator that advanced"),
    Thing("map", lambda: map(abs, [1, 2]), next, lambda v: object(), "an iterator that advanced"),
    Thing("enumerate", lambda: enumerate([1, 2]), next, lambda v: object(), "an iterator that advanced"),
    Thing("generator", endless, next, lambda v: v.gi_frame.f_locals.copy(), "a generator that advanced"),
    Thing("drained generator", lambda: (n for n in ()), lambda v: list(v), lambda v: v.gi_frame is None,
          "a generator that advanced"),
    Thing("queue", queue.Queue, lambda v: v.put(1), lambda v: v.qsize(), "a Queue: left as it is"),
    Thing("simple queue", queue.SimpleQueue, lambda v: v.put(1), lambda v: v.qsize(), "a queue with other items"),
    Thing("lock", threading.Lock, lambda v: v.acquire(), lambda v: v.locked(), "a lock: left as it is"),
]  # fmt: skip


def _variable() -> Any:
    made = contextvars.ContextVar("made", default=0)
    made.set(1)
    return made
