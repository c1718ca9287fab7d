"""Of models that change nothing of anybody's, nothing is said: not at the first pass, and not at the next."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import nn
from torch.utils.checkpoint import checkpoint

from inspector.engine.session import Session


def layers() -> nn.Module:
    return nn.Sequential(nn.Linear(4, 4), nn.BatchNorm1d(4), nn.Dropout()).eval()


class Calls(nn.Module):
    """One that calls `function` with its layer and its input."""

    def __init__(self, function: Callable[[nn.Module, torch.Tensor], Any]) -> None:
        super().__init__()
        self.layer = nn.Linear(4, 4)
        self.function = function

    def forward(self, x: torch.Tensor) -> Any:
        return self.function(self.layer, x)


def convert(layer: nn.Module, x: torch.Tensor) -> Any:
    with torch.autocast("cpu", dtype=torch.bfloat16):
        return layer(x)


def profile(layer: nn.Module, x: torch.Tensor) -> Any:
    with torch.autograd.profiler.profile():
        return layer(x)


def differentiate(layer: nn.Module, x: torch.Tensor) -> Any:
    return torch.func.vmap(torch.func.grad(lambda row: layer(row).sum()))(x)


def exported() -> nn.Module:
    module: nn.Module = torch.export.export(layers(), (torch.ones(2, 4),)).module()
    return module


MODELS: dict[str, Callable[[], Any]] = {
    "layers": layers,
    "RNN": lambda: nn.GRU(4, 4),
    "compiled": lambda: torch.compile(layers(), backend="eager"),
    "traced": lambda: torch.jit.trace(layers(), torch.ones(2, 4)),
    "scripted": lambda: torch.jit.script(layers()),
    "a graph": lambda: torch.fx.symbolic_trace(layers()),
    "exported": exported,
    "checkpoint": lambda: Calls(lambda layer, x: checkpoint(layer, x, use_reentrant=False)),
    "autocast": lambda: Calls(convert),
    "profiler": lambda: Calls(profile),
    "functional": lambda: Calls(differentiate),
    "warning": lambda: Calls(lambda layer, x: warnings.warn("once", stacklevel=1) or layer(x)),
}


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", MODELS)
def test_nothing_is_said_of_what_nothing_changed_in(name: str) -> None:
    session = Session(lambda event: None)
    session.adopt(MODELS[name](), (torch.ones(2, 4),), {}, name)
    summaries = [session.run() for _ in range(3)]
    session.close()
    assert [(each.problem, each.restored, each.not_restored) for each in summaries] == [(None, (), ())] * 3
