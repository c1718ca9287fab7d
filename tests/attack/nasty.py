"""Models that change something a guard may overlook: one trick each.

Between its two layers each does its trick, then what `MEANWHILE` holds: nothing, a cancel, an error, the
end of the app.
"""

from __future__ import annotations

import collections
import copy
import dataclasses
import functools
import gc
import os
import random
import signal
import sys
import threading
import types
import warnings
import weakref
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.utils import parametrizations, parametrize

MEANWHILE: list[Callable[[], object]] = []
"""What a test lets happen in the middle of a pass."""

NASTY: dict[str, Callable[[], nn.Module]] = {}

INPUTS: dict[str, Callable[[], tuple[Any, ...]]] = {}
"""Of those that take something else than one tensor."""


def nasty(build: Callable[[], nn.Module]) -> Callable[[], nn.Module]:
    """Register a class, or a function that builds a model, under its name."""
    NASTY[build.__name__] = build
    return build


def inputs_of(name: str) -> tuple[Any, ...]:
    return INPUTS[name]() if name in INPUTS else (torch.linspace(-1, 1, 12).reshape(3, 4).clone(),)


class Trick(nn.Module):
    """Two layers with `trick` between them."""

    def __init__(self) -> None:
        super().__init__()
        self.lin, self.out = nn.Linear(4, 4), nn.Linear(4, 4)
        self.prepare()

    def prepare(self) -> None:
        """What it holds."""

    def trick(self, x: Any) -> None:
        """What it does to it."""
        raise NotImplementedError

    def forward(self, x: Any) -> Tensor:
        hidden = self.lin(x if isinstance(x, Tensor) else torch.ones(3, 4))
        self.trick(x)
        for act in MEANWHILE:
            act()
        return self.out(hidden)


# state on the module


@nasty
class NormInList(Trick):
    def prepare(self) -> None:
        self.unregistered = [nn.BatchNorm1d(4).train()]

    def trick(self, x: Any) -> None:
        self.unregistered[0](x)


@nasty
class ModuleInDict(Trick):
    def prepare(self) -> None:
        self.__dict__["hidden"] = nn.Sequential(nn.Linear(4, 4), nn.BatchNorm1d(4).train())

    def trick(self, x: Any) -> None:
        self.hidden(x)
        with torch.no_grad():
            self.hidden[0].weight.mul_(2)


@nasty
class TensorInTuple(Trick):
    def prepare(self) -> None:
        self.pair = (torch.zeros(3), torch.zeros(2))

    def trick(self, x: Any) -> None:
        self.pair[0].data.add_(1)


@nasty
class DeepTensor(Trick):
    def prepare(self) -> None:
        self.store = {"a": [{"b": ([{"c": [torch.zeros(3)]}],)}]}

    def trick(self, x: Any) -> None:
        self.store["a"][0]["b"][0][0]["c"][0].add_(1)


@nasty
class ManyTensors(Trick):
    def prepare(self) -> None:
        self.many = [0] * 12_000
        self.many[11_000] = torch.zeros(1)

    def trick(self, x: Any) -> None:
        self.many[11_000].add_(1)
        self.many[11_999] = 7


@nasty
class DequeState(Trick):
    def prepare(self) -> None:
        self.recent: Any = collections.deque([1, 2], maxlen=3)

    def trick(self, x: Any) -> None:
        self.recent.append(x.sum().item())


@nasty
class ArrayState(Trick):
    def prepare(self) -> None:
        self.array = np.zeros(4)

    def trick(self, x: Any) -> None:
        self.array += 1


@nasty
class BytesState(Trick):
    def prepare(self) -> None:
        self.raw, self.names = bytearray(b"abc"), {"a"}

    def trick(self, x: Any) -> None:
        self.raw.extend(b"d")
        self.names.add("b")


@dataclasses.dataclass
class Counts:
    steps: int = 0
    seen: list[int] = dataclasses.field(default_factory=list)


@nasty
class DataclassState(Trick):
    def prepare(self) -> None:
        self.counts = Counts()

    def trick(self, x: Any) -> None:
        self.counts.steps += 1
        self.counts.seen.append(1)


class Slotted:
    __slots__ = ("cache", "count")

    def __init__(self) -> None:
        self.count, self.cache = 0, torch.zeros(2)


