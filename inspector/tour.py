"""The model of the tour: a small classifier with something to see in it. Made here; nothing is downloaded."""

from __future__ import annotations

import torch
from torch import Tensor, nn


class Block(nn.Module):
    """A convolution whose input is added to what it gives, as in a ResNet."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(channels, channels, 3, padding=1)
        self.norm = nn.BatchNorm2d(channels)
        self.relu = nn.ReLU()

    def forward(self, x: Tensor) -> Tensor:
        rectified: Tensor = self.relu(self.norm(self.conv(x)) + x)
        return rectified


class Digits(nn.Module):
    """Tells ten digits apart in images of 28×28 pixels, or would if it were trained."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Conv2d(1, 8, 3, padding=1)
        self.blocks = nn.Sequential(Block(8), Block(8))
        self.pool = nn.AdaptiveAvgPool2d(1)
        self.head = nn.Linear(8, 10)

    def forward(self, image: Tensor) -> Tensor:
        features = self.blocks(self.stem(image))
        scores: Tensor = self.head(self.pool(features).flatten(1))
        return scores


def model() -> tuple[nn.Module, tuple[Tensor]]:
    """It, and four images of noise."""
    return Digits().eval(), (torch.rand(4, 1, 28, 28),)
