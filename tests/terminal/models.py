"""Models that do to their process what models do: they wait, print, and die."""

from __future__ import annotations

import itertools
import os
import signal
import sys
import time

import torch
from torch import nn

PASSES = itertools.count()
"""From 0. What an iterator has given is not put back, as a number would be."""


class Tiny(nn.Module):
    """Two layers and nothing wrong."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.second = nn.Linear(4, 8), nn.Linear(8, 2)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.second(self.first(x))


class Dying(Tiny):
    """Is killed in its second pass."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        if next(PASSES):
            os.kill(os.getpid(), signal.SIGSEGV)
        return super().forward(x)


class Endless(Tiny):
    """Never returns from its second pass, and calls nothing in it."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        number = next(PASSES)
        while number:
            time.sleep(0.1)
        return super().forward(x)


class Long(nn.Module):
    """More layers than a screen has lines, an odd class among them, and NaN from the one before the last."""

    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.Sequential(*(nn.Linear(4, 4) for _ in range(40)))
        self.odd = nn.BatchNorm1d(4)
        self.root, self.last = nn.Softmax(dim=-1), nn.Linear(4, 2)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.last(self.root(self.odd(self.layers(x)) * torch.inf))


class Loud(Tiny):
    """Writes to the terminal by every way there is."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        print("printed \x1b[31mred\x1b]0;title\x07")
        os.write(1, b"written to 1\n")
        os.write(2, b"written to 2\n")
        sys.stderr.flush()
        with open("/dev/tty", "w") as terminal:  # there is none
            terminal.write("-".join(["past", "the", "app"]))  # in one word that is not in the source, which is shown
        return super().forward(x)


def tiny() -> tuple[nn.Module, tuple[torch.Tensor]]:
    return Tiny(), (torch.ones(1, 4),)


def dying() -> tuple[nn.Module, tuple[torch.Tensor]]:
    return Dying(), (torch.ones(1, 4),)


def endless() -> tuple[nn.Module, tuple[torch.Tensor]]:
    return Endless(), (torch.ones(1, 4),)


def loud() -> tuple[nn.Module, tuple[torch.Tensor]]:
    return Loud(), (torch.ones(1, 4),)


def long() -> tuple[nn.Module, tuple[torch.Tensor]]:
    return Long(), (torch.ones(1, 4),)
