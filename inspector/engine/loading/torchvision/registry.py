"""torchvision's own registry of models, imported when something is asked of it.

That takes as long as everything else together, and a model that is none of torchvision's does without.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from torch import nn


def list_models() -> list[str]:
    """Every registered name."""
    from torchvision import models

    names: list[str] = models.list_models()
    return names


def get_model_builder(name: str) -> Callable[..., nn.Module]:
    """What builds the model of that name. Raises `ValueError` where there is none."""
    from torchvision import models

    builder: Callable[..., nn.Module] = models.get_model_builder(name)
    return builder


def get_model_weights(builder: Callable[..., nn.Module]) -> Any:
    """The enum of weights that torchvision has for what the builder makes."""
    from torchvision import models

    return models.get_model_weights(builder)
