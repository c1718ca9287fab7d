"""Models whose lines are looked at. Lines are named by a comment at their end: `line_of("loop")`."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint


def line_of(name: str) -> int:
    lines = Path(__file__).read_text().splitlines()
    return next(number for number, line in enumerate(lines, 1) if line.endswith(f"# {name}"))


class Functional(nn.Module):
    """Functional and in-place operations, an expression in an expression, a statement over several lines."""

    def __init__(self) -> None:
        super().__init__()
        self.a, self.b = nn.Linear(4, 8), nn.Linear(8, 4)
        self.register_buffer("seen", torch.zeros(4))

    def forward(self, h: Tensor) -> Tensor:
        identity = h
        out = self.b(F.gelu(self.a(h)))  # nested
        out += identity  # in place
        if out.numel() == 0:  # condition
            out = out * 2  # unreached
        view = out[0]
        view.mul_(0)  # through a view
        self.seen = out.detach().mean(0)  # attribute
        return torch.cat(  # several
            [out, out],
            dim=1,
        )


class Expressions(nn.Module):
    """Operators, subscripts and attributes, after letters of more than one byte."""

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        ü = x
        first = ("éü", -x[:, 0], x.T @ (ü * 2))  # expressions
        second = torch.cat(  # over lines
            [x, x],
            dim=1,
        )
        return first[2], second


class Inference(nn.Module):
    """Its tensors have no version that would tell what is written to them."""

    @torch.inference_mode()
    def forward(self, x: Tensor) -> Tensor:
        y = x * 2
        kept = [y.clone()]
        y.add_(1)  # inference method
        view = y[0]
        view[0] = 5  # inference subscript
        torch.mul(y, 2, out=kept[0])  # inference out
        z = y + 1  # inference nothing written
        return z + kept[0]


class Attention(nn.Module):
    """Calls functions of torch's that are written in Python."""

    def __init__(self) -> None:
        super().__init__()
        self.attention = nn.MultiheadAttention(4, 2, batch_first=True)

    def forward(self, x: Tensor) -> Tensor:
        x, _ = self.attention(x, x, x)
        pooled = F.max_pool1d(x, 2)  # chosen
        return F.interpolate(pooled, scale_factor=2.0)  # interpolated


class Loop(nn.Module):
    """An RNN in Python; one step makes NaN, and the next does not."""

    def __init__(self, steps: int = 6, bad: int = 4) -> None:
        super().__init__()
        self.cell, self.steps, self.bad = nn.Linear(3, 3), steps, bad

    def forward(self, x: Tensor) -> Tensor:
        outputs = []
        h = x
        for step in range(self.steps):  # head
            h = torch.tanh(self.cell(h))  # body
            y = torch.log(h.abs() + 1 - 9 * (step == self.bad))  # bad
            outputs.append(y)  # append
        return h


class Raises(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        y = x + 1
        z = y @ torch.ones(99)  # raises
        return z  # never


def scale(x: Tensor, by: float = 2.0) -> Tensor:
    doubled = x * by  # in the helper
    return inner(doubled)


def inner(x: Tensor) -> Tensor:
    return x + 1


def pieces(x: Tensor) -> Iterator[Tensor]:
    for row in x:
        twice = row * 2  # in the generator
        yield twice


class Helpers(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.ModuleList(nn.Linear(2, 2) for _ in range(3))

    def shift(self, x: Tensor) -> Tensor:
        return x + 1

    def forward(self, x: Tensor) -> Tensor:
        offset = x.mean()

        def close(y: Tensor) -> Tensor:
            return y - offset

        x = scale(x)  # function
        x = self.shift(x)  # method
        x = close(x)  # closure
        rows = [layer(x) for layer in self.layers]  # comprehension
        total = sum(pieces(x))  # generator
        return rows[0] + total


class Checkpointed(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.block = Functional2()

    def forward(self, x: Tensor) -> Tensor:
        return checkpoint(self.block, x, use_reentrant=False)


class Functional2(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.a = nn.Linear(4, 4)

    def forward(self, x: Tensor) -> Tensor:
        y = torch.sigmoid(self.a(x))  # recomputed
        return y.exp()


class Decorated(nn.Module):
    @staticmethod
    def keep(function):
        return function

    @torch.no_grad()
    @keep
    def forward(  # decorated
        self,
        x: Tensor,
    ) -> Tensor:
        """Doubles."""
        return x * 2
