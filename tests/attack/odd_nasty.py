"""Models that change what a guard may overlook, as real libraries do it. With them `NASTY` has them all."""

from __future__ import annotations

import contextlib
import contextvars
import copy
import ctypes
import decimal
import functools
import importlib
import itertools
import logging
import multiprocessing
import sys
import types
import unittest.mock
import weakref
from collections import OrderedDict
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.utils import parametrizations

from .nasty import INPUTS, Trick, nasty
from .rare_nasty import NASTY as NASTY

LOGGER = logging.getLogger(__name__)


@nasty
class SlotsOnModule(Trick):
    __slots__ = ("counted", "store")

    def prepare(self) -> None:
        object.__setattr__(self, "counted", 0)
        object.__setattr__(self, "store", [0])

    def trick(self, x: Any) -> None:
        object.__setattr__(self, "counted", self.counted + 1)
        self.store.append(1)


@nasty
class WeakCaches(Trick):
    def prepare(self) -> None:
        self.by_module: Any = weakref.WeakKeyDictionary()
        self.by_name: Any = weakref.WeakValueDictionary()
        self.members: Any = weakref.WeakSet()

    def trick(self, x: Any) -> None:
        self.by_module[self.lin] = self.by_module.get(self.lin, 0) + 1
        self.by_name["out"] = self.out
        self.members.add(self.lin)


@nasty
class MockedPart(Trick):
    def prepare(self) -> None:
        self.look = unittest.mock.MagicMock(return_value=1)

    def trick(self, x: Any) -> None:
        self.look(x.shape)


@nasty
class OpenExitStack(Trick):
    def prepare(self) -> None:
        self.stack = contextlib.ExitStack()

    def trick(self, x: Any) -> None:
        self.stack.callback(print)


@nasty
class PartialState(Trick):
    def prepare(self) -> None:
        self.act = functools.partial(torch.relu)
        self.cell = functools.partial(_note, [])

    def trick(self, x: Any) -> None:
        self.act.calls = getattr(self.act, "calls", 0) + 1  # type: ignore[attr-defined]
        self.cell(1)


def _note(seen: list[int], value: int) -> None:
    seen.append(value)


class NamedReference(weakref.ref):  # type: ignore[type-arg]
    pass


@nasty
class ReferenceState(Trick):
    def prepare(self) -> None:
        self.reference = NamedReference(self.lin)
        self.reference.uses = 0

    def trick(self, x: Any) -> None:
        self.reference.uses += 1


@nasty
class SharedCounter(Trick):
    """As timm's and others' counters of epochs."""

    def prepare(self) -> None:
        self.epoch = multiprocessing.Value("i", 0)
        self.table = multiprocessing.Array("d", 3)

    def trick(self, x: Any) -> None:
        self.epoch.value += 1
        self.table[0] += 1


@nasty
class OwnLogger(Trick):
    def prepare(self) -> None:
        self.log = LOGGER

    def trick(self, x: Any) -> None:
        self.log.addHandler(logging.NullHandler())
        self.log.propagate = False


@nasty
class KeepsContext(Trick):
    def prepare(self) -> None:
        self.context = contextvars.copy_context()

    def trick(self, x: Any) -> None:
        self.context.run(SEEN.set, SEEN.get() + 1)


SEEN: contextvars.ContextVar[int] = contextvars.ContextVar("seen", default=0)


@nasty
class PointedMemory(Trick):
    def prepare(self) -> None:
        self.number = ctypes.pointer(ctypes.c_int(1))

    def trick(self, x: Any) -> None:
        self.number.contents.value += 1


@nasty
class DecimalContext(Trick):
    def prepare(self) -> None:
        self.exact = decimal.Context(prec=5)

    def trick(self, x: Any) -> None:
        self.exact.prec += 1


@nasty
class SpawnsSeeds(Trick):
    def prepare(self) -> None:
        self.seeds = np.random.SeedSequence(1)

    def trick(self, x: Any) -> None:
        self.seeds.spawn(1)


@nasty
class Combinations(Trick):
    def prepare(self) -> None:
        self.pairs = itertools.product([1, 2], [3, 4])
        self.chosen = itertools.combinations(range(5), 2)

    def trick(self, x: Any) -> None:
        next(self.pairs), next(self.chosen)


@nasty
class OwnModuleObject(Trick):
    def prepare(self) -> None:
        self.space = types.ModuleType("space")
        self.space.steps = 0

    def trick(self, x: Any) -> None:
        self.space.steps += 1


@nasty
class GlobalByName(Trick):
    def trick(self, x: Any) -> None:
        globals()["_by_name"] = globals().get("_by_name", 0) + 1
        vars(sys.modules[__name__])["_by_attribute"] = 1


