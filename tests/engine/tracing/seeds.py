"""Faults to be put among `pieces`: each is a piece in which one line, which says `# here`, makes something bad."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.utils import parametrize

from .pieces import WIDTH


@dataclass(frozen=True)
class Seed:
    """A piece with a fault: where its line is, the phase, which module in the piece, and which of its calls."""

    make: Callable[[], nn.Module]
    where: type | Callable[..., Any] | None
    phase: str = "forward"
    path: str = ""
    call: int = 0


class LogSumExp(nn.Module):
    """Of a row where nothing is left."""

    def forward(self, x: Tensor) -> Tensor:
        scores = x.masked_fill(x == x, float("-inf"))
        total = torch.logsumexp(scores, -1, keepdim=True)
        return x + (scores - total)  # here


class CountZero(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        kept = (x > 1e9).to(x.dtype)
        return x + (x * kept).sum(-1, keepdim=True) / kept.sum(-1, keepdim=True)  # here


class Mean(nn.Module):
    """Of nothing."""

    def forward(self, x: Tensor) -> Tensor:
        chosen = x[x > 1e9]
        middle = chosen.mean()  # here
        return x - middle


class Deviation(nn.Module):
    """Of one number, with Bessel's correction."""

    def forward(self, x: Tensor) -> Tensor:
        spread = x[..., :1].std(-1, keepdim=True)  # here
        return x / (spread + 1e-6)


