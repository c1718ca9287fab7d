"""A target for each way to fail."""

from __future__ import annotations

import os
import signal
import sys
from typing import Any, NoReturn

import torch
from torch import nn

INPUT = torch.ones(2, 4)


class Net(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.lin = nn.Linear(4, 4)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        out: torch.Tensor = self.lin(x)
        return out


class Lazy(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.lin = nn.LazyLinear(4)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        out: torch.Tensor = self.lin(x)
        return out


class Unfed(Net):
    def forward(self, thing: Any) -> Any:
        return thing.part


class Failing(Net):
    def __init__(self, fail: Any) -> None:
        super().__init__()
        self.fail = fail

    def forward(self, x: torch.Tensor) -> Any:
        return self.fail(self.lin(x))


Built = tuple[nn.Module, tuple[Any, ...]]


def fine() -> Built:
    return Net(), (INPUT,)


def lazy() -> Built:
    return Lazy(), (INPUT,)


def unfed() -> nn.Module:
    return Unfed()


def raise_error(*values: Any) -> NoReturn:
    raise ValueError("this will not do")


def kill(*values: Any) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def crash(*values: Any) -> None:
    os.kill(os.getpid(), signal.SIGSEGV)


def leave(*values: Any) -> NoReturn:
    os._exit(0)


def interrupt(*values: Any) -> NoReturn:
    raise KeyboardInterrupt


def raises() -> Built:
    return Failing(raise_error), (INPUT,)


def exits() -> Built:
    return Failing(lambda out: sys.exit(0)), (INPUT,)


def interrupts() -> Built:
    return Failing(interrupt), (INPUT,)


def is_killed() -> Built:
    return Failing(kill), (INPUT,)


def crashes() -> Built:
    return Failing(crash), (INPUT,)


def leaves() -> Built:
    return Failing(leave), (INPUT,)