_by_name = 0
_by_attribute = 0


# modules of unusual make


@nasty
class Frozen(Trick):
    """Refuses to be written to, from when it is made."""

    def __init__(self) -> None:
        super().__init__()
        self.__dict__["is_frozen"] = True
        self.__dict__["count"] = 0

    def __setattr__(self, name: str, value: Any) -> None:
        if self.__dict__.get("is_frozen"):
            raise AttributeError(f"{name} cannot be set: it is frozen")
        super().__setattr__(name, value)

    def __delattr__(self, name: str) -> None:
        raise AttributeError("nothing can be deleted")

    def trick(self, x: Any) -> None:
        self.__dict__["count"] += 1
        object.__setattr__(self, "__class__", _Thawed)
        self.__dict__["late"] = 1


class _Thawed(Frozen):
    pass


class _Gathered(OrderedDict):  # type: ignore[type-arg]
    """As that of DeepSpeed: it wants to know whose it is, and looks at what is taken from it."""

    def __init__(self, owner: nn.Module, *args: Any) -> None:
        super().__init__(*args)
        self.owner = owner
        self.reads = 0

    def __getitem__(self, key: str) -> Any:
        self.reads += 1
        return super().__getitem__(key)


@nasty
class OwnParameterDict(Trick):
    def prepare(self) -> None:
        for module in (self.lin, self.out):
            found = _Gathered(module)
            for name, parameter in module._parameters.items():
                OrderedDict.__setitem__(found, name, parameter)
            module.__dict__["_parameters"] = found

    def trick(self, x: Any) -> None:
        self.out._parameters["late"] = nn.Parameter(torch.zeros(1))


@nasty
class HiddenDict(Trick):
    """Shows another `__dict__` than it has."""

    def prepare(self) -> None:
        self.count = 0

    def __getattribute__(self, name: str) -> Any:
        found = super().__getattribute__(name)
        return dict(found) if name == "__dict__" else found

    def __setattr__(self, name: str, value: Any) -> None:
        object.__setattr__(self, name, value) if name == "count" else super().__setattr__(name, value)

    def trick(self, x: Any) -> None:
        self.count += 1


@nasty
class ReplacesForward(Trick):
    def trick(self, x: Any) -> None:
        self.forward = super().forward
        type(self).forward = Trick.forward  # type: ignore[method-assign]


@nasty
class TrainsInside(Trick):
    """Its optimizer is its own."""

    def prepare(self) -> None:
        self.optimizer = torch.optim.Adam(self.parameters(), lr=0.1)
        self.schedule = torch.optim.lr_scheduler.StepLR(self.optimizer, 1)

    def trick(self, x: Any) -> None:
        with torch.enable_grad():
            self.out(self.lin(torch.ones(2, 4))).sum().backward()
        self.optimizer.step()
        self.schedule.step()
        self.optimizer.zero_grad()


@nasty
class AveragedTwin(Trick):
    def prepare(self) -> None:
        twin = copy.deepcopy(self.lin)
        self.__dict__["twin"] = torch.optim.swa_utils.AveragedModel(twin)

    def trick(self, x: Any) -> None:
        self.__dict__["twin"].update_parameters(self.lin)


@nasty
class Orthogonal(Trick):
    def prepare(self) -> None:
        parametrizations.orthogonal(self.lin)
        parametrizations.weight_norm(self.out)

    def trick(self, x: Any) -> None:
        self.out.parametrizations["weight"].original0.data.mul_(2)
        self.lin.parametrizations["weight"].original.data.add_(1)
        torch.nn.utils.parametrize.cached().__enter__()


@nasty
class LazyNorm(Trick):
    def prepare(self) -> None:
        self.late = nn.Sequential(nn.LazyBatchNorm1d(), nn.LazyLinear(4))

    def trick(self, x: Any) -> None:
        self.late(x)


_OPTIMIZER = importlib.import_module("torch.optim.optimizer")  # torch.optim deletes its name


@nasty
class GlobalHooks(Trick):
    def trick(self, x: Any) -> None:
        nn.modules.module.register_module_forward_hook(_look)
        _OPTIMIZER.register_optimizer_step_post_hook(_look)
        nn.modules.module.register_module_module_registration_hook(_look)


def _look(*_: Any) -> None:
    return None


# tensors


@nasty
class GraphInBuffer(Trick):
    """An in-place write makes it part of the graph."""

    def prepare(self) -> None:
        self.register_buffer("state", torch.zeros(3, 4))
        self.plain = torch.zeros(3, 4)

    def trick(self, x: Any) -> None:
        with torch.enable_grad():
            self.state.add_(self.lin(torch.ones(3, 4)))
            self.plain.mul_(0.5).add_(self.out.weight[0])


