"""What somebody's condition is true of: `inspector first-bad --bad 'zeros > 0.99'`."""

from __future__ import annotations

from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from inspector.engine.hooks.conditions import parse_condition
from inspector.engine.passes.training import loss_of
from inspector.records import FirstBadValue

from .test_first_bad import look


class Dead(nn.Module):
    """Behind what is 0 as it was written, and behind integers."""

    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Linear(4, 4)

    def forward(self, x: Tensor) -> Tensor:
        torch.zeros_like(x), torch.zeros(4).fill_(0), torch.arange(1) * 1
        return F.relu(self.layer(x) - 1e3)


class ZeroWeight(nn.Module):
    """As in the last layer of many blocks, at first."""

    def __init__(self) -> None:
        super().__init__()
        self.last = nn.Linear(4, 4)
        nn.init.zeros_(self.last.weight), nn.init.zeros_(self.last.bias)

    def forward(self, x: Tensor) -> Tensor:
        return x + self.last(x)


class Saturated(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Linear(4, 4)

    def forward(self, x: Tensor) -> Tensor:
        return torch.sigmoid(self.layer(x) + 50)


def ask(model: nn.Module, condition: str, backward: bool = False) -> FirstBadValue:
    torch.manual_seed(0)
    x = torch.randn(2, 4)
    return look(model, (x,), loss_of("sum") if backward else None, condition=parse_condition(condition))


@pytest.mark.parametrize(
    ("model", "condition", "path", "op"),
    [
        (Dead, "zeros > 0.99", "", "torch.nn.functional.relu"),
        (ZeroWeight, "zeros > 0.99", "last", "torch.nn.functional.linear"),
        (Saturated, "min > 0.99 and max < 2", "", "torch.sigmoid"),
        (Saturated, "mean > 40", "", "torch.Tensor.add"),
        (Saturated, "shape[0] == 2", "layer", "torch.nn.functional.linear"),
        (Saturated, "mean > 1e6", "", ""),
    ],
)
def test_the_first_operation_it_is_true_of(model: Any, condition: str, path: str, op: str) -> None:
    answer = ask(model(), condition)
    assert (answer.found, ".".join(answer.path), answer.op) == (bool(op), path, op)


def test_a_gradient_that_vanishes() -> None:
    answer = ask(Saturated(), "max < 1e-6", backward=True)
    assert (answer.phase, answer.op) == ("backward", "SigmoidBackward0")
    assert answer.explanation == "the gradient of torch.sigmoid is the first of which this is true"


class Writer(nn.Module):
    """What it gives is large from the fourth token on."""

    def forward(self, ids: Tensor) -> Tensor:
        return F.one_hot(ids, 5).float().cumsum(1) * (1e4 if ids.shape[1] > 3 else 1)


def test_the_step_of_a_text_that_is_written() -> None:
    def write(model: nn.Module, ids: Tensor) -> Tensor:
        for _ in range(4):
            ids = torch.cat([ids, model(ids)[:, -1].argmax(-1, keepdim=True)], 1)
        return ids

    answer = look(Writer(), (torch.ones(1, 1, dtype=torch.long),), call=write, condition=parse_condition("max > 1e3"))
    assert (answer.step, answer.op) == (3, "torch.Tensor.mul")
