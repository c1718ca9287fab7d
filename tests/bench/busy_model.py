"""A model that is never done: it runs its layers again and again, as a long forward pass does."""

from __future__ import annotations

import time

import torch
from torch import Tensor, nn

SECONDS = 600.0


class Busy(nn.Module):
    """Convolutions over one image until the time is up."""

    def __init__(self, layers: int = 24) -> None:
        super().__init__()
        self.stem = nn.Conv2d(3, 64, 3, padding=1)
        self.layers = nn.ModuleList(nn.Conv2d(64, 64, 3, padding=1) for _ in range(layers))

    def forward(self, image: Tensor) -> Tensor:
        until = time.monotonic() + SECONDS
        value = self.stem(image)
        while time.monotonic() < until:
            for layer in self.layers:
                value = layer(value).tanh()
        return value


def build() -> tuple[nn.Module, tuple[Tensor]]:
    return Busy(), (torch.randn(1, 3, 112, 112),)
