"""Infinities that are there before a pass: which are somebody's mask, and which are what makes the rest bad."""

from __future__ import annotations

import math
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from .test_first_bad import look

INF = math.inf
X = torch.randn(3, 4, generator=torch.Generator().manual_seed(0))


class Scores(nn.Module):
    """Attention with a mask that is added, or that says where there is to be something else."""

    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Linear(4, 4)

    def forward(self, x: Tensor, mask: Tensor) -> Tensor:
        hidden: Tensor = self.layer(x)
        scores = hidden @ hidden.T
        keep = torch.ones(3, 3, dtype=torch.bool).tril()
        scores = scores + mask if mask.dim() == 2 else torch.where(keep, scores, mask)
        return scores.softmax(-1) @ hidden


def filled(model: nn.Module, name: str, value: float) -> nn.Module:
    with torch.no_grad():
        getattr(model, name).fill_(value)
    return model.eval()


@pytest.mark.parametrize(
    ("model", "args"),
    [
        (nn.Linear(4, 4), (torch.full((3, 4), INF),)),
        (nn.Linear(4, 4), (torch.full((3, 4), -INF),)),
        (nn.ReLU(), (torch.full((3, 4), INF),)),
        (nn.Bilinear(4, 4, 2), (X, torch.full((3, 4), -INF))),
    ],
)
def test_an_input_that_is_infinite_as_a_whole_is_the_answer(model: nn.Module, args: tuple[Any, ...]) -> None:
    assert not model(*args).isfinite().any()
    answer = look(model, args)
    assert (answer.phase, answer.explanation) == ("input", "the input holds 12 infinite")


@pytest.mark.parametrize(
    "mask",
    [
        torch.full((3, 3), -INF).triu(1),
        torch.full((1,), -INF),
        torch.tensor(-INF),
    ],
    ids=["triangle", "one", "number"],
)
def test_a_mask_that_is_given_is_none(mask: Tensor) -> None:
    model = Scores()
    assert model(X, mask).isfinite().all()
    assert not look(model, (X, mask)).found


def test_a_mask_in_which_nothing_is_left_is_told_where_it_is_taken() -> None:
    answer = look(Scores(), (X, torch.full((3, 3), -INF)))
    assert (answer.phase, answer.op) == ("forward", "torch.Tensor.softmax")
    assert "masked completely" in answer.explanation


@pytest.mark.parametrize(
    ("model", "name"),
    [
        (filled(nn.Linear(4, 1), "bias", INF), "bias"),
        (filled(nn.Linear(4, 2, bias=False), "weight", -INF), "weight"),
        (filled(nn.LayerNorm(4), "weight", INF), "weight"),
        (filled(nn.BatchNorm1d(4), "running_mean", INF), "running_mean"),
    ],
)
def test_a_weight_is_no_mask(model: nn.Module, name: str) -> None:
    assert not model(X).isfinite().any()
    answer = look(model, (X,))
    assert (answer.phase, answer.parameters) == ("parameter", (name,))


class AddsConstant(nn.Module):
    """A mask as one types it."""

    def forward(self, x: Tensor) -> Tensor:
        return x + torch.tensor([[0.0, 0.0, -INF, -INF]])


def test_numbers_in_a_list_are_what_somebody_filled_in() -> None:
    assert not look(AddsConstant(), (X,)).found


class TimesMask(nn.Module):
    """Where it was to be added."""

    def forward(self, x: Tensor, mask: Tensor) -> Tensor:
        return x * mask


def test_what_is_not_finite_is_not_called_finite() -> None:
    answer = look(TimesMask(), (X * 0, torch.full((3, 4), -INF).triu(2)))
    assert (answer.op, answer.explanation) == ("torch.Tensor.mul", "it gave 3 NaN from what holds 3 infinite")
