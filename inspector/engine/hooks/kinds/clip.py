"""The kind `clip`."""

from __future__ import annotations

import torch
from torch import Tensor

from ..kind import OnTensor, kind


@kind("Gradients", on=("grad", "output", "input", "parameters"))
def clip(norm: float = 1.0) -> OnTensor:
    """Scale down what is longer than a norm.

    Args:
        norm: The largest L2 norm that is let through.
    """

    def clipped(tensor: Tensor) -> Tensor:
        shrunk: Tensor = tensor * (norm / torch.linalg.vector_norm(tensor).clamp(min=1e-12)).clamp(max=1.0)
        return shrunk

    return clipped
