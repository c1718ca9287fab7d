"""Small tensors that are compared many at once: whatever a pass does to one of them is noticed, and put back."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from inspector.engine.modules.tree import walk
from inspector.engine.passes.forward import forward
from inspector.engine.restore.backup import TensorBackup
from inspector.engine.restore.kept_tensor import KeptTensor
from inspector.engine.restore.tensor_groups import group_tensors


class Acts(nn.Module):
    """Has 600 parameters, more than a group, and does something to one of them."""

    def __init__(self) -> None:
        super().__init__()
        self.weights = nn.ParameterList(nn.Parameter(torch.rand(3, 3)) for _ in range(600))
        self.register_buffer("counts", torch.arange(4))
        with torch.no_grad():
            self.weights[7].copy_(torch.tensor([[0.0, torch.nan, 1.0]] * 3))
        self.weights[9].grad = torch.ones(3, 3)
        self.act: Callable[[Any], object] = _nothing

    def forward(self, x: Tensor) -> Tensor:
        with torch.no_grad():
            self.act(self)
        return x


def _nothing(model: Acts) -> None:
    return None


def _set_data(model: Acts, data: Tensor) -> None:
    model.weights[7].data = data


ACTS: dict[str, Callable[[Acts], object]] = {
    "a value": lambda model: model.weights[7].data.view(-1)[2:3].fill_(2.0),
    "a value, in place": lambda model: model.weights[599].add_(1),
    "the sign of a zero": lambda model: model.weights[7].data[0, 0].neg_(),
    "the bits of a NaN": lambda model: model.weights[7].data.view(torch.int32)[0, 1].add_(1),
    "a whole number": lambda model: model.counts.add_(1),
    "other memory": lambda model: _set_data(model, model.weights[7].detach().clone()),
    "another shape": lambda model: _set_data(model, model.weights[7].data.view(9)),
    "other strides": lambda model: _set_data(model, model.weights[7].data.t()),
    "another dtype": lambda model: _set_data(model, model.weights[7].data.view(torch.int32).float()),
    "memory that was freed": lambda model: model.weights[7].untyped_storage().resize_(0),
    "a gradient": lambda model: setattr(model.weights[7], "grad", torch.ones(3, 3)),
    "no gradient": lambda model: setattr(model.weights[9], "grad", None),
    "a value of a gradient": lambda model: model.weights[9].grad.zero_(),
    "whether it needs a gradient": lambda model: model.weights[7].requires_grad_(False),
}


def _state(model: Acts) -> list[Any]:
    tensors = [*model.weights, model.counts]
    tensors += [each.grad for each in model.weights if each.grad is not None]
    facts = [
        (id(each), id(each.grad), each.dtype, each.shape, each.stride(), each.requires_grad, each._version)
        for each in tensors
    ]
    return [facts, [each.detach().contiguous().view(torch.uint8).tolist() for each in tensors]]


def _pass(backup: TensorBackup, tree: Any, model: Acts, act: Callable[[Acts], object]) -> tuple[str, ...]:
    model.act = act
    outcome = forward(tree, backup, (torch.ones(1),), {}, seed=0)
    assert outcome.error is None
    return outcome.restored + outcome.not_restored


@pytest.mark.parametrize("name", ACTS)
def test_what_any_pass_does_to_a_tensor_is_put_back(name: str) -> None:
    model = Acts()
    tree, before = walk(model), _state(model)
    backup = TensorBackup(tree)
    assert not _pass(backup, tree, model, _nothing)
    for _ in range(2):
        assert _pass(backup, tree, model, ACTS[name]), "it was told"
        assert _state(model) == before
    assert not _pass(backup, tree, model, _nothing)


def test_what_a_tensor_is_given_on_purpose_is_what_it_is_put_back_to() -> None:
    model = Acts()
    tree = walk(model)
    backup = TensorBackup(tree)
    _pass(backup, tree, model, _nothing)
    with torch.no_grad():
        model.weights[7].fill_(3.0)
    backup.accept(model.weights[7])
    assert _pass(backup, tree, model, lambda model: model.weights[7].zero_()) == ("weights.7: values",)
    assert model.weights[7].tolist() == [[3.0] * 3] * 3


def test_a_tensor_that_comes_later_is_compared_too() -> None:
    model = Acts()
    tree = walk(model)
    backup = TensorBackup(tree)
    _pass(backup, tree, model, _nothing)
    model.cache = torch.zeros(2)
    assert _pass(backup, tree, model, lambda model: model.cache.add_(1)) == ("cache: values",)
    assert model.cache.tolist() == [0, 0]


@pytest.mark.parametrize(
    "tensor",
    [
        torch.zeros(1 << 13),
        torch.zeros(2, dtype=torch.complex64),
        torch.zeros(1).expand(3),
        torch.zeros(2, device="meta"),
        torch.zeros(2, 2).to_sparse(),
        torch.zeros(2, 2).t()[:1],
        torch.quantize_per_tensor(torch.ones(2), 0.1, 0, torch.qint8),
    ],
    ids=("large", "complex", "expanded", "meta", "sparse", "strided", "quantized"),
)
def test_what_is_not_plain_and_small_is_asked_alone(tensor: Tensor) -> None:
    kept = KeptTensor.of("it", tensor)
    kept.take_copy()
    plain = KeptTensor.of("plain", torch.zeros(2))
    plain.take_copy()
    assert [each.name for group in group_tensors([kept, plain]) for each in group.kept] == ["plain"]