@nasty
class SlotsState(Trick):
    def prepare(self) -> None:
        self.slotted = Slotted()

    def trick(self, x: Any) -> None:
        self.slotted.count += 1
        self.slotted.cache.add_(1)


class Meter:
    def __init__(self) -> None:
        self.total, self.inner = 0.0, {"last": None}


@nasty
class ObjectState(Trick):
    def prepare(self) -> None:
        self.meter = Meter()

    def trick(self, x: Any) -> None:
        self.meter.total += 1
        self.meter.inner["last"] = 1


@nasty
class KeepsOutput(Trick):
    def trick(self, x: Any) -> None:
        self.last = x * 2


@nasty
class GrowsCache(Trick):
    def prepare(self) -> None:
        self.cache: list[Tensor] = []
        self.keys = torch.zeros(0, 4)

    def trick(self, x: Any) -> None:
        self.cache.append(x.detach())
        self.keys = torch.cat([self.keys, x.detach()])


@nasty
class MovingAverage(Trick):
    def prepare(self) -> None:
        self.average = {name: parameter.detach().clone() for name, parameter in self.named_parameters()}

    def trick(self, x: Any) -> None:
        for name, parameter in self.named_parameters():
            self.average[name].lerp_(parameter.detach() + 1, 0.1)


@nasty
class OwnAttributes(Trick):
    """Its attributes are where nobody looks."""

    def __init__(self) -> None:
        object.__setattr__(self, "_store", {"count": 0})
        super().__init__()

    def __setattr__(self, name: str, value: Any) -> None:
        if name == "count":
            self._store[name] = value
        else:
            super().__setattr__(name, value)

    def __getattribute__(self, name: str) -> Any:
        if name == "count":
            return object.__getattribute__(self, "_store")["count"]
        return super().__getattribute__(name)

    def trick(self, x: Any) -> None:
        self.count += 1


@nasty
class CachedProperty(Trick):
    @functools.cached_property
    def table(self) -> Tensor:
        return torch.arange(4.0)

    def trick(self, x: Any) -> None:
        self.table.add_(1)


@nasty
class WeakReference(Trick):
    def prepare(self) -> None:
        self.holder = [torch.zeros(2)]
        self.weak = weakref.ref(self.holder[0])

    def trick(self, x: Any) -> None:
        self.weak().add_(1)


@nasty
class Generators(Trick):
    def prepare(self) -> None:
        self.of_torch = torch.Generator().manual_seed(1)
        self.of_numpy, self.of_python = np.random.default_rng(1), random.Random(1)
        self.legacy = np.random.RandomState(1)

    def trick(self, x: Any) -> None:
        torch.rand(2, generator=self.of_torch)
        self.of_numpy.random(), self.of_python.random(), self.legacy.rand()


@nasty
class Iterators(Trick):
    def prepare(self) -> None:
        self.numbers, self.steps = iter([1, 2, 3]), (n for n in range(9))

    def trick(self, x: Any) -> None:
        next(self.numbers), next(self.steps)


# state of its code


@nasty
class ClassCounter(Trick):
    passes = 0
    seen: list[int] = []  # noqa: RUF012

    def trick(self, x: Any) -> None:
        type(self).passes += 1
        self.seen.append(1)


COUNTER = {"passes": 0}
TOTAL = torch.zeros(2)


@nasty
class GlobalState(Trick):
    def trick(self, x: Any) -> None:
        COUNTER["passes"] += 1
        TOTAL.add_(1)


_rebound = 0


@nasty
class RebindsGlobal(Trick):
    def trick(self, x: Any) -> None:
        global _rebound
        _rebound += 1


@nasty
def closure() -> nn.Module:
    count, store = 0, torch.zeros(2)

    class Closure(Trick):
        def trick(self, x: Any) -> None:
            nonlocal count
            count += 1
            store.add_(1)

    return Closure()


@nasty
class DefaultArgument(Trick):
    def trick(self, x: Any, kept: list[int] = []) -> None:  # noqa: B006
        kept.append(1)


@nasty
class FunctionAttribute(Trick):
    def trick(self, x: Any) -> None:
        FunctionAttribute.trick.calls = getattr(FunctionAttribute.trick, "calls", 0) + 1  # type: ignore[attr-defined]


@nasty
class MethodCache(Trick):
    @functools.lru_cache(maxsize=9)  # noqa: B019
    def table(self, size: int) -> int:
        return size

    def trick(self, x: Any) -> None:
        self.table(len(x))


