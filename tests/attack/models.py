"""Models for an app under attack: well-behaved ones, and those that do to it what models do."""

from __future__ import annotations

import os
import signal
import time

import torch
from torch import nn

from tests.evil import evil as evil
from tests.evil import raising as evil_raising

Built = tuple[nn.Module, tuple[torch.Tensor, ...]]

__all__ = ["TARGETS", "evil", "evil_raising"]


class Deep(nn.Module):
    """A child within a child."""

    def __init__(self, depth: int) -> None:
        super().__init__()
        self.layer = nn.Linear(4, 4)
        self.child = Deep(depth - 1) if depth else nn.ReLU()

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.child(self.layer(x))


class Recurrent(nn.Module):
    """Its cell is called again and again."""

    def __init__(self) -> None:
        super().__init__()
        self.cell, self.lstm, self.norm = nn.GRUCell(4, 4), nn.LSTM(4, 4), nn.BatchNorm1d(4)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        state = torch.zeros_like(x)
        for _ in range(30):
            state = self.cell(x, state)
        return self.norm(self.lstm(state[None])[0][0])


class Deed(nn.Module):
    """Does something between two layers."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.second = nn.Linear(4, 4), nn.Linear(4, 4)
        self.passes = [0]

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = self.first(x)
        passes = os.environ["ATTACK_PASSES"] = str(int(os.environ.get("ATTACK_PASSES", "0")) + 1)
        self.do(int(passes))
        return self.second(x)

    def do(self, passes: int) -> None:
        raise NotImplementedError


class Raising(Deed):
    def do(self, passes: int) -> None:
        if passes % 2 == 0:
            raise ValueError("\x1b[2J[red]no[/] " + "x" * 5000)


class Printing(Deed):
    def do(self, passes: int) -> None:
        print("\x1b]0;owned\x07\x1b[31mred\x1b[0m [bold]not bold[/] \udcff".encode("utf-8", "replace").decode())
        os.write(1, os.urandom(3000))
        os.write(2, b"no line end" * 300)


class Slow(Deed):
    def do(self, passes: int) -> None:
        time.sleep(0.7)


class Dying(Deed):
    def do(self, passes: int) -> None:
        if passes > 3:
            os.kill(os.getpid(), signal.SIGSEGV)


def tiny() -> Built:
    return nn.Sequential(nn.Linear(4, 3), nn.ReLU()), (torch.ones(2, 4),)


def deep() -> Built:
    return Deep(60), (torch.ones(2, 4),)


def recurrent() -> Built:
    return Recurrent(), (torch.ones(3, 4),)


def raising() -> Built:
    return Raising(), (torch.ones(2, 4),)


def printing() -> Built:
    return Printing(), (torch.ones(2, 4),)


def slow() -> Built:
    return Slow(), (torch.ones(2, 4),)


def dying() -> Built:
    return Dying(), (torch.ones(2, 4),)


def lazy() -> Built:
    return nn.Sequential(nn.LazyLinear(3), nn.LazyBatchNorm1d(), nn.ReLU()), (torch.ones(2, 4),)


def unfed() -> nn.Module:
    """Nobody says what it takes."""
    return Recurrent()


def huge() -> Built:
    return nn.Sequential(*(nn.Sequential(*(nn.Identity() for _ in range(60))) for _ in range(60))), (torch.ones(2),)


TARGETS = (
    "tiny", "deep", "recurrent", "raising", "printing", "slow", "dying", "lazy", "unfed", "huge", "evil",
    "evil_raising",
)  # fmt: skip
