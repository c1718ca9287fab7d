"""Small tricky models. Each is built by name: `model, args, kwargs = build("shared_relu")`.

tags:
  plain     must work fully
  state     the pass changes something that must be put back
  output    an odd output object
  calls     an odd call structure
  wrap      compiled, scripted, traced, quantized, exported
  name      odd names, reprs or Python protocols
  source    odd for inspect.getsource
  raises    the forward raises
  hostile   prints, exits, hangs or kills: only in a process of its own
  big       large
"""

from __future__ import annotations

import dataclasses
import functools
import os
import random
import sys
import threading
import types
import warnings
from collections import OrderedDict, namedtuple
from collections.abc import Callable
from typing import Any

import torch
from torch import nn

Built = tuple[Any, tuple[Any, ...], dict[str, Any]]


@dataclasses.dataclass(frozen=True)
class Toy:
    build: Callable[[], Built]
    tags: frozenset[str]


TOYS: dict[str, Toy] = {}


def toy(*tags: str) -> Callable[[Callable[[], Built]], Callable[[], Built]]:
    def register(build: Callable[[], Built]) -> Callable[[], Built]:
        TOYS[build.__name__] = Toy(build, frozenset(tags))
        return build

    return register


def build(name: str) -> Built:
    torch.manual_seed(0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # deprecated on purpose: people still have such models
        return TOYS[name].build()


def names(*tags: str, without: tuple[str, ...] = ()) -> list[str]:
    """Names of the toys that have any of `tags` (all of them without tags) and none of `without`."""
    return [n for n, t in TOYS.items() if (not tags or t.tags & set(tags)) and not t.tags & set(without)]


def batch() -> tuple[torch.Tensor]:
    return (torch.randn(2, 4),)


@toy("plain")
def mlp() -> Built:
    return nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 2)), (torch.ones(3, 4),), {}


class SharedRelu(nn.Module):
    def __init__(self):
        super().__init__()
        self.a, self.relu, self.b = nn.Linear(4, 4), nn.ReLU(), nn.Linear(4, 4)

    def forward(self, x):
        return self.relu(self.b(self.relu(self.a(x))))


@toy("plain", "calls")
def shared_relu() -> Built:
    return SharedRelu(), batch(), {}


@toy("plain", "calls")
def two_names() -> Built:
    linear = nn.Linear(4, 4)
    return nn.Sequential(linear, nn.ReLU(), linear), batch(), {}


class NeverCalled(nn.Module):
    def __init__(self):
        super().__init__()
        self.used, self.aux_head = nn.Linear(4, 4), nn.Linear(4, 2)

    def forward(self, x):
        return self.used(x)


@toy("plain", "calls")
def never_called() -> Built:
    return NeverCalled(), batch(), {}


class Recursive(nn.Module):
    def __init__(self):
        super().__init__()
        self.lin = nn.Linear(4, 4)

    def forward(self, x, depth=3):
        return x if depth == 0 else self(self.lin(x), depth - 1)


@toy("plain", "calls")
def recursive() -> Built:
    return Recursive(), batch(), {}


class Bypass(nn.Module):
    def __init__(self):
        super().__init__()
        self.child = nn.Linear(4, 4)

    def forward(self, x):
        return self.child.forward(x)


@toy("plain", "calls")
def bypass() -> Built:
    return Bypass(), batch(), {}


class Encoder(nn.Module):
    def __init__(self):
        super().__init__()
        self.lin = nn.Linear(4, 4)

    def encode(self, x):
        return self.lin(x)


class OtherMethod(nn.Module):
    def __init__(self):
        super().__init__()
        self.enc = Encoder()

    def forward(self, x):
        return self.enc.encode(x)


@toy("plain", "calls")
def other_method() -> Built:
    return OtherMethod(), batch(), {}


class CustomCall(nn.Module):
    def __call__(self, x):
        return self.forward(x)

    def forward(self, x):
        return x * 2


@toy("plain", "calls")
def custom_call() -> Built:
    return nn.Sequential(CustomCall(), nn.ReLU()), batch(), {}