# parameters and buffers


@nasty
class WritesParameters(Trick):
    def trick(self, x: Any) -> None:
        with torch.no_grad():
            self.lin.weight.mul_(1.5)
        self.out.bias.data = self.out.bias.data + 1


@nasty
class TiesAgain(Trick):
    def prepare(self) -> None:
        self.out.weight = self.lin.weight

    def trick(self, x: Any) -> None:
        self.out.weight = nn.Parameter(self.lin.weight.detach().clone())


@nasty
class SpectralNorm(Trick):
    def prepare(self) -> None:
        parametrizations.spectral_norm(self.out)
        self.train()

    def trick(self, x: Any) -> None:
        self.out(x)


class Doubled(nn.Module):
    calls = 0

    def forward(self, weight: Tensor) -> Tensor:
        Doubled.calls += 1
        return weight * 2


@nasty
class Parametrized(Trick):
    def prepare(self) -> None:
        parametrize.register_parametrization(self.out, "weight", Doubled())

    def trick(self, x: Any) -> None:
        self.out.weight  # noqa: B018


@nasty
class Parametrizes(Trick):
    def trick(self, x: Any) -> None:
        if not parametrize.is_parametrized(self.out):
            parametrize.register_parametrization(self.out, "weight", Doubled())


@nasty
class ConvertsDtype(Trick):
    def trick(self, x: Any) -> None:
        self.out.double().float()
        self.lin.half()


@nasty
class SetsGradients(Trick):
    def trick(self, x: Any) -> None:
        self.lin.weight.grad = torch.ones_like(self.lin.weight)
        self.lin.bias.requires_grad_(False)


@nasty
class ReplacesBuffer(Trick):
    def prepare(self) -> None:
        self.register_buffer("steps", torch.zeros(1))
        self.register_buffer("scratch", None)

    def trick(self, x: Any) -> None:
        self.steps = self.steps + 1
        self.scratch = x.sum()


# modules and hooks


@nasty
class AddsAndRemoves(Trick):
    def prepare(self) -> None:
        self.extra = nn.ReLU()

    def trick(self, x: Any) -> None:
        self.add_module("late", nn.Linear(2, 2))
        if hasattr(self, "extra"):
            del self.extra


@nasty
class SwapsModules(Trick):
    def trick(self, x: Any) -> None:
        self.lin, self.out = self.out, self.lin


@nasty
class HooksItself(Trick):
    def trick(self, x: Any) -> None:
        self.lin.register_forward_hook(_look)
        self.lin.weight.register_hook(_look)
        self.register_full_backward_pre_hook(_look)


def _look(*_: Any) -> None:
    return None


@nasty
class RemovesHooks(Trick):
    def prepare(self) -> None:
        self.handle = self.lin.register_forward_hook(_look)
        self.out.register_forward_hook(_look)

    def trick(self, x: Any) -> None:
        self.handle.remove()
        self.out._forward_hooks.clear()


@nasty
class SwapsForward(Trick):
    def trick(self, x: Any) -> None:
        self.out.forward = types.MethodType(nn.Linear.forward, self.out)


@nasty
class SwapsClass(Trick):
    def trick(self, x: Any) -> None:
        self.lin.__class__ = Renamed


class Renamed(nn.Linear):
    pass


@nasty
class ChangesMode(Trick):
    def prepare(self) -> None:
        self.norm = nn.BatchNorm1d(4)
        self.norm.eval()

    def trick(self, x: Any) -> None:
        self.train(not self.training)
        self.norm(x)


@nasty
class CopiesItself(Trick):
    def prepare(self) -> None:
        self.twins: list[nn.Module] = []

    def trick(self, x: Any) -> None:
        self.twins.append(copy.deepcopy(self.lin))


@nasty
def lazy() -> nn.Module:
    class Lazy(Trick):
        def prepare(self) -> None:
            self.late = nn.LazyLinear(4)

        def trick(self, x: Any) -> None:
            self.late(x)

    return Lazy()


# the process


@nasty
class SetsTorch(Trick):
    def trick(self, x: Any) -> None:
        torch.set_default_dtype(torch.float64)
        torch.set_default_device("meta")
        torch.set_autocast_enabled("cpu", True)
        torch.set_anomaly_enabled(True)
        torch.use_deterministic_algorithms(True, warn_only=True)
        torch.set_printoptions(precision=1)
        torch.set_grad_enabled(not torch.is_grad_enabled())


