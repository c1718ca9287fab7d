"""A model whose lines are stopped at."""

from __future__ import annotations

import torch
from torch import nn
from torch.utils.checkpoint import checkpoint


def halve(value: torch.Tensor) -> torch.Tensor:
    half = value / 2
    return half


class Block(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.inner = nn.Linear(4, 4)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        for _ in range(3):
            x = self.inner(x)
        y = halve(x)
        return y


class Lined(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.blocks = nn.Sequential(Block(), Block())

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        out = self.blocks(x)
        return out + 1


class Checkpointed(nn.Module):
    """A part of its forward is run again in the backward pass."""

    def __init__(self, reentrant: bool) -> None:
        super().__init__()
        self.inner, self.reentrant = nn.Linear(4, 4), reentrant

    def part(self, x: torch.Tensor) -> torch.Tensor:
        y = self.inner(x)
        return y.relu()

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        out: torch.Tensor = checkpoint(self.part, x, use_reentrant=self.reentrant)
        return out


class Plain(nn.Sequential):
    pass


FILE = __file__


def line_of(text: str) -> int:
    """The number of the first line with this in it."""
    with open(FILE) as stream:
        return next(number for number, line in enumerate(stream, 1) if text in line)