class Overflows(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        grown = x.float().abs() + 100
        return x + torch.exp(grown).to(x.dtype)  # here


class ToHalf(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        large = x.float().abs() * 1e3 + 1e5
        return x + large.half().to(x.dtype)  # here


class Accumulates(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        ones = (x.detach() * 0 + 200).half()
        squares = torch.einsum("...i,...i->...", ones, ones) + x.sum(-1) * 0  # here
        return x + squares.unsqueeze(-1).to(x.dtype)


class NegativeVariance(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.norm = nn.BatchNorm1d(WIDTH).eval()
        self.norm.running_var[1] = -1

    def forward(self, x: Tensor) -> Any:
        self.norm.eval()
        return self.norm(x.reshape(-1, WIDTH).float()).view(x.shape).to(x.dtype)


class ConstantRow(nn.Module):
    """Normalized without an epsilon."""

    def forward(self, x: Tensor) -> Tensor:
        return x + F.layer_norm(x * 0 + 2, (WIDTH,), eps=0.0)  # here


class OwnNorm(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        centered = x - x
        spread = centered.pow(2).mean(-1, keepdim=True)
        return x + centered * torch.rsqrt(spread)  # here


class MaskedRow(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        mask = torch.ones(x.shape[-2], x.shape[-2], dtype=torch.bool).tril()
        mask[0] = False
        out: Tensor = F.scaled_dot_product_attention(x, x, x, attn_mask=mask)
        probs = (x @ x.transpose(-1, -2)).masked_fill(~mask, float("-inf")).softmax(-1)  # here
        return out + probs @ x


class IndexPut(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        place = torch.zeros_like(x)
        rows = torch.tensor([0])
        place.index_put_((rows,), x[:1] / (x[:1] * 0))  # here
        return x + place


class IntoSlice(nn.Module):
    """Behind an absorbed one in the same memory."""

    def forward(self, x: Tensor) -> Tensor:
        place = torch.zeros(2, *x.shape, dtype=x.dtype)
        place[0] = float("-inf")
        place[1] = x
        place[1] /= 0  # here
        return x + place[1]


class Out(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        place = torch.empty_like(x).requires_grad_(False)
        torch.log(x.detach() * 0, out=place)  # here
        return x + place


class Number(nn.Module):
    """That goes through Python."""

    def forward(self, x: Tensor) -> Tensor:
        scale = (x.detach() * 0).mean().log().item()  # here
        return x * scale


class Constant(nn.Module):
    """Nothing is multiplied with it where nothing is to be done."""

    def forward(self, x: Tensor) -> Tensor:
        return x + (x > 1e9) * math.inf  # here


class ComplexAngle(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        waves = torch.fft.fft(x.float(), dim=-1)
        unit = waves / (waves.abs() * 0)  # here
        return x + unit.real.to(x.dtype)


class Helper(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return helper(x, scale=0.0)


def helper(x: Tensor, scale: float) -> Tensor:
    rows = [row * 1 for row in x.unbind(-1)]
    return torch.stack([torch.log(row * scale - 1) for row in rows], -1)  # here


class CorruptedRow(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.table = nn.Embedding(3, WIDTH)
        self.table.weight.data[1, 2] = math.nan

    def forward(self, x: Tensor) -> Tensor:
        rows = torch.ones(x.shape[:-1], dtype=torch.long)
        return x + self.table(rows).to(x.dtype)


class CorruptedBuffer(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("scale", torch.ones(WIDTH))
        self.scale[0] = math.nan

    def forward(self, x: Tensor) -> Tensor:
        return x * self.scale.to(x.dtype)


class Explodes(nn.Module):
    """As a parametrization."""

    def forward(self, weight: Tensor) -> Tensor:
        return weight / weight.sub(weight).norm()  # here


def parametrized() -> nn.Module:
    layer = nn.Linear(WIDTH, WIDTH)
    parametrize.register_parametrization(layer, "weight", Explodes(), unsafe=True)
    return layer


class Loop(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        total = x
        for step in range(4):
            total = total + x / (2 - step)  # here
        return total


class NthCall(nn.Module):
    """Its part fails when it is called a third time."""

    def __init__(self) -> None:
        super().__init__()
        self.part = Divides()

    def forward(self, x: Tensor) -> Tensor:
        for by in (2.0, 1.0, 0.0, 3.0):
            x = self.part(x, by)
        return x


class Divides(nn.Module):
    def forward(self, x: Tensor, by: float) -> Tensor:
        return (x * 2).div(by)  # here


def hook(module: nn.Module, args: Any, output: Tensor) -> Tensor:
    return output - torch.log(output.detach() * 0)  # here


def pre_hook(module: nn.Module, args: Any) -> Any:
    return (args[0] + (args[0] * 0).reciprocal(),)  # here


def hooked() -> nn.Module:
    layer = nn.Linear(WIDTH, WIDTH)
    layer.register_forward_hook(hook)
    return layer


def pre_hooked() -> nn.Module:
    layer = nn.Linear(WIDTH, WIDTH)
    layer.register_forward_pre_hook(pre_hook)
    return layer


class Softplus(nn.Module):
    """Written by hand."""

    def forward(self, x: Tensor) -> Tensor:
        large = x.float().abs() * 0 + 200
        return x + torch.log(1 + large.exp()).to(x.dtype)  # here


class Cosine(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        nothing = x * 0
        return x * ((x * nothing).sum(-1, keepdim=True) / (x.norm(dim=-1, keepdim=True) * nothing.norm()))  # here


class InFunction(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        return x + (x * 0).log()  # here

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> Any:
        return gradients[0]


class OwnFunction(nn.Module):
    def forward(self, x: Tensor) -> Any:
        return InFunction.apply(x)


S = Seed
SEEDS: dict[str, Seed] = {
    "logsumexp of nothing": S(LogSumExp, LogSumExp),
    "a count of zero": S(CountZero, CountZero),
    "mean of nothing": S(Mean, Mean),
    "deviation of one": S(Deviation, Deviation),
    "exp": S(Overflows, Overflows),
    "cast to half": S(ToHalf, ToHalf),
    "einsum in half": S(Accumulates, Accumulates),
    "negative variance": S(NegativeVariance, None, path="norm"),
    "constant row": S(ConstantRow, ConstantRow),
    "own norm": S(OwnNorm, OwnNorm),
    "masked row": S(MaskedRow, MaskedRow),
    "index_put": S(IndexPut, IndexPut),
    "into a slice": S(IntoSlice, IntoSlice),
    "out=": S(Out, Out),
    "a number": S(Number, Number),
    "a constant": S(Constant, Constant),
    "complex": S(ComplexAngle, ComplexAngle),
    "helper": S(Helper, helper),
    "corrupted row": S(CorruptedRow, None, "parameter", path="table"),
    "corrupted buffer": S(CorruptedBuffer, None, "parameter"),
    "parametrization": S(parametrized, Explodes, path="parametrizations.weight.0"),
    "loop": S(Loop, Loop),
    "third call": S(NthCall, Divides, path="part", call=2),
    "hook": S(hooked, hook),
    "pre hook": S(pre_hooked, pre_hook),
    "softplus by hand": S(Softplus, Softplus),
    "cosine of nothing": S(Cosine, Cosine),
    "own function": S(OwnFunction, InFunction),
}