@nasty
class SetsProcess(Trick):
    def trick(self, x: Any) -> None:
        os.environ["NASTY"] = "1"
        os.environ.pop("LC_ALL", None)
        os.chdir("/")
        os.umask(0o70)
        sys.path.insert(0, "/nasty")
        sys.setrecursionlimit(1234)
        signal.signal(signal.SIGUSR1, _look)


@nasty
class SetsLibraries(Trick):
    def trick(self, x: Any) -> None:
        np.seterr(all="raise")
        np.set_printoptions(precision=1)
        gc.disable()
        warnings.simplefilter("error")
        sys.stdout = sys.__stderr__
        sys.excepthook = _look


@nasty
class DrawsRandom(Trick):
    def prepare(self) -> None:
        self.drop = nn.Dropout(0.5).train()

    def trick(self, x: Any) -> None:
        self.drop(x)
        random.random(), np.random.rand(), torch.manual_seed(7)


# how it runs


@nasty
class WritesLater(Trick):
    """A thread that is still at it when the pass is over."""

    def prepare(self) -> None:
        self.log: list[int] = []

    def trick(self, x: Any) -> None:
        threading.Timer(0.05, self.log.append, [1]).start()


@nasty
class RaisesHalfway(Trick):
    def prepare(self) -> None:
        self.first, self.second = torch.zeros(2), [0]

    def trick(self, x: Any) -> None:
        self.first.add_(1)
        self.second.append(1)
        raise ValueError("half of it is written")


@nasty
class LeavesProgram(Trick):
    def prepare(self) -> None:
        self.count = [0]

    def trick(self, x: Any) -> None:
        self.count.append(1)
        sys.exit(3)


@nasty
class CatchesEverything(Trick):
    def prepare(self) -> None:
        self.caught: list[str] = []

    def forward(self, x: Any) -> Tensor:
        try:
            return super().forward(x)
        except BaseException as error:
            self.caught.append(type(error).__name__)
            return torch.zeros(3, 4)

    def trick(self, x: Any) -> None:
        self.caught.append("nothing yet")


class Square(torch.autograd.Function):
    calls: list[int] = []  # noqa: RUF012

    @staticmethod
    def forward(context: Any, x: Tensor) -> Tensor:
        context.save_for_backward(x)
        Square.calls.append(1)
        return x * x

    @staticmethod
    def backward(context: Any, gradient: Tensor) -> Tensor:
        (x,) = context.saved_tensors
        return 2 * x * gradient


@nasty
class OwnFunction(Trick):
    def trick(self, x: Any) -> None:
        self.squared = Square.apply(x)


@nasty
class Checkpointed(Trick):
    def prepare(self) -> None:
        self.block = nn.Sequential(nn.Linear(4, 4), nn.Dropout(0.5).train(), nn.BatchNorm1d(4).train())

    def trick(self, x: Any) -> None:
        from torch.utils.checkpoint import checkpoint

        checkpoint(self.block, x, use_reentrant=False)


# inputs


@nasty
class WritesInput(Trick):
    def trick(self, x: Any) -> None:
        x.mul_(2)


@nasty
class WritesNestedInput(Trick):
    def trick(self, x: Any) -> None:
        x["list"].append(1)
        x["tensor"].add_(1)
        x["array"] += 1
        x["object"].total += 1
        x["set"].add(1)


INPUTS["WritesNestedInput"] = lambda: (
    {"list": [], "tensor": torch.zeros(2), "array": np.zeros(2), "object": Meter(), "set": set()},
)


class Cache:
    """As transformers' own."""

    def __init__(self) -> None:
        self.keys: list[Tensor] = []

    def update(self, key: Tensor) -> None:
        self.keys.append(key)


@nasty
class GrowsInputCache(Trick):
    def trick(self, x: Any) -> None:
        x.update(torch.ones(2))


INPUTS["GrowsInputCache"] = lambda: (Cache(),)


@nasty
class ReadsIterator(Trick):
    def trick(self, x: Any) -> None:
        next(x)


def _count() -> Iterator[int]:
    yield from range(10)


INPUTS["ReadsIterator"] = lambda: (_count(),)
