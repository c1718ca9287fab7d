"""What no operation wrote: the line that did is named, of the model itself and of its weights."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy
import pytest
import torch
from torch import Tensor, nn

from inspector.engine.answers import answer
from inspector.engine.session import Session
from inspector.records import FindFirstBad, FirstBadValue
from tests.fingerprint import fingerprint

from .faults import line_of


class ByNumpy(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        y = x * 2
        y.numpy()[0, 0] = math.nan  # here
        z = x + 1
        return y + z


class ByProperty(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        y = torch.zeros_like(x, dtype=torch.complex64)
        y.real = x * 0 + math.inf if x.is_complex() else torch.tensor(math.nan)  # here
        z = x + 1
        return y.abs() + z


class IntoBuffer(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("scale", torch.ones(4))

    def forward(self, x: Tensor) -> Tensor:
        z = x + 1
        fill(self.scale.numpy())
        return z * self.scale


def fill(numbers: Any) -> None:
    numpy.copyto(numbers, math.nan)


class IntoWeight(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Linear(4, 4)

    def forward(self, x: Tensor) -> Any:
        weight = self.layer.weight
        weight.detach().numpy()[0, 0] = math.nan  # here
        return self.layer(x)


class InLastLine(nn.Module):
    """Of a function that the forward calls."""

    def forward(self, x: Tensor) -> Tensor:
        y = x * 1
        spoil(y)
        return y + 1


def spoil(y: Tensor) -> None:
    y.numpy()[0] = math.nan  # here


class Constant(nn.Module):
    """Nobody wrote it."""

    def __init__(self) -> None:
        super().__init__()
        self.bias = [torch.full((4,), math.nan)]

    def forward(self, x: Tensor) -> Tensor:
        y = x * 1
        return y + self.bias[0]


def search(model: nn.Module) -> FirstBadValue:
    session = Session([].append)
    with torch.no_grad():
        session.adopt(nn.Sequential(nn.Identity(), model), (torch.ones(3, 4),), {}, "model")
        before = fingerprint(model)
        found = answer(session, FindFirstBad(session.generation))
        assert fingerprint(model) == before
    session.close()
    assert isinstance(found, FirstBadValue) and found.found
    return found


@pytest.mark.parametrize(
    ("model", "where", "path"),
    [
        (ByNumpy(), ByNumpy, ("1",)),
        (ByProperty(), ByProperty, ("1",)),
        (IntoWeight(), IntoWeight, ("1", "layer")),
        (InLastLine(), spoil, ("1",)),
    ],
)
def test_the_line_that_wrote_is_named(model: nn.Module, where: Any, path: tuple[str, ...]) -> None:
    found = search(model)
    assert found.place is not None and (Path(found.place.file).name, found.place.line) == (
        Path(__file__).name, line_of(where),
    )  # fmt: skip
    assert found.path == path and "with no operation of torch's" in found.explanation


def test_a_helper_that_is_given_an_array_is_told_where_it_is_called() -> None:
    found = search(IntoBuffer())
    assert found.place is not None and found.parameters == ("1.scale",)
    assert "fill(self.scale" in Path(__file__).read_text().splitlines()[found.place.line - 1]


def test_a_constant_that_nobody_wrote_is_told_where_it_is_taken() -> None:
    found = search(Constant())
    assert found.place is not None and "constant of the model" in found.explanation
