"""Models with one fault each. The line with the fault says `# here`."""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn


@dataclass(frozen=True)
class Fault:
    """A model and its input, and what is to be said of it."""

    make: Callable[[], tuple[nn.Module, tuple[Any, ...]]]
    phase: str
    path: str = ""
    expression: str = ""
    call: int = 0
    says: str = ""  # in the explanation
    backward: bool = False
    loss: str = "mean"


def line_of(where: type | Callable[..., Any]) -> int:
    """The line of the fault in this class or function."""
    lines, first = inspect.getsourcelines(where)
    return first + next(number for number, line in enumerate(lines) if "# here" in line)


class Block(nn.Module):
    """A layer before and one behind, so that what is bad comes to the output."""

    def __init__(self, inner: nn.Module, width: int = 4) -> None:
        super().__init__()
        self.before = nn.Linear(width, width)
        self.inner = inner
        self.behind = nn.Linear(width, width)

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = self.behind(F.relu(self.inner(self.before(x))))
        return out


class HalfOverflow(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        large = x.half() * 1e4
        return (large * large).float()  # here


class Exponential(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        scores = x.bfloat16() * 0 + 100
        return (scores.exp() / scores.exp().sum(-1, keepdim=True)).float()  # here


class LogOfZero(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        kept = F.relu(x) * 0
        return x * torch.log(kept)  # here


class Division(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        count = (x > 1e9).sum(-1, keepdim=True).float()
        return x.abs() / count  # here


class InPlace(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        x = x.clone()
        x[:, 1] /= torch.zeros(())  # here
        return x + 1


class Functional(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return F.gelu(
            torch.special.logit(  # here
                torch.sigmoid(x.abs() + 200),
            ),
        )


class Branch(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        if x.shape[0] > 1:  # noqa: SIM108 (the branch is the point)
            x = torch.sqrt(-x.abs() - 1)  # here
        else:
            x = torch.sqrt(x.abs())
        return x


class Scale(nn.Module):
    def forward(self, x: Tensor, by: float) -> Tensor:
        return (x.half() * by).float()  # here


class SecondCall(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.shared = Scale()

    def forward(self, x: Tensor) -> Tensor:
        x = self.shared(x, 2.0)
        return self.shared(x, 60000.0) + self.shared(x, 1.0)


class Attention(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        scores = x @ x.transpose(-1, -2)
        mask = torch.zeros_like(scores)
        mask[0] = 1
        scores = scores.masked_fill(mask.bool(), float("-inf"))
        weights = scores.softmax(-1)  # here
        return weights @ x


class FusedAttention(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        q = x[None, None]
        mask = torch.full((x.shape[0], x.shape[0]), float("-inf")).triu(1)
        mask[1] = float("-inf")
        weights = (q @ q.transpose(-1, -2) + mask).softmax(-1)  # here
        return (weights @ q)[0, 0]


class RootInBackward(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.scale = nn.Parameter(torch.zeros(4))

    def forward(self, x: Tensor) -> Tensor:
        return x.abs() + torch.sqrt(self.scale * x)  # here


class Loop(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        for step in range(6):
            x = x.half() * 100  # here
            x = x + step
        return x.float()


class InVmap(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return torch.func.vmap(lambda row: torch.log(row * 0).neg())(x)  # here


class Scripted(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.script = torch.jit.script(LogOfZero())

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = self.script(x)
        return out


class ByNumpy(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        x.detach().numpy()[0, 0] = math.nan
        return x * 2  # here


class Divides(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        return x.clone()

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> Any:
        return gradients[0] / torch.zeros(())


class OwnBackward(nn.Module):
    def forward(self, x: Tensor) -> Any:
        return Divides.apply(x)


class Uninitialized(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        place = torch.empty_like(x).fill_(math.nan)
        place.copy_(x)
        return -torch.log(x * 0, out=place)  # here


class Transposed(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(4, 4))
        self.weight.data[1, 1] = math.nan

    def forward(self, x: Tensor) -> Tensor:
        return x @ self.weight.t().contiguous()


class ChangesItsInput(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return x.add_(1) * 2


def bad_loss(output: Tensor) -> Tensor:
    return torch.log(output * 0).mean()  # here


def _blocked(kind: type[nn.Module]) -> Callable[[], tuple[nn.Module, tuple[Any, ...]]]:
    def make() -> tuple[nn.Module, tuple[Any, ...]]:
        return Block(kind()), (torch.randn(3, 4),)

    return make


def _corrupted() -> tuple[nn.Module, tuple[Any, ...]]:
    model = nn.Sequential(nn.Linear(4, 4), nn.Sequential(nn.ReLU(), nn.Linear(4, 4)), nn.Linear(4, 2))
    with torch.no_grad():
        model[1][1].weight[2, 1] = math.nan
    return model, (torch.ones(3, 4),)


def _bad_input() -> tuple[nn.Module, tuple[Any, ...]]:
    x = torch.randn(3, 4)
    x[1, 1] = math.inf
    return Block(nn.Identity()), (x,)


FAULTS: dict[str, tuple[type | Callable[..., Any] | None, Fault]] = {
    "half": (HalfOverflow, Fault(_blocked(HalfOverflow), "forward", "inner", "large * large", says="float16")),
    "bfloat16": (Exponential, Fault(_blocked(Exponential), "forward", "inner", "scores.exp()", says="bfloat16")),
    "log": (LogOfZero, Fault(_blocked(LogOfZero), "forward", "inner", "torch.log(kept)", says="12 zeros")),
    "division": (
        Division,
        Fault(_blocked(Division), "forward", "inner", "x.abs() / count", says="division by 3 zeros"),
    ),
    "weight": (None, Fault(_corrupted, "parameter", "1.1", says="1.1.weight")),
    "input": (None, Fault(_bad_input, "input", says="1 infinite")),
    "in place": (InPlace, Fault(_blocked(InPlace), "forward", "inner")),
    "functional": (Functional, Fault(_blocked(Functional), "forward", "inner")),
    "branch": (Branch, Fault(_blocked(Branch), "forward", "inner", "torch.sqrt(-x.abs() - 1)", says="root")),
    "second call": (Scale, Fault(_blocked(SecondCall), "forward", "inner.shared", "x.half() * by", call=1)),
    "attention": (Attention, Fault(_blocked(Attention), "forward", "inner", "scores.softmax(-1)", says="masked")),
    "mask": (FusedAttention, Fault(_blocked(FusedAttention), "forward", "inner", says="masked completely")),
    "loop": (Loop, Fault(_blocked(Loop), "forward", "inner", "x.half() * 100")),
    "in vmap": (InVmap, Fault(_blocked(InVmap), "forward", "inner", "torch.log(row * 0)", says="12 zeros")),
    "in TorchScript": (None, Fault(_blocked(Scripted), "forward", "inner.script")),
    "by numpy": (ByNumpy, Fault(_blocked(ByNumpy), "forward", "inner", "x * 2", says="numpy")),
    "own backward": (None, Fault(_blocked(OwnBackward), "backward", "inner", backward=True)),
    "uninitialized": (Uninitialized, Fault(_blocked(Uninitialized), "forward", "inner", says="12 zeros")),
    "transposed weight": (None, Fault(_blocked(Transposed), "parameter", "inner", says="inner.weight")),
    "changed input": (None, Fault(lambda: (ChangesItsInput(), _bad_input()[1]), "input", says="1 infinite")),
    "loss": (bad_loss, Fault(_blocked(nn.Identity), "loss", says="zeros", backward=True, loss=f"{__name__}:bad_loss")),
    "backward": (
        RootInBackward,
        Fault(_blocked(RootInBackward), "backward", "inner", "torch.sqrt(self.scale * x)", backward=True),
    ),
}
"""By name, with where the line is."""