class KwOnly(nn.Module):
    def __init__(self):
        super().__init__()
        self.lin = nn.Linear(4, 4)

    def forward(self, *, x, scale=1.0, **extra):
        return self.lin(input=x) * scale


@toy("plain", "calls")
def kw_only() -> Built:
    return KwOnly(), (), {"x": torch.randn(2, 4), "scale": 2.0, "flag": "on"}


class RandomPath(nn.Module):
    def __init__(self):
        super().__init__()
        self.a, self.b = nn.Linear(4, 4), nn.Linear(4, 4)

    def forward(self, x):
        return self.a(x) if torch.rand(()) < 0.5 else self.b(x)


@toy("plain", "calls", "state")
def random_path() -> Built:
    return RandomPath(), batch(), {}


class Threaded(nn.Module):
    def __init__(self):
        super().__init__()
        self.a, self.b = nn.Linear(4, 4), nn.Linear(4, 4)

    def forward(self, x):
        out = [None, None]

        def go(i, m):
            out[i] = m(x)

        threads = [threading.Thread(target=go, args=(i, m)) for i, m in enumerate((self.a, self.b))]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        return out[0] + out[1]


@toy("plain", "calls")
def threaded() -> Built:
    return Threaded(), batch(), {}


class Checkpointed(nn.Module):
    def __init__(self):
        super().__init__()
        self.blk = nn.Sequential(nn.Linear(4, 4), nn.ReLU())

    def forward(self, x):
        from torch.utils.checkpoint import checkpoint

        return checkpoint(self.blk, x, use_reentrant=False)


@toy("plain", "calls")
def checkpointed() -> Built:
    return Checkpointed(), batch(), {}


class MixedModes(nn.Module):
    def __init__(self):
        super().__init__()
        self.a, self.b = nn.Linear(4, 4), nn.Linear(4, 4)

    def forward(self, x):
        with torch.inference_mode():
            h = self.a(x)
        with torch.autocast("cpu", dtype=torch.bfloat16):
            return self.b(h.clone())


@toy("plain", "calls")
def mixed_modes() -> Built:
    return MixedModes(), batch(), {}


class SelfHooking(nn.Module):
    def __init__(self):
        super().__init__()
        self.lin = nn.Linear(4, 4)

    def forward(self, x):
        seen = []
        handle = self.lin.register_forward_hook(lambda m, a, o: seen.append(o))
        y = self.lin(x)
        handle.remove()
        return y + len(seen)


@toy("plain", "calls")
def self_hooking() -> Built:
    return SelfHooking(), batch(), {}


class GrowsInForward(nn.Module):
    def forward(self, x):
        if not hasattr(self, "late"):
            self.late = nn.Linear(x.shape[-1], 4)
        return self.late(x)


@toy("plain", "calls", "state")
def grows_in_forward() -> Built:
    return GrowsInForward(), batch(), {}


class CopiesItself(nn.Module):
    def __init__(self):
        super().__init__()
        self.lin = nn.Linear(4, 4)

    def forward(self, x):
        import copy

        return copy.deepcopy(self.lin)(x)


@toy("plain", "calls")
def copies_itself() -> Built:
    return CopiesItself(), batch(), {}


class Cyclic(nn.Module):
    def __init__(self):
        super().__init__()
        self.child = nn.Linear(4, 4)
        self.child.parent = self

    def forward(self, x):
        return self.child(x)


@toy("plain", "calls")
def cyclic() -> Built:
    return Cyclic(), batch(), {}


