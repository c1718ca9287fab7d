"""The first bad value is named with its module, call and line, and nothing is said of models that are fine."""

from __future__ import annotations

import math
import operator
import sys
from collections.abc import Callable
from typing import Any

import pytest
import torch
import torchvision
import transformers
from torch import Tensor, nn
from torch.nn import functional as F

from inspector.engine.hooks.steps import StepCounter
from inspector.engine.inputs import Sample
from inspector.engine.inputs.sample import sample_from_values
from inspector.engine.modules.tree import walk
from inspector.engine.passes.training import Loss, loss_of
from inspector.engine.restore.backup import TensorBackup
from inspector.engine.tracing import in_place
from inspector.engine.tracing.first_bad import search as first_bad_search
from inspector.engine.tracing.first_bad.badness import Bad, find_not_finite
from inspector.engine.tracing.first_bad.search import FirstBadSearch
from inspector.records import FirstBadValue, TensorValue

from .faults import FAULTS, Fault, line_of


def search(fault: Fault) -> FirstBadValue:
    torch.manual_seed(0)
    return look(*fault.make(), loss_of(fault.loss) if fault.backward else None)


def look(
    model: nn.Module,
    args: tuple[Any, ...],
    loss: Loss | None = None,
    *,
    call: Callable[..., object] | None = None,
    raises: bool = False,
    **options: Any,
) -> FirstBadValue:
    """The answer; the pass leaves everything as it was.

    Args:
        model: Where to look.
        args: It is called with.
        loss: Where a backward pass begins.
        call: Calls the model, several times maybe: each is a step.
        raises: Whether that fails.
        options: Of the search.
    """
    tree, steps = walk(model), StepCounter()
    sample = sample_from_values(args, {})
    before = {name: tensor.clone() for name, tensor in model.state_dict().items()}

    def run(copy: Sample) -> object:
        if call is not None:
            return call(model, *copy.args)
        steps.begin()
        return model(*copy.args, **copy.kwargs)

    handle = steps.register(model) if call is not None else None
    found = FirstBadSearch(tree, TensorBackup(tree), sample, run, steps, seed=0, loss=loss, **options)
    outcome = found.run()
    if handle is not None:
        handle.remove()
    assert (outcome.error is not None) is raises, outcome.error
    for name, tensor in model.state_dict().items():
        torch.testing.assert_close(tensor, before[name], equal_nan=True, rtol=0, atol=0)
    assert all(parameter.grad is None for parameter in model.parameters())
    return found.answer(1, raises)


@pytest.mark.parametrize("name", FAULTS)
def test_the_first_bad_value(name: str) -> None:
    where, fault = FAULTS[name]
    answer = search(fault)
    assert answer.found
    assert (answer.phase, ".".join(answer.path), answer.call) == (fault.phase, fault.path, fault.call), answer
    if where is not None:
        assert answer.place is not None and (answer.place.file, answer.place.line) == (
            sys.modules[search.__module__.rpartition(".")[0] + ".faults"].__file__,
            line_of(where),
        )
        if sys.version_info >= (3, 11):
            assert fault.expression in answer.place.expression
    assert fault.says in answer.explanation


