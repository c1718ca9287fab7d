"""The same faults, of the backward pass alone: the forward is fine, and a gradient is not."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint

from .pieces import WIDTH
from .seeds import Seed


class RootAtZero(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return x + torch.sqrt(x * 0)  # here


class NormAtZero(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        length = (x * 0).pow(2).sum(-1, keepdim=True)
        return x + length.sqrt()  # here


class WhereTrap(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        safe = x.abs() * 0
        logs = torch.log(safe)  # here
        return x + torch.where(safe > 0, logs, torch.zeros_like(safe))


class PowerAtZero(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return x + (x * 0).abs() ** 0.5  # here


class Arc(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        cosine = (x * 0 + 1).clamp(-1, 1)
        return x + torch.acos(cosine)  # here


class DeviationAtZero(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        same = x[..., :1].expand_as(x) * 1
        return x + same.pow(2).mean(-1, keepdim=True).sub(same.mean(-1, keepdim=True) ** 2).mul(0).sqrt()  # here


class BadGradient(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        return x * 1

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> Any:
        return gradients[0] / torch.zeros(())


class OwnBackward(nn.Module):
    def forward(self, x: Tensor) -> Any:
        doubled = x * 2
        return BadGradient.apply(doubled)  # here


class BehindAbsorbed(nn.Module):
    """An infinite gradient that goes nowhere comes first, a bad one behind it."""

    def forward(self, x: Tensor) -> Tensor:
        x = x + torch.sqrt(x * 0)  # here
        rest = torch.where(x.detach() > 1e30, x, x.detach() * 0)
        return x * 1 + torch.sqrt(rest)


class GradientHook(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        doubled = x * 2  # here
        doubled.register_hook(lambda gradient: gradient / 0)
        return doubled


class ParameterHook(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Linear(WIDTH, WIDTH)
        self.layer.weight.register_hook(lambda gradient: gradient * float("nan"))

    def forward(self, x: Tensor) -> Any:
        return self.layer(x.float()).to(x.dtype)


class ModuleHook(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Linear(WIDTH, WIDTH)
        self.layer.register_full_backward_hook(lambda module, made, given: (made[0] / 0,))

    def forward(self, x: Tensor) -> Any:
        return self.layer(x)  # here


class LargeGradient(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        return x * 1

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> Any:
        return torch.full_like(gradients[0], 4e4)


class AddsUp(nn.Module):
    """Two gradients of half precision, each of which it can hold."""

    def forward(self, x: Tensor) -> Tensor:
        half = x.half() * 1  # here
        return x + (LargeGradient.apply(half) + LargeGradient.apply(half)).to(x.dtype)


class Reentrant(nn.Module):
    def forward(self, x: Tensor) -> Any:
        def run(y: Tensor) -> Tensor:
            rooted = torch.sqrt(y * 0)  # here
            return y + rooted

        return checkpoint(run, x * 1, use_reentrant=True)


BACKWARD_SEEDS: dict[str, Seed] = {
    "root at zero": Seed(RootAtZero, RootAtZero, "backward"),
    "norm at zero": Seed(NormAtZero, NormAtZero, "backward"),
    "where trap": Seed(WhereTrap, WhereTrap, "backward"),
    "power at zero": Seed(PowerAtZero, PowerAtZero, "backward"),
    "arc": Seed(Arc, Arc, "backward"),
    "deviation at zero": Seed(DeviationAtZero, DeviationAtZero, "backward"),
    "own backward": Seed(OwnBackward, OwnBackward, "backward"),
    "behind an absorbed one": Seed(BehindAbsorbed, BehindAbsorbed, "backward"),
    "hook on a gradient": Seed(GradientHook, GradientHook, "backward"),
    "hook on a parameter": Seed(ParameterHook, None, "backward", path="layer"),
    "hook on a module": Seed(ModuleHook, ModuleHook, "backward", path="layer"),
    "adds up in half": Seed(AddsUp, AddsUp, "backward"),
    "reentrant": Seed(Reentrant, Reentrant, "backward"),
}