class NoneChildren(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc = None
        self.register_module("head", None)
        self.register_parameter("w", None)
        self.register_buffer("b", None)

    def forward(self, x):
        return x


@toy("plain", "calls")
def none_children() -> Built:
    return NoneChildren(), batch(), {}


class Yields(nn.Module):
    def __init__(self):
        super().__init__()
        self.lin = nn.Linear(4, 4)

    def forward(self, x):
        for _ in range(2):
            x = self.lin(x)
            yield x


@toy("plain", "output", "calls")
def out_generator() -> Built:
    return Yields(), batch(), {}


class Returns(nn.Module):
    """Returns `make(x)`; the child is there so that a leaf is hooked too."""

    def __init__(self, make):
        super().__init__()
        self.make, self.leaf = make, nn.Identity()

    def forward(self, x):
        return self.make(self.leaf(x))


@dataclasses.dataclass
class DataOut:
    logits: Any
    aux: Any = None


class SlotsOut:
    __slots__ = ("never_filled", "t")

    def __init__(self, t):
        self.t = t


class PlainOut:
    def __init__(self, t):
        self.t = t


NamedOut = namedtuple("NamedOut", "logits hidden")


class ModelOutput(OrderedDict):
    """Shaped like transformers' own: a dict with attributes and integer indexing; None is left out."""

    def __init__(self, **given):
        super().__init__((key, value) for key, value in given.items() if value is not None)
        for key, value in given.items():
            object.__setattr__(self, key, value)

    def __getitem__(self, key):
        return super().__getitem__(key) if isinstance(key, str) else tuple(self.values())[key]


class LoggedTensor(torch.Tensor):
    pass


class EvilTensor(torch.Tensor):
    @classmethod
    def __torch_function__(cls, func, types, args=(), kwargs=None):
        if getattr(func, "__name__", "") in ("clone", "detach", "mean", "min", "max", "isnan", "to", "float", "sum"):
            raise RuntimeError(f"EvilTensor refuses {func.__name__}")
        return super().__torch_function__(func, types, args, kwargs or {})

    def __repr__(self, **ignored):
        return "\x1b]0;pwned\x07[red]evil[/]"


class EvilRepr:
    def __repr__(self):
        raise RuntimeError("no repr for you")

    __str__ = __repr__

    def __eq__(self, other):
        raise RuntimeError("no eq")

    __hash__ = None


class EvilClass:
    """An unbound proxy: even `isinstance` raises."""

    @property
    def __class__(self):
        raise RuntimeError("working outside of context")


class EvilDict(dict):
    def items(self):
        raise RuntimeError("no items")

    __iter__ = keys = values = items


def contains_itself(x):
    loop = [x]
    loop.append(loop)
    return loop


def dict_contains_itself(x):
    loop = {"x": x}
    loop["again"] = loop
    return loop


def nested(x, wrap=lambda inner: [inner]):
    return functools.reduce(lambda inner, _: wrap(inner), range(3000), x)


OUTPUTS: dict[str, Callable[[torch.Tensor], Any]] = {
    "dict": lambda x: {"a": x, "nested": [x, {"b": (x,)}], 3: None},
    "dataclass": lambda x: DataOut(x, [x]),
    "namedtuple": lambda x: NamedOut(x, (x, x)),
    "slots": lambda x: SlotsOut(x),
    "plain_object": lambda x: PlainOut(x),
    "model_output": lambda x: ModelOutput(logits=x, past=None, hidden=(x, x)),
    "none": lambda x: None,
    "scalars": lambda x: (1, 2.5, True, "text", 3 + 4j, float("nan"), 10**5000, -(2**63), 2**64, "\ud800"),
    "odd_leaves": lambda x: ({1, 2}, b"\x1b[31m\x00", range(3), slice(1), object(), print, int, iter([x]), x.dtype),
    "self_reference": contains_itself,
    "self_reference_dict": dict_contains_itself,
    "deep": nested,
    "deep_dataclass": lambda x: nested(x, DataOut),
    "deep_objects": lambda x: nested(x, lambda inner: PlainOut([inner])),
    "many": lambda x: [x] * 100_000,
    "many_nested": lambda x: [[[x] * 50] * 50] * 50,
    "packed": lambda x: nn.utils.rnn.pack_sequence([torch.ones(3, 2), torch.ones(1, 2)]),
    "jagged": lambda x: torch.nested.nested_tensor([torch.ones(2, 3), torch.ones(4, 3)], layout=torch.jagged),
    "nested_strided": lambda x: torch.nested.nested_tensor([torch.ones(2, 3), torch.ones(4, 3)]),
    "sparse_coo": lambda x: torch.eye(4).to_sparse(),
    "sparse_csr": lambda x: torch.eye(4).to_sparse_csr(),
    "quantized": lambda x: torch.quantize_per_tensor(x, 0.1, 3, torch.quint8),
    "quantized_channels": lambda x: torch.quantize_per_channel(x, torch.ones(2), torch.zeros(2), 0, torch.qint8),
    "complex": lambda x: torch.complex(x, x),
    "int": lambda x: torch.arange(4),
    "bool": lambda x: x > 0,
    "bf16": lambda x: x.bfloat16(),
    "fp16": lambda x: x.half() * 30000,
    "fp8": lambda x: x.to(torch.float8_e4m3fn),
    "empty": lambda x: x[:0],
    "zero_dim": lambda x: x.sum(),
    "meta": lambda x: torch.empty(10**9, device="meta"),
    "nan_inf": lambda x: torch.tensor([float("nan"), float("inf"), -float("inf"), 1.0, -0.0]),
    "expanded": lambda x: torch.ones(1).expand(10**9),
    "expanded_complex": lambda x: torch.ones(1, dtype=torch.complex64).expand(10**9),
    "expanded_past_64_bits": lambda x: torch.ones(1, dtype=torch.complex128).expand(2**62),
    "view": lambda x: x.t(),
    "conj": lambda x: torch.complex(x, x).conj(),
    "negated": lambda x: torch.complex(x, x).conj().imag,
    "requires_grad": lambda x: x * torch.ones(4, requires_grad=True),
    "parameter": lambda x: nn.Parameter(x),
    "two_devices": lambda x: (x, x.to("meta")),
    "one_storage": lambda x: (x, x, x.view(-1)),
    "evil_tensor": lambda x: x.as_subclass(EvilTensor),
    "logged_tensor": lambda x: x.as_subclass(LoggedTensor),
    "evil_object": lambda x: (EvilRepr(), x),
    "evil_class": lambda x: (EvilClass(), x),
    "evil_dict": lambda x: EvilDict(a=x),
}


def _output(name: str, make: Callable[[torch.Tensor], Any]) -> None:
    def built() -> Built:
        return Returns(make), batch(), {}

    built.__name__ = f"out_{name}"
    toy("plain", "output")(built)


for _name, _make in OUTPUTS.items():
    _output(_name, _make)


class Fakes(nn.Module):
    def forward(self, x):
        from torch._subclasses.fake_tensor import FakeTensorMode

        return FakeTensorMode().from_tensor(x)


@toy("plain", "output")
def out_fake() -> Built:
    return Fakes(), batch(), {}


@toy("plain", "state")
def inplace_relu() -> Built:
    return nn.Sequential(nn.Linear(4, 4), nn.ReLU(inplace=True)), (torch.randn(8, 4),), {}


@toy("plain", "state")
def inplace_input() -> Built:
    return nn.Sequential(nn.ReLU(inplace=True), nn.Linear(4, 4)), (torch.tensor([[-1.0, 2.0, -3.0, 4.0]]),), {}


class SliceWrite(nn.Module):
    def __init__(self):
        super().__init__()
        self.lin = nn.Linear(4, 4)

    def forward(self, x):
        h = self.lin(x).detach()
        h.view(-1)[:2] = 99.0
        return h


@toy("plain", "state")
def inplace_through_view() -> Built:
    return SliceWrite(), batch(), {}


@toy("plain", "state")
def identity_chain() -> Built:
    return nn.Sequential(nn.Identity(), nn.Dropout(0.0), nn.Identity()), batch(), {}


@toy("plain", "state")
def batchnorm_train() -> Built:
    return nn.Sequential(nn.Linear(4, 4), nn.BatchNorm1d(4)).train(), (torch.randn(8, 4),), {}


@toy("plain", "state")
def dropout_train() -> Built:
    return nn.Sequential(nn.Linear(4, 4), nn.Dropout(0.5)).train(), (torch.randn(8, 4),), {}


class PyState(nn.Module):
    def __init__(self):
        super().__init__()
        self.steps, self.history, self.cfg = 0, [], {"last": None, "seen": [1]}
        self.generator = torch.Generator().manual_seed(1)

    def forward(self, x):
        import numpy

        self.steps += 1
        self.history.append(x.mean())
        self.cfg["last"] = self.steps
        self.cfg["seen"].append(2)
        return x + torch.rand(4, generator=self.generator) + random.random() + numpy.random.rand()


@toy("plain", "state")
def python_state() -> Built:
    return PyState(), batch(), {}


class AdvancesIterator(nn.Module):
    """The one thing here that cannot be put back."""

    def __init__(self):
        super().__init__()
        self.it = iter(range(100))

    def forward(self, x):
        return x + next(self.it)


@toy("plain", "state")
def advances_iterator() -> Built:
    return AdvancesIterator(), batch(), {}


class PlainTensorCache(nn.Module):
    """A cache written in place that is neither parameter nor buffer, as in LLaMA's first code."""

    def __init__(self):
        super().__init__()
        self.k = nn.Linear(4, 4)
        self.cache, self.layers = torch.zeros(2, 4), [torch.zeros(2, 4)]

    def forward(self, x):
        self.cache[:] = self.k(x).detach()
        self.layers[0] += 1
        return self.cache + 0


@toy("plain", "state")
def plain_tensor_cache() -> Built:
    return PlainTensorCache(), batch(), {}


class KVCache(nn.Module):
    def __init__(self):
        super().__init__()
        self.k = nn.Linear(4, 4)
        self.register_buffer("cache", torch.zeros(0, 4), persistent=False)

    def forward(self, x):
        self.cache = torch.cat([self.cache, self.k(x).detach()])
        return self.cache


@toy("plain", "state")
def kv_cache() -> Built:
    return KVCache(), batch(), {}


class ParamWriter(nn.Module):
    def __init__(self):
        super().__init__()
        self.lin, self.other = nn.Linear(4, 4), nn.Linear(4, 4)

    def forward(self, x):
        with torch.no_grad():
            self.lin.weight.mul_(1.01)
            self.lin.bias.data += 1
        self.other.weight.data = self.other.weight.data.half()
        self.lin.weight.requires_grad_(False)
        self.training = not self.training
        return self.lin(x)


@toy("plain", "state")
def param_writer() -> Built:
    return ParamWriter(), batch(), {}


class GlobalChanger(nn.Module):
    def forward(self, x):
        torch.set_default_dtype(torch.float64)
        torch.set_grad_enabled(False)
        torch.manual_seed(123)
        sys.stdout = None
        return x


@toy("plain", "state")
def global_changer() -> Built:
    return GlobalChanger(), batch(), {}


class BackwardInForward(nn.Module):
    def __init__(self):
        super().__init__()
        self.lin, self.other = nn.Linear(4, 4), nn.Linear(4, 4)
        self.other.weight.grad = torch.full((4, 4), 2.0)

    def forward(self, x):
        with torch.enable_grad():
            (self.lin(x) + self.other(x)).sum().backward()
        return x


@toy("plain", "state")
def backward_in_forward() -> Built:
    return BackwardInForward(), batch(), {}


@toy("plain", "state")
def lazy_linear() -> Built:
    return nn.Sequential(nn.LazyLinear(4), nn.ReLU()), (torch.randn(2, 3),), {}


@toy("plain", "state", "source")
def spectral_norm() -> Built:
    return nn.Sequential(nn.utils.parametrizations.spectral_norm(nn.Linear(4, 4))).train(), batch(), {}


@toy("plain", "state")
def weight_norm_hook() -> Built:
    return nn.Sequential(nn.utils.weight_norm(nn.Linear(4, 4))), batch(), {}


class UserHooks:
    def __init__(self, log):
        self.log = log

    def pre(self, m, a):
        self.log.append("pre")

    def pre_kw(self, m, a, k):
        self.log.append("pre_kw")
        return a, k

    def post(self, m, a, o):
        self.log.append("post")

    def post_kw(self, m, a, k, o):
        self.log.append("post_kw")
        return o + 1


@toy("plain", "state")
def own_hooks() -> Built:
    m = nn.Sequential(nn.Linear(4, 4), nn.ReLU())
    user = UserHooks([])
    linear, m.user_log = m[0], user.log
    m.user_handles = [
        linear.register_forward_pre_hook(user.pre),
        linear.register_forward_pre_hook(user.pre_kw, with_kwargs=True, prepend=True),
        linear.register_forward_hook(user.post),
        linear.register_forward_hook(user.post_kw, with_kwargs=True, prepend=True, always_call=True),
        linear.register_full_backward_hook(lambda *a: None),
        linear.register_full_backward_pre_hook(lambda *a: None),
        linear.register_state_dict_pre_hook(lambda *a: None),
        linear.register_state_dict_post_hook(lambda *a: None),
        linear.register_load_state_dict_pre_hook(lambda *a: None),
        linear.register_load_state_dict_post_hook(lambda *a: None),
        linear.weight.register_hook(lambda g: None),
    ]
    return m, batch(), {}


@toy("plain", "state")
def inference_parameters() -> Built:
    with torch.inference_mode():
        return nn.Sequential(nn.Linear(4, 4), nn.BatchNorm1d(4)).train(), (torch.randn(8, 4),), {}


class WritesBuffer(nn.Module):
    def __init__(self, buffer):
        super().__init__()
        self.register_buffer("held", buffer)

    def forward(self, x):
        self.held.data.add_(1)
        return x + 1


@toy("plain", "state")
def evil_buffer() -> Built:
    return WritesBuffer(torch.ones(4).as_subclass(EvilTensor)), batch(), {}


class Gate(nn.Module):
    def __init__(self):
        super().__init__()
        self.register_buffer("mask", torch.ones(1).expand(10**9))

    def forward(self, x):
        self.mask[:1] += 1
        return x


@toy("plain", "state")
def expanded_buffer() -> Built:
    return Gate(), batch(), {}


@toy("plain", "state")
def loop_of_containers() -> Built:
    m = nn.Sequential(nn.Identity())
    m.loop = []
    m.loop.extend([m.loop] * 200)
    return m, batch(), {}


class Tied(nn.Module):
    def __init__(self):
        super().__init__()
        self.emb, self.out = nn.Embedding(10, 4), nn.Linear(4, 10, bias=False)
        self.out.weight = self.emb.weight

    def forward(self, i):
        return self.out(self.emb(i))


@toy("plain")
def tied_weights() -> Built:
    return Tied(), (torch.tensor([1, 2]),), {}


@toy("plain")
def mha() -> Built:
    x = torch.randn(2, 5, 16)
    return nn.MultiheadAttention(16, 4, batch_first=True).eval(), (x, x, x), {"need_weights": True}


@toy("plain", "output")
def lstm() -> Built:
    return nn.LSTM(4, 3, batch_first=True), (torch.randn(2, 5, 4),), {}


@toy("plain", "calls")
def transformer_encoder() -> Built:
    layer = nn.TransformerEncoderLayer(8, 2, 16, batch_first=True)
    return nn.TransformerEncoder(layer, 2).eval(), (torch.randn(1, 3, 8),), {}


class GetattrAny(nn.Module):
    def __getattr__(self, name):
        if name.startswith("_") or name in self._modules:
            return super().__getattr__(name)
        return lambda *a, **k: "anything"

    def forward(self, x):
        return x


class PropertyBomb(nn.Module):
    @property
    def device(self):
        raise RuntimeError("property with side effects")

    def forward(self, x):
        return x


class Slotted(nn.Module):
    __slots__ = ("extra",)

    def forward(self, x):
        return x


class Falsy(nn.Module):
    def __len__(self):
        return 0

    def forward(self, x):
        return x


class BoolBomb(nn.Module):
    def __bool__(self):
        raise RuntimeError("truth value is not defined")

    def forward(self, x):
        return x


class BadRepr(nn.Module):
    def __repr__(self):
        raise RuntimeError("repr failed")

    def extra_repr(self):
        raise RuntimeError("extra_repr failed")

    def forward(self, x):
        return x


class EvilReprModule(nn.Module):
    def extra_repr(self):
        return "\x1b[2J\x1b]52;c;cHduZWQ=\x07[red]not red[/red] [/] [@click=app.quit]x[/]\r\x00\u202egnp\x9b31m"

    def forward(self, x):
        return x


class EqAll(nn.Module):
    def __eq__(self, other):
        return isinstance(other, EqAll)

    def __hash__(self):
        return 1

    def forward(self, x):
        return x + 1


class Unhashable(nn.Module):
    def __eq__(self, other):
        return self is other

    __hash__ = None

    def forward(self, x):
        return x


@toy("plain", "name")
def odd_objects() -> Built:
    kinds = (GetattrAny, PropertyBomb, Slotted, Falsy, BoolBomb, BadRepr, EvilReprModule)
    return nn.Sequential(*(kind() for kind in kinds), nn.Sequential()), batch(), {}


@toy("plain", "name")
def eq_all() -> Built:
    return nn.Sequential(EqAll(), EqAll()), batch(), {}


@toy("plain", "name")
def unhashable() -> Built:
    return nn.Sequential(Unhashable()), batch(), {}


ODD_NAMES = [
    "[red]", "[/]", "[@click=app.quit]x", "a]b[c", "\x1b[31mred", "\x1b]0;title\x07", "new\nline", "tab\t", "cr\rX",
    "nul\x00", "\x9b31m", "bidi\u202eabc", "zero\u200bwidth", "e\u0301", "漢字", " ", "  lead", "$var", "{x}", "%s",
    "family 👩‍👩‍👧",
    "\\[x]", "class", "__init__", "0", "-1", "/etc/passwd", "~", "x" * 5000, "x" * 4999 + "y", "\ud800", ":warning:",
    "#id", "'\"", "dot.ted", "",
]  # fmt: skip


class Chain(nn.Module):
    """Its children under any keys, through the back door: `add_module` refuses some of them."""

    def __init__(self, *keys):
        super().__init__()
        for key in keys:
            self._modules[key] = nn.Identity()

    def forward(self, x):
        for module in self._modules.values():
            x = module(x)
        return x


@toy("plain", "name")
def odd_names() -> Built:
    return Chain(*ODD_NAMES), batch(), {}


@toy("plain", "name")
def int_keys() -> Built:
    return Chain(0, "0", 1), batch(), {}


class NoStr:
    def __str__(self):
        raise RuntimeError("no str")

    __repr__ = __str__


@toy("plain", "name")
def unprintable_keys() -> Built:
    return Chain(NoStr(), NoStr()), batch(), {}


@toy("plain", "name")
def odd_keywords() -> Built:
    return KwOnly(), (), {"x": torch.randn(2, 4), "\ud800": 1, "k" * 5000: 2}


@toy("big", "name")
def deep_nest() -> Built:
    m: nn.Module = nn.Identity()
    for _ in range(1000):
        parent = nn.Module()
        parent.c = m
        m = parent
    return m, (), {}


@toy("big")
def wide_100k() -> Built:
    return nn.ModuleList([nn.Identity() for _ in range(100_000)]), (), {}


@toy("plain", "source")
def monkeypatched_forward() -> Built:
    m = nn.Sequential(nn.Linear(4, 4), nn.ReLU())

    def patched(self, x):
        return x * 42

    m[0].forward = types.MethodType(patched, m[0])
    return m, batch(), {}


@toy("plain", "source")
def lambda_forward() -> Built:
    m = nn.Sequential(nn.Identity(), nn.Identity())
    m[0].forward = lambda x: x + 1
    m[1].forward = functools.partial(torch.mul, other=2)
    return m, batch(), {}


def two_layers() -> nn.Sequential:
    return nn.Sequential(nn.Linear(4, 4), nn.ReLU())


@toy("wrap")
def scripted() -> Built:
    return torch.jit.script(two_layers()), batch(), {}


@toy("wrap")
def traced() -> Built:
    return torch.jit.trace(two_layers(), torch.randn(2, 4)), batch(), {}


@toy("wrap")
def traced_child() -> Built:
    return nn.Sequential(torch.jit.trace(two_layers(), torch.randn(2, 4)), nn.ReLU()), batch(), {}


@toy("wrap", "source")
def fx_graph() -> Built:
    return torch.fx.symbolic_trace(SharedRelu()), batch(), {}


@toy("wrap", "source")
def exported() -> Built:
    return torch.export.export(SharedRelu(), batch()).module(), batch(), {}


@toy("wrap")
def compiled() -> Built:
    return torch.compile(two_layers(), backend="eager"), batch(), {}


@toy("wrap")
def compiled_inplace() -> Built:
    m = two_layers()
    m.compile(backend="eager")
    return m, batch(), {}


@toy("wrap")
def data_parallel() -> Built:
    return nn.DataParallel(nn.Sequential(nn.Linear(4, 4))), batch(), {}


@toy("wrap", "output")
def quantized_dynamic() -> Built:
    m = torch.ao.quantization.quantize_dynamic(nn.Sequential(nn.Linear(4, 4)), {nn.Linear}, dtype=torch.qint8)
    return m, batch(), {}


@toy("plain", "output")
def meta_model() -> Built:
    with torch.device("meta"):
        return two_layers(), batch(), {}


class RaisesMidway(nn.Module):
    def __init__(self):
        super().__init__()
        self.a, self.bad, self.c = nn.Linear(4, 4), nn.Sequential(nn.Linear(5, 4)), nn.Linear(4, 4)

    def forward(self, x):
        return self.c(self.bad(self.a(x)))


@toy("raises")
def raises_midway() -> Built:
    return RaisesMidway(), batch(), {}


class UnprintableError(Exception):
    def __str__(self):
        raise RuntimeError("str of the exception raises")


class Raises(nn.Module):
    """Calls `fn` after its child; what it raises, if anything, comes out."""

    def __init__(self, fn):
        super().__init__()
        self.fn, self.lin = fn, nn.Linear(4, 4)

    def forward(self, x):
        self.lin(x)
        self.fn(x)
        return x


def _raise(error: BaseException) -> Callable[[Any], None]:
    def fn(x):
        raise error

    return fn


@toy("raises")
def raises_evil() -> Built:
    return Raises(_raise(UnprintableError("\x1b[2J[/red]"))), batch(), {}


@toy("raises")
def raises_keyboard_interrupt() -> Built:
    return Raises(_raise(KeyboardInterrupt())), batch(), {}


@toy("raises")
def raises_system_exit() -> Built:
    return Raises(_raise(SystemExit(3))), batch(), {}


def recurse(x):
    return recurse(x)


@toy("raises")
def raises_recursion() -> Built:
    return Raises(recurse), batch(), {}


class Recovers(nn.Module):
    """One child's error is handled, another's is not."""

    def __init__(self):
        super().__init__()
        self.handled, self.fatal = nn.Linear(5, 4), nn.Linear(6, 4)

    def forward(self, x):
        try:
            self.handled(x)
        except RuntimeError:
            return self.fatal(x)


@toy("raises", "calls")
def raises_after_recovery() -> Built:
    return Recovers(), batch(), {}


class Translates(nn.Module):
    def __init__(self):
        super().__init__()
        self.inner = nn.Linear(5, 4)

    def forward(self, x):
        try:
            return self.inner(x)
        except RuntimeError as error:
            raise ValueError("translated") from error


@toy("raises", "calls")
def raises_translated() -> Built:
    return Translates(), batch(), {}


def _forever(x):
    print("looping", file=sys.stderr, flush=True)
    while True:
        pass


def _segfault(x):
    import ctypes

    ctypes.string_at(0)


def _prints(x):
    print("\x1b[2J\x1b[Hhello from forward")
    sys.stderr.write("stderr line\n")
    os.write(1, b"raw fd 1\n")
    warnings.warn("a warning", stacklevel=1)


@toy("hostile")
def os_exit() -> Built:
    return Raises(lambda x: os._exit(7)), batch(), {}


@toy("hostile")
def segfault() -> Built:
    return Raises(_segfault), batch(), {}


@toy("hostile")
def infinite_loop() -> Built:
    return Raises(_forever), batch(), {}


@toy("hostile")
def prints() -> Built:
    return Raises(_prints), batch(), {}


@toy("hostile")
def closes_every_fd() -> Built:
    return Raises(lambda x: os.closerange(3, 256)), batch(), {}
