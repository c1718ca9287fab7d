"""Pieces of models, fine ones, to be put together at random. All take and give rows of `WIDTH` numbers."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.utils import parametrize
from torch.utils.checkpoint import checkpoint

WIDTH = 4


class Attention(nn.Module):
    """Causal, with a mask that holds -inf."""

    def __init__(self) -> None:
        super().__init__()
        self.qkv = nn.Linear(WIDTH, 3 * WIDTH)
        self.register_buffer("mask", torch.full((8, 8), float("-inf")).triu(1))

    def forward(self, x: Tensor) -> Tensor:
        q, k, v = self.qkv(x).chunk(3, -1)
        length = x.shape[-2]
        scores = torch.einsum("...id,...jd->...ij", q, k) + self.mask[:length, :length]
        return torch.einsum("...ij,...jd->...id", scores.softmax(-1), v)


class Fused(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return F.scaled_dot_product_attention(x, x, x, is_causal=True)


class Masked(nn.Module):
    """Leaves rows out with the lowest number there is."""

    def forward(self, x: Tensor) -> Tensor:
        scores = x @ x.transpose(-1, -2)
        hidden = torch.zeros_like(scores, dtype=torch.bool)
        hidden[..., -1] = True
        scores = scores.masked_fill(hidden, torch.finfo(scores.dtype).min)
        return scores.softmax(-1) @ x


class Gated(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.up, self.gate = nn.Linear(WIDTH, WIDTH), nn.Linear(WIDTH, WIDTH)

    def forward(self, x: Tensor) -> Tensor:
        return F.silu(self.gate(x)) * self.up(x)


class Absorbs(nn.Module):
    """Makes infinities and NaN, and takes none of them."""

    def forward(self, x: Tensor) -> Tensor:
        logs = torch.log(x.detach() * 0 - 1)
        lows = torch.log(x.detach() * 0)
        return torch.where(x.detach() < 1e30, x, logs) + lows.exp() + (1 / (x.detach() * 0).abs()).reciprocal()


class InPlace(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        x = x.clone()
        x[..., 1:] += 0.5
        x[..., 0] = x[..., 1] * 2
        x.mul_(2).add_(1)
        return x


class Complex(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return torch.fft.ifft(torch.fft.fft(x.float(), dim=-1) * 1.5, dim=-1).real.to(x.dtype)


class Indexed(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.table = nn.Embedding(5, WIDTH)
        self.table.weight.data[4] = float("nan")  # a row that nobody looks up

    def forward(self, x: Tensor) -> Tensor:
        rows = torch.ones(x.shape[:-1], dtype=torch.long)
        place = torch.zeros_like(x)
        place.index_put_((torch.tensor([0]),), x[:1] * 0.5, accumulate=True)
        return x + self.table(rows).to(x.dtype) + place


class Written(nn.Module):
    """Into memory that nobody filled."""

    def forward(self, x: Tensor) -> Tensor:
        place = x.new_empty(x.shape).fill_(float("nan"))
        for column in range(WIDTH):
            place[..., column] = x[..., column].tanh()
        return place


class Half(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return (x.bfloat16() * 0.5).to(x.dtype)


class Straight(torch.autograd.Function):
    """Rounds, and lets the gradient through."""

    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        return x.round()

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> Any:
        return gradients[0] * 1.0


class Rounds(nn.Module):
    def forward(self, x: Tensor) -> Any:
        return Straight.apply(x * 8) / 8


class Recurrent(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.cell = nn.GRUCell(WIDTH, WIDTH)

    def forward(self, x: Tensor) -> Tensor:
        rows, state = x.reshape(-1, WIDTH).float(), None
        for _ in range(3):
            state = self.cell(rows, state)
        assert state is not None
        return state.view(x.shape).to(x.dtype)


class Halved(nn.Module):
    def forward(self, weight: Tensor) -> Tensor:
        return weight * 0.5


class Trap(nn.Module):
    """Gradients that are infinite, and go nowhere."""

    def forward(self, x: Tensor) -> Tensor:
        rest = torch.where(x.detach() > 1e30, x, torch.ones_like(x).requires_grad_(False))
        return x + torch.sqrt(rest - 1) * 0


def parametrized() -> nn.Module:
    layer = nn.Linear(WIDTH, WIDTH)
    parametrize.register_parametrization(layer, "weight", Halved())
    return layer


def normed() -> nn.Module:
    return nn.LayerNorm(WIDTH)


PIECES: tuple[Callable[[], nn.Module], ...] = (
    Attention, Fused, Masked, Gated, Absorbs, InPlace, Complex, Indexed, Written, Half, Rounds, Recurrent,
    parametrized, normed, nn.GELU, nn.Tanh, lambda: nn.Linear(WIDTH, WIDTH), lambda: nn.Dropout(0.1),
)  # fmt: skip


class Wrapper(nn.Module):
    """Calls `inner` in some way."""

    def __init__(self, inner: nn.Module) -> None:
        super().__init__()
        self.inner = inner


class Residual(Wrapper):
    def __init__(self, inner: nn.Module) -> None:
        super().__init__(inner)
        self.norm = nn.LayerNorm(WIDTH)

    def forward(self, x: Tensor) -> Tensor:
        return x + self.inner(self.norm(x))


class AddsInPlace(Wrapper):
    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = self.inner(x) * 1
        out += x
        return out


class Twice(Wrapper):
    def forward(self, x: Tensor) -> Any:
        return self.inner(self.inner(x) * 0.5)


class Branches(Wrapper):
    def forward(self, x: Tensor) -> Any:
        if x.shape[-1] == WIDTH:
            return self.inner(x)
        return x


class InDict(nn.Module):
    def __init__(self, inner: nn.Module) -> None:
        super().__init__()
        self.parts = nn.ModuleDict({"other": nn.Linear(WIDTH, WIDTH), "part": nn.Sequential(inner)})

    def forward(self, x: Tensor) -> Any:
        results = {name: part(x) for name, part in self.parts.items()}
        return results["part"] + results["other"]


@dataclasses.dataclass
class Output:
    """What a model of somebody may give."""

    hidden: Tensor
    mask: Tensor | None = None


class InDataclass(Wrapper):
    def forward(self, x: Tensor) -> Tensor:
        return self.take(Output(self.inner(x), torch.full((2,), float("-inf"))))

    def take(self, output: Output) -> Tensor:
        return output.hidden * 1.5


class Checkpointed(Wrapper):
    def forward(self, x: Tensor) -> Any:
        return checkpoint(self.inner, x, use_reentrant=False)


class Autocast(Wrapper):
    def forward(self, x: Tensor) -> Any:
        with torch.autocast("cpu", torch.bfloat16):
            return self.inner(x).to(x.dtype)


class Called(Wrapper):
    """With parameters of its own making."""

    def forward(self, x: Tensor) -> Any:
        own = {name: each * 1.0 for name, each in self.inner.named_parameters()}
        return torch.func.functional_call(self.inner, own, (x,))


class Slices(Wrapper):
    def forward(self, x: Tensor) -> Tensor:
        first, rest = x[:1], x[1:]
        return torch.cat([self.inner(first), rest * 0.5])


class WritesRows(Wrapper):
    def forward(self, x: Tensor) -> Tensor:
        place = torch.zeros_like(x)
        place[:1] = self.inner(x[:1])
        place[1:] = x[1:]
        return place


class Hooked(nn.Module):
    """Its inner module has hooks that change nothing much."""

    def __init__(self, inner: nn.Module) -> None:
        super().__init__()
        self.inner = inner
        inner.register_forward_hook(lambda module, args, output: output * 1.25)
        inner.register_forward_pre_hook(lambda module, args: (args[0] * 0.75,))

    def forward(self, x: Tensor) -> Any:
        return self.inner(x)


WRAPPERS: tuple[Callable[[nn.Module], nn.Module], ...] = (
    Residual, AddsInPlace, Twice, Branches, InDict, InDataclass, Checkpointed, Autocast, Called, Slices, WritesRows,
    Hooked, nn.Sequential,
)  # fmt: skip
