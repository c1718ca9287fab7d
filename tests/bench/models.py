"""The models that are measured, each with an input."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import torch
import torchvision
from torch import nn


class Measured(NamedTuple):
    """A model in evaluation mode and what it is called with."""

    model: nn.Module
    args: tuple[Any, ...]


def resnet18(images: int) -> Measured:
    return Measured(torchvision.models.resnet18(weights=None).eval(), (torch.randn(images, 3, 224, 224),))


def vit() -> Measured:
    return Measured(torchvision.models.vit_b_16(weights=None).eval(), (torch.randn(1, 3, 224, 224),))


def llama(layers: int = 4) -> Measured:
    """Layers of 256 and 64 tokens: small products, so that what is done per module shows."""
    from transformers import LlamaConfig, LlamaForCausalLM

    config = LlamaConfig(
        hidden_size=256, intermediate_size=688, num_hidden_layers=layers, num_attention_heads=4, vocab_size=1000
    )
    return Measured(LlamaForCausalLM(config).eval(), (torch.randint(0, 1000, (1, 64)),))


def billion() -> Measured:
    """Forty linear layers of 25 million parameters each, whose weights are no more than room that is filled."""
    layers = [nn.utils.skip_init(nn.Linear, 5000, 5000) for _ in range(40)]
    with torch.no_grad():
        for layer in layers:
            layer.weight.fill_(1e-4), layer.bias.fill_(0.0)
    return Measured(nn.Sequential(*layers).eval(), (torch.randn(4, 5000),))


def many_modules(count: int = 100_000) -> Measured:
    """Blocks of 32 modules, of which each computes one number."""
    blocks = []
    for _ in range(count // 32):
        layers = [layer for _ in range(10) for layer in (nn.Linear(1, 1), nn.ReLU(), nn.Identity())]
        blocks.append(nn.Sequential(nn.Sequential(*layers)))
    return Measured(nn.Sequential(*blocks).eval(), (torch.randn(1, 1),))


SMALL: dict[str, Callable[[], Measured]] = {
    "resnet18": lambda: resnet18(1),
    "resnet18, 8 images": lambda: resnet18(8),
    "vit_b_16": vit,
    "Llama, 4 layers of 256": llama,
}