@nasty
class DetachesState(Trick):
    """As RNNs do between two batches."""

    def prepare(self) -> None:
        self.hidden = self.lin(torch.ones(3, 4))
        self.kept = self.lin(torch.ones(3, 4))

    def trick(self, x: Any) -> None:
        self.hidden.detach_()
        with torch.enable_grad():
            self.kept.mul_(2)


@nasty
class KeepsGraph(Trick):
    def prepare(self) -> None:
        with torch.enable_grad():
            self.loss = self.lin(torch.ones(2, 4)).exp().sum()
            self.middle = self.out(torch.ones(2, 4))

    def trick(self, x: Any) -> None:
        with torch.enable_grad():
            self.middle.retain_grad()
            self.middle.sum().backward(retain_graph=True)
            if self.loss is not None:
                self.loss.backward()


@nasty
class FlatParameters(Trick):
    """As those of FSDP: the memory is there while it is needed."""

    def prepare(self) -> None:
        self.flat = nn.Parameter(torch.ones(24), requires_grad=False)
        self.full = torch.zeros(64)
        self.full.untyped_storage().resize_(0)
        self.shard = torch.ones(8)

    def trick(self, x: Any) -> None:
        self.full.untyped_storage().resize_(256)
        self.full.fill_(1)
        self.shard.untyped_storage().resize_(0)
        self.flat.data = torch.zeros(48)


@nasty
class SwapsTensors(Trick):
    def trick(self, x: Any) -> None:
        torch.utils.swap_tensors(self.out.weight, nn.Parameter(torch.zeros(2, 2)))
        torch.__future__.set_swap_module_params_on_conversion(True)
        self.lin.to(torch.float64)


@nasty
class MetaState(Trick):
    def prepare(self) -> None:
        self.planned = torch.zeros(3, 3, device="meta")
        self.sized = torch.zeros(3, device="meta")

    def trick(self, x: Any) -> None:
        self.planned.resize_(2, 2)
        self.sized.data = torch.zeros(5, device="meta", dtype=torch.float16)


@nasty
class FakeState(Trick):
    def prepare(self) -> None:
        from torch._subclasses.fake_tensor import FakeTensorMode

        with FakeTensorMode():
            self.fake = torch.zeros(3, 3)
        self.count = [0]

    def trick(self, x: Any) -> None:
        self.count.append(1)


@nasty
class QuantizedPart(Trick):
    def prepare(self) -> None:
        self.codes = torch.quantize_per_channel(torch.randn(4, 4), torch.ones(4) / 10, torch.zeros(4).long(), 0,
                                                torch.qint8)  # fmt: skip
        self.register_buffer("scaled", torch.quantize_per_tensor(torch.randn(4), 0.1, 0, torch.qint8))

    def trick(self, x: Any) -> None:
        self.codes.copy_(torch.zeros(4, 4))
        self.scaled.copy_(torch.ones(4))
        self.scaled.set_data = 1  # type: ignore[attr-defined]


@nasty
class SparseKinds(Trick):
    def prepare(self) -> None:
        self.loose = torch.sparse_coo_tensor(torch.tensor([[0, 0], [1, 1]]), torch.tensor([1.0, 2.0]), (2, 2))
        self.blocks = torch.eye(4).to_sparse_bsr((2, 2))
        self.nested = torch.nested.nested_tensor([torch.zeros(2), torch.zeros(3)])

    def trick(self, x: Any) -> None:
        self.loose.mul_(2)
        self.loose._coalesced_(True)
        self.blocks.values().add_(1)
        self.nested.values().add_(1)


@nasty
class SharedMemory(Trick):
    def prepare(self) -> None:
        self.shared = torch.zeros(4).share_memory_()
        self.array = np.zeros(4, dtype=np.float32)
        self.of_array = torch.from_numpy(self.array)
        self.view = self.array[1:3].view(np.int32)
        self.unshared = torch.zeros(3)

    def trick(self, x: Any) -> None:
        self.shared.add_(1)
        self.of_array.add_(1)
        self.view += 1
        self.array.setflags(write=False)
        self.unshared.share_memory_()


@nasty
class ReadOnlyArray(Trick):
    def prepare(self) -> None:
        self.table = np.arange(6.0)
        self.fields = np.zeros(2, dtype=[("a", "f4"), ("b", "i4")])
        self.masked = np.ma.masked_array([1.0, 2.0], mask=[False, True])
        self.order = np.zeros((2, 3))

    def trick(self, x: Any) -> None:
        self.table[0] = 9
        self.table.flags.writeable = False
        self.fields["a"][0] = 2
        self.masked.mask[0] = True
        self.order.shape = (3, 2)
        self.order.strides = (8, 24)