class AddsMask(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.inner = nn.Linear(4, 4)
        self.register_buffer("mask", torch.full((4, 4), float("-inf")).triu(1))

    def forward(self, x: Tensor) -> Tensor:
        return (self.inner(x) @ x.T + self.mask).softmax(-1)


class KeepsBest(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return x.masked_fill(x < x.topk(2).values[:, -1:], float("-inf"))


class GivesMask(nn.Module):
    """Written in ways of their own."""

    def forward(self, x: Tensor) -> Any:
        lowest = torch.zeros(4, 4).scatter_(1, torch.ones(4, 1, dtype=torch.long), float("-inf"))
        return x + lowest, (torch.ones(4, 4) * float("-inf")).triu(1) + x


class UnusedRow(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.table = nn.Embedding(5, 4)
        self.table.weight.data[3] = float("nan")

    def forward(self, x: Tensor) -> Any:
        return self.table((x[:, 0] * 0).long())


class Absorbed(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return torch.where(x > 1e9, torch.log(x * 0), x).clamp(-1e3, 1e3)


@pytest.mark.parametrize("kind", [AddsMask, KeepsBest, GivesMask, UnusedRow, Absorbed])
def test_what_reaches_nothing_or_is_meant_is_nothing_bad(kind: type[nn.Module]) -> None:
    torch.manual_seed(0)
    assert not look(kind(), (torch.randn(4, 4),)).found


class LogOfMask(nn.Module):
    """Of zeros and ones.

    Args:
        closed: Rows that are masked completely.
        gives: Gives the mask as well.
        power: Multiplies with it in place of adding it.
    """

    def __init__(self, closed: int = 0, gives: bool = False, power: bool = False) -> None:
        super().__init__()
        self.closed, self.gives, self.power = closed, gives, power

    def forward(self, x: Tensor) -> Any:
        keep = torch.ones(4, 4).tril()
        keep[: self.closed] = 0
        mask = keep.log()
        weights = keep * mask if self.power else (x @ x.T + mask).softmax(-1)
        return (weights @ x, mask) if self.gives else weights @ x


@pytest.mark.parametrize(
    ("options", "op", "says"),
    [
        ({}, "", ""),
        ({"gives": True}, "torch.Tensor.log", "as in a mask"),
        ({"closed": 1}, "torch.Tensor.softmax", "masked completely"),
        ({"closed": 1}, "torch.Tensor.softmax", "come from the logarithm at"),
        ({"power": True}, "torch.Tensor.log", "as in a mask"),
    ],
)
def test_the_logarithm_of_a_mask_is_told_where_it_comes_out(options: dict[str, Any], op: str, says: str) -> None:
    answer = look(LogOfMask(**options), (torch.randn(4, 4),))
    assert (answer.found, answer.op) == (bool(op), op) and says in answer.explanation


class BadBehindMask(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.scale = nn.Parameter(torch.zeros(4))

    def forward(self, x: Tensor) -> Tensor:
        rooted = x + torch.sqrt(self.scale * x.abs())
        return rooted.masked_fill(x < 0, float("-inf"))


def test_the_backward_is_looked_at_where_the_output_is_masked() -> None:
    torch.manual_seed(0)
    answer = look(BadBehindMask(), (torch.randn(4, 4),), lambda output, sample: output[output.isfinite()].mean())
    assert (answer.phase, answer.op) == ("backward", "SqrtBackward0")


class Corrupted(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("scale", torch.tensor([1.0, math.nan]))

    def forward(self, x: Tensor) -> Tensor:
        return x * self.scale.to(x.dtype)  # which gives the buffer itself


def test_an_operation_that_gives_what_it_was_given_is_not_where_it_began() -> None:
    assert look(Corrupted(), (torch.ones(2, 2),)).parameters == ("scale",)


class FillsFirst(nn.Module):
    """Puts what is bad already into memory that was filled with NaN after it."""

    def forward(self, x: Tensor) -> Tensor:
        roots = torch.sqrt(x * 0 - 1)
        place = x.new_empty(x.shape).fill_(math.nan)
        for column in range(4):
            place[:, column] = roots[:, column]
        return place


def test_what_is_written_is_the_cause_and_not_what_it_is_written_over() -> None:
    assert look(FillsFirst(), (torch.ones(3, 4),)).op == "torch.sqrt"


class Reuses(nn.Module):
    """The memory of what was bad and is gone may be given to what is made next."""

    def forward(self, x: Tensor) -> Tensor:
        for _ in range(20):
            torch.log(x * 0)
        return x / (x * 0).abs()


def test_freed_memory_is_not_taken_for_what_was_in_it() -> None:
    answer = look(Reuses(), (torch.ones(3, 4),))
    assert answer.op == "torch.Tensor.div" and "a division by 12 zeros" in answer.explanation


@pytest.mark.parametrize("name", ["resnet18", "mobilenet_v3_small", "vit_b_16", "swin_t", "densenet121", "googlenet"])
def test_models_of_torchvision_are_fine(name: str) -> None:
    options = {"init_weights": False} if name == "googlenet" else {}
    size = 224 if name in ("vit_b_16", "swin_t") else 64
    model = torchvision.models.get_model(name, **options).eval()
    assert not look(model, (torch.randn(1, 3, size, size),)).found


@pytest.mark.parametrize("attention", ["eager", "sdpa"])
def test_masks_of_transformers_are_fine(attention: str) -> None:
    config = transformers.LlamaConfig(
        hidden_size=32, intermediate_size=64, num_hidden_layers=2, num_attention_heads=4, vocab_size=99,
        attn_implementation=attention,
    )  # fmt: skip
    ids, mask = torch.randint(0, 99, (2, 12)), torch.ones(2, 12, dtype=torch.long)
    mask[0, :5] = 0
    model = transformers.LlamaForCausalLM(config).eval()
    assert not look(model, (ids, mask)).found
    assert not look(model, (ids, mask), loss_of("mean")).found


def test_what_is_behind_the_first_nan_is_not_read_again(monkeypatch: pytest.MonkeyPatch) -> None:
    read: list[int] = []

    def count(tensor: Tensor) -> Bad:
        read.append(tensor.numel())
        return find_not_finite(tensor)

    monkeypatch.setattr(first_bad_search, "find_not_finite", count)
    model = nn.Sequential(*(nn.Linear(4, 4) for _ in range(20)))
    model[0].weight.data.fill_(math.nan)
    assert look(model, (torch.ones(2, 4),)).parameters == ("0.weight",)
    assert len(read) < 10


class Writes(nn.Module):
    """Writes what is bad over what was fine."""

    def __init__(self, write: Callable[[Tensor], object]) -> None:
        super().__init__()
        self.write = write

    def forward(self, x: Tensor) -> Tensor:
        x = (x * 0).requires_grad_(False)
        self.write(x)
        return x + 1


@pytest.mark.parametrize("large", [False, True])
@pytest.mark.parametrize(
    ("write", "given", "says"),
    [
        (lambda x: x.log_(), [0.0], "a logarithm of 12 zeros"),
        (lambda x: torch.log(x, out=x), [0.0], "a logarithm of 12 zeros"),
        (lambda x: operator.itruediv(x.add_(3), torch.zeros(())), [3.0, 0.0], "a division by zero"),
        (lambda x: F.threshold(x, 1.0, math.nan, inplace=True), [0.0], "the number nan"),
        (lambda x: torch.sqrt(torch.full((3, 4), -2.0), out=x), [-2.0], "a root of numbers down to -2"),
    ],
    ids=["method", "out of itself", "augmented", "inplace", "out of another"],
)
def test_what_an_operation_in_place_was_given_is_told(
    write: Callable[[Tensor], object], given: list[float], says: str, large: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    if large:
        monkeypatch.setattr(in_place, "_COPIED", 0)
    answer = look(Writes(write), (torch.randn(3, 4),))
    maxima = [value.statistics.max for value in answer.inputs if isinstance(value, TensorValue) and value.statistics]
    assert answer.found and maxima == given and says in answer.explanation
