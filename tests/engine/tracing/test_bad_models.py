"""Faults as they happen in models that people have: where each is said to be, and why."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import numpy
import pytest
import torch
import torch.nn.functional as F
import torchvision
import transformers
from torch import Tensor, nn
from torch.nn.utils import parametrizations

from inspector.engine.tracing.first_bad.badness import Look
from inspector.records import FirstBadValue

from .faults import Block
from .test_first_bad import look

NAN = float("nan")
X = torch.randn(3, 4, generator=torch.Generator().manual_seed(0))
IDS = torch.tensor([[5, 6, 7, 8]])


class NumpyLog(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        return torch.from_numpy(numpy.sqrt(x.detach().numpy() * 0 - 1))

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> Any:
        return gradients[0]


class Steep(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        return x * 1

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> Any:
        return gradients[0] / torch.zeros(())


def root_of_less(x: Tensor) -> Tensor:
    return torch.sqrt(x * 0 - 1)


class Apply(nn.Module):
    """Args:
    function: Called with what the module is called with.
    """

    def __init__(self, function: Callable[[Tensor], Any]) -> None:
        super().__init__()
        self.function = function

    def forward(self, x: Tensor) -> Any:
        return self.function(x)


class WritesToItsWeight(nn.Module):
    """By numpy."""

    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Linear(4, 4)

    def forward(self, x: Tensor) -> Tensor:
        self.layer.weight.detach().numpy()[0, 0] = NAN
        out: Tensor = self.layer(x)
        return out


class OnThreads(nn.Module):
    """As data parallel models are run."""

    def __init__(self, inner: nn.Module) -> None:
        super().__init__()
        self.parts = nn.ModuleList([nn.Linear(4, 4), inner])

    def forward(self, x: Tensor) -> Tensor:
        made = [x, x]

        def run(number: int) -> None:
            made[number] = self.parts[number](x)

        threads = [threading.Thread(target=run, args=(number,)) for number in range(2)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        return made[0] + made[1]


class Experts(nn.Module):
    """Nothing is sent to the last of them."""

    def __init__(self) -> None:
        super().__init__()
        self.experts = nn.ModuleList(nn.Linear(4, 4) for _ in range(2))

    def forward(self, x: Tensor) -> Any:
        chosen = torch.zeros(len(x), dtype=torch.long)
        out, loads = torch.zeros_like(x), torch.zeros(2)
        for number, expert in enumerate(self.experts):
            mine = x[chosen == number]
            out[chosen == number] = expert(mine)
            loads[number] = mine.mean()
        return out, loads


class Jagged(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        rows = torch.nested.nested_tensor([x[:1], x[1:]], layout=torch.jagged)
        return torch.sqrt(rows * 0 - 1).values()


class Graph(nn.Module):
    """Of which one node has no neighbours."""

    def forward(self, x: Tensor) -> Tensor:
        edges = torch.sparse_coo_tensor(torch.tensor([[0, 1], [1, 0]]), torch.ones(2), (3, 3))
        degrees = torch.sparse.sum(edges, 1).to_dense()
        return torch.sparse.mm(edges, x) * degrees.pow(-0.5)[:, None]


class Recurrent(nn.Module):
    """Its numbers grow with each step."""

    def __init__(self) -> None:
        super().__init__()
        self.cell = nn.Linear(4, 4, bias=False)
        nn.init.constant_(self.cell.weight, 1e6)

    def forward(self, x: Tensor) -> Tensor:
        for _ in range(10):
            x = self.cell(x)
        return x


def llama(change: Callable[[Any], object] = lambda model: None, dtype: torch.dtype = torch.float32) -> nn.Module:
    torch.manual_seed(0)
    config = transformers.LlamaConfig(
        hidden_size=32, intermediate_size=64, num_hidden_layers=2, num_attention_heads=4, vocab_size=99,
        attn_implementation="eager",
    )  # fmt: skip
    model = transformers.LlamaForCausalLM(config).to(dtype).eval()
    with torch.no_grad():
        change(model)
    return model


def corrupt(path: str, value: float, name: str = "weight") -> Callable[[nn.Module], nn.Module]:
    """Writes one element of a tensor."""

    def change(model: nn.Module) -> nn.Module:
        tensor = getattr(model.get_submodule(path), name)
        with torch.no_grad():
            tensor[(0,) * tensor.dim()] = value
        return model

    return change


def grow_queries(model: Any) -> None:
    attention = model.model.layers[1].self_attn
    attention.q_proj.weight.mul_(2e3), attention.k_proj.weight.mul_(2e3)


def without_epsilon(model: Any) -> None:
    model.model.embed_tokens.weight.zero_()
    model.model.layers[0].input_layernorm.variance_epsilon = 0.0


def normalized() -> nn.Module:
    layer = parametrizations.weight_norm(nn.Linear(4, 4))
    parametrized: Any = layer.parametrizations
    nn.init.zeros_(parametrized.weight.original1)
    return layer


def write(model: nn.Module, ids: Tensor) -> Tensor:
    written: Tensor = model.generate(ids, max_new_tokens=2, do_sample=False, pad_token_id=0)  # type: ignore[operator]
    return written


def ignored(output: Tensor, sample: Any) -> Tensor:
    return F.cross_entropy(output, torch.full((3,), -100))


def add_up(output: Tensor, sample: Any) -> Tensor:
    return output.sum()


def scaled(output: Tensor, sample: Any) -> Tensor:
    return output.float().sum() * 65536 * 2


class Case(NamedTuple):
    model: Callable[[], nn.Module]
    args: tuple[Any, ...]
    phase: str
    path: str
    op: str = ""
    says: str = ""
    options: dict[str, Any] = {}  # noqa: RUF012 (nobody writes to it)


@contextlib.contextmanager
def another_thread() -> Iterator[None]:
    """One that has torch at hand, and may write to a model: what a pass does is watched then."""
    over = threading.Event()
    thread = threading.Thread(target=lambda: torch.is_tensor(over.wait()))
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


IN = Block
CASES = {
    "running variance": Case(
        lambda: corrupt("layer2.0.bn1", -5.0, "running_var")(torchvision.models.resnet18().eval()),
        (torch.randn(1, 3, 32, 32),), "forward", "layer2.0.bn1", "torch.nn.functional.batch_norm",
        "variance down to -5",
    ),
    "scores in half": Case(
        lambda: llama(grow_queries, torch.float16), (IDS,), "forward", "model.layers.1.self_attn", "torch.matmul",
        "the range of float16",
    ),
    "row of an embedding": Case(lambda: llama(corrupt("model.embed_tokens", NAN)), (IDS * 0,), "parameter",
                                "model.embed_tokens"),
    "no epsilon": Case(lambda: llama(without_epsilon), (IDS,), "forward", "model.layers.0.input_layernorm",
                       "torch.rsqrt", "a division by the root of 4 zeros"),
    "written text": Case(lambda: llama(corrupt("model.layers.1.mlp.up_proj", NAN)), (IDS,), "parameter",
                         "model.layers.1.mlp.up_proj", options={"call": write}),
    "raised for it": Case(
        lambda: nn.Sequential(corrupt("", NAN)(nn.Linear(4, 4)), Apply(lambda x: x.softmax(-1).multinomial(1))), (X,),
        "parameter", "0", options={"raises": True},
    ),
    "hidden, and all is asked for": Case(
        lambda: nn.Sequential(corrupt("", NAN)(nn.Linear(4, 4)), Apply(torch.nan_to_num)), (X,), "parameter", "0",
        options={"everything": True},
    ),
    "labels": Case(lambda: nn.Linear(4, 2), (X,), "loss", "", "torch.nn.functional.cross_entropy",
                   "every target is -100", {"loss": ignored}),
    "loss scale": Case(lambda: Apply(lambda x: x.half() * 2), (X.clone().requires_grad_(),), "backward", "",
                       "ToCopyBackward0", "leaves the range of the type", {"loss": scaled}),
    "weight norm": Case(normalized, (X,), "forward", "parametrizations.weight.0", "_weight_norm", "all 0"),
    "numpy": Case(lambda: IN(Apply(NumpyLog.apply)), (X,), "forward", "inner", "forward", "numpy"),
    "weight in the pass": Case(WritesToItsWeight, (X,), "parameter", "layer", "", "is fine before the pass"),
    "thread": Case(lambda: OnThreads(IN(Apply(lambda x: torch.sqrt(x * 0 - 1)))), (X,), "forward", "parts.1.inner",
                   "torch.sqrt", "a root of numbers down to -1"),
    "backward of a thread": Case(lambda: OnThreads(IN(Apply(lambda x: torch.sqrt(x * 0)))), (X,), "backward",
                                 "parts.1.inner", "SqrtBackward0", "infinitely steep at 0", {"loss": add_up}),
    "weight on a thread": Case(lambda: OnThreads(corrupt("", NAN)(nn.Linear(4, 4))), (X,), "parameter", "parts.1"),
    "nothing for an expert": Case(Experts, (X,), "forward", "", "torch.Tensor.mean", "no elements at all"),
    "jagged": Case(Jagged, (X,), "forward", "", "torch.sqrt", "a root of numbers down to -1"),
    "sparse": Case(Graph, (X,), "forward", "", "torch.Tensor.pow", "a power below 0 of zero"),
    "recurrent": Case(Recurrent, (X,), "forward", "cell", "torch.nn.functional.linear", "the range of float32"),
    "backward of a compiled one": Case(
        lambda: torch.compile(IN(Apply(lambda x: torch.sqrt(x * 0))), backend="eager"), (X,), "backward",
        "_orig_mod.inner", "SqrtBackward0", "infinitely steep at 0", {"loss": add_up},
    ),
    "weight of TorchScript": Case(lambda: torch.jit.script(nn.Sequential(corrupt("", NAN)(nn.Linear(4, 4)))), (X,),
                                  "parameter", "0"),
    "a distribution": Case(lambda: Apply(lambda x: torch.distributions.Normal(x, x / 0, validate_args=False)), (X,),
                           "forward", "", "torch.Tensor.div"),
    "nested input": Case(lambda: Apply(lambda x: x["deep"][0] * 2), ({"deep": [X * NAN]},), "input", "", "", "12 NaN"),
    "hidden in attention": Case(
        lambda: nn.Sequential(nn.Linear(4, 4), Apply(lambda x: (x - torch.inf).softmax(-1).nan_to_num())), (X,),
        "backward", "1", "SoftmaxBackward0", options={"loss": add_up},
    ),
    "broken power": Case(lambda: Apply(lambda x: (-x.abs()) ** 0.5), (X,), "forward", "", "torch.Tensor.__pow__",
                         "no whole number"),
    "arc": Case(lambda: Apply(lambda x: torch.acos(x + 9)), (X,), "forward", "", "torch.acos", "between -1 and 1"),
    "function on a thread": Case(lambda: OnThreads(IN(Apply(Steep.apply))), (X,), "backward", "parts.1.inner",
                                 "SteepBackward", options={"loss": add_up}),
    "compiled function": Case(lambda: IN(Apply(torch.compile(root_of_less, backend="eager"))), (X,), "forward", "inner",
                              "torch.sqrt", "a root of numbers down to -1"),
    "compiled": Case(lambda: torch.compile(IN(Apply(lambda x: x / (x * 0))), backend="eager"), (X,), "forward",
                     "_orig_mod.inner", "torch.Tensor.div", "a division by 12 zeros"),
}  # fmt: skip


@pytest.mark.parametrize("beside", [False, True], ids=["", "beside another thread"])
@pytest.mark.parametrize("name", CASES)
def test_the_fault_is_named(name: str, beside: bool) -> None:
    if beside:
        with another_thread():
            test_the_fault_is_named(name, False)
        return
    case = CASES[name]
    torch.manual_seed(0)
    answer: FirstBadValue = look(case.model(), case.args, **case.options)
    assert answer.found, answer
    assert (answer.phase, ".".join(answer.path), answer.op) == (case.phase, case.path, case.op), answer
    assert case.says in answer.explanation


def test_a_thread_that_outlives_the_pass_is_not_looked_at_any_more(monkeypatch: pytest.MonkeyPatch) -> None:
    began, goes_on, ended = threading.Event(), threading.Event(), threading.Event()

    def wait(x: Tensor) -> Tensor:
        began.set()
        goes_on.wait(10)
        x = torch.sqrt(x * 0 - 1)
        ended.set()
        return x

    def start(x: Tensor) -> Tensor:
        threading.Thread(target=late, args=(x,)).start()
        began.wait(10)
        return x

    late = Apply(wait)
    model = Apply(start)
    model.late = late
    assert not look(model, (X,)).found
    read: list[object] = []
    monkeypatch.setattr(Look, "__call__", lambda look, tensor: read.append(tensor))
    goes_on.set()
    assert ended.wait(10) and not read