@nasty
class ConjugatedState(Trick):
    def prepare(self) -> None:
        self.turned = torch.randn(2, 2, dtype=torch.complex64).conj()

    def trick(self, x: Any) -> None:
        self.turned.mul_(2)
        self.turned.resolve_conj()


@nasty
class AliasesInput(Trick):
    def prepare(self) -> None:
        self.window = torch.zeros(1)

    def trick(self, x: Any) -> None:
        self.window = x[0]
        self.window.add_(1)
        x.requires_grad_(True)
        x.tag = "seen"
        x.register_hook(_look)


class Scaled(Tensor):
    """A subclass with state of its own, and slots."""

    __slots__ = ("scale",)


@nasty
class TensorSubclass(Trick):
    def prepare(self) -> None:
        self.scaled = torch.zeros(2).as_subclass(Scaled)
        self.scaled.scale = 1.0

    def trick(self, x: Any) -> None:
        self.scaled.scale += 1
        torch.Tensor.add_(self.scaled, 1)
        self.lin.weight.mark = [1]  # type: ignore[attr-defined]
        self.out.bias.__class__ = _Marked


class _Marked(nn.Parameter):
    pass


# libraries


@nasty
class RunningNorm(Trick):
    def prepare(self) -> None:
        self.norm = nn.BatchNorm1d(4, momentum=None).train()
        self.inst = nn.InstanceNorm1d(3, track_running_stats=True).train()

    def trick(self, x: Any) -> None:
        self.norm(x)
        self.inst(x[None])
        self.norm.reset_running_stats()
        self.norm.momentum = 0.3


@nasty
class Recurrent(Trick):
    def prepare(self) -> None:
        self.rnn = nn.LSTM(4, 4, dropout=0.5, num_layers=2).train()
        self.states = None

    def trick(self, x: Any) -> None:
        _, self.states = self.rnn(x, self.states)
        self.rnn.flatten_parameters()


@nasty
class KeepsPool(Trick):
    def prepare(self) -> None:
        self.pool = ThreadPoolExecutor(1)
        self.results: list[int] = []

    def trick(self, x: Any) -> None:
        self.pool.submit(self.results.append, 1).result()


@nasty
class Metaclass(Trick):
    def prepare(self) -> None:
        self.part = _Counted()

    def trick(self, x: Any) -> None:
        _Counted()


class _Counting(type):
    made: int = 0

    def __call__(cls, *args: Any, **kwargs: Any) -> Any:
        _Counting.made += 1
        return super().__call__(*args, **kwargs)


class _Counted(metaclass=_Counting):
    pass


class _Descriptor:
    def __init__(self) -> None:
        self.values: Any = weakref.WeakKeyDictionary()

    def __get__(self, owner: Any, kind: Any = None) -> Any:
        return self if owner is None else self.values.get(owner, 0)

    def __set__(self, owner: Any, value: Any) -> None:
        self.values[owner] = value


class _Described:
    field = _Descriptor()


@nasty
class DescribedState(Trick):
    def prepare(self) -> None:
        self.held = _Described()
        self.held.field = 0

    def trick(self, x: Any) -> None:
        self.held.field += 1


@nasty
class ErrorsKept(Trick):
    def prepare(self) -> None:
        self.error = ValueError("one")

    def trick(self, x: Any) -> None:
        self.error.args = ("two",)
        self.error.code = 3  # type: ignore[attr-defined]


@nasty
class UnpairedHooks(Trick):
    def prepare(self) -> None:
        self.lin.register_forward_hook(_look)
        self.own = self.register_forward_pre_hook(_look)

    def trick(self, x: Any) -> None:
        self.own.remove()
        self.register_forward_hook(_look)
        self.lin._forward_hooks = OrderedDict()
        self.register_state_dict_pre_hook(_look)
        self.register_load_state_dict_post_hook(_look)


@nasty
class DropsBuffers(Trick):
    def prepare(self) -> None:
        self.register_buffer("mask", torch.ones(2))
        self.register_buffer("saved", torch.ones(2), persistent=False)

    def trick(self, x: Any) -> None:
        self.mask = None
        del self.saved
        self.register_buffer("fresh", torch.ones(1), persistent=False)
        self.register_parameter("bias", None)


INPUTS["SlotInput"] = lambda: (_SlotInput(),)


class _SlotInput:
    __slots__ = ("cache", "count")

    def __init__(self) -> None:
        self.count, self.cache = 0, weakref.WeakValueDictionary()


@nasty
class SlotInput(Trick):
    def trick(self, x: Any) -> None:
        x.count += 1
        x.cache["lin"] = self.lin
