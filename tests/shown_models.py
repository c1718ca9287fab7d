"""Models for the pictures: one that has hooks of its own, one whose forward fails, one
that makes NaN."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional


class Gate(nn.Module):
    """Lets a learned share of its input through."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.project = nn.Linear(width, width)
        self.act = nn.Sigmoid()

    def forward(self, value: Tensor, *, scale: float = 1.0) -> Tensor:
        return value * self.act(self.project(value)) * scale


class Tagger(nn.Module):
    """Tags each token of a sentence; the embedding and the output layer are one tensor."""

    def __init__(self, words: int = 512, width: int = 64, layers: int = 3) -> None:
        super().__init__()
        self.embed = nn.Embedding(words, width)
        self.gates = nn.ModuleList(Gate(width) for _ in range(layers))
        self.norm = nn.LayerNorm(width)
        self.act = nn.ReLU()
        self.spare = nn.Linear(width, width)
        self.head = nn.Linear(width, words, bias=False)
        self.head.weight = self.embed.weight

    def forward(self, tokens: Tensor) -> Tensor:
        value = self.embed(tokens)
        for gate in self.gates:
            value = self.act(self.norm(gate(value, scale=0.5)))
        return self.head(value)


def clamp(module: nn.Module, inputs: tuple[Any, ...], output: Tensor) -> Tensor:
    """Keep activations within reach."""
    return output.clamp(-3, 3)


def count_calls(module: nn.Module, inputs: tuple[Any, ...], options: dict[str, Any]) -> None:
    counted[type(module).__name__] = counted.get(type(module).__name__, 0) + 1


def halve(module: nn.Module, incoming: tuple[Tensor | None, ...], outgoing: tuple[Tensor | None, ...]) -> None:
    return None


def drop_spare(module: nn.Module, state: dict[str, Any], prefix: str, metadata: dict[str, Any]) -> None:
    for key in [key for key in state if key.startswith(f"{prefix}spare.")]:
        del state[key]


counted: dict[str, int] = {}


def hooked() -> tuple[nn.Module, tuple[Tensor]]:
    """A model as somebody left it, with hooks on its gates and on itself."""
    model = Tagger()
    for gate in model.gates:
        gate.register_forward_hook(clamp)
        gate.register_forward_pre_hook(count_calls, with_kwargs=True)
        gate.register_full_backward_hook(halve)
    model.register_state_dict_post_hook(drop_spare)
    return model, (torch.randint(0, 512, (2, 16)),)


class Classifier(nn.Module):
    """Forgets that pooling leaves more than one number per channel."""

    def __init__(self) -> None:
        super().__init__()
        self.features = nn.Sequential(
            nn.Conv2d(3, 16, 3, padding=1), nn.BatchNorm2d(16), nn.ReLU(), nn.Conv2d(16, 32, 3, padding=1), nn.ReLU()
        )
        self.pool = nn.AdaptiveAvgPool2d(2)
        self.head = nn.Linear(32, 10)

    def forward(self, image: Tensor) -> Tensor:
        value = self.pool(self.features(image))
        return self.head(value.flatten(1))


def failing() -> tuple[nn.Module, tuple[Tensor]]:
    return Classifier(), (torch.randn(1, 3, 32, 32),)


class Scorer(nn.Module):
    """Takes the logarithm of shares, of which some are 0."""

    def __init__(self, width: int = 32) -> None:
        super().__init__()
        self.project, self.gate, self.head = nn.Linear(width, width), nn.ReLU(), nn.Linear(width, 4)

    def forward(self, value: Tensor) -> Tensor:
        for _ in range(3):
            value = torch.tanh(self.project(value))
        share = functional.softmax(value, dim=-1) * self.gate(value)
        total = share.sum(dim=-1, keepdim=True)
        scored = torch.log(share / total)
        return self.head(scored)


def scoring() -> tuple[nn.Module, tuple[Tensor]]:
    return Scorer(), (torch.randn(8, 32),)
