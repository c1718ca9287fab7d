"""The kind `clip`."""

from __future__ import annotations

import torch
from torch import Tensor

from ..kind import OnTensor, kind


@kind("Gradients", on=("grad", "output", "input", "parameters"))
def clip(norm: float = 1.0) -> OnTensor:
    """Scale down what is longer than a norm.

    What holds NaN or infinity has no norm, and all of it becomes NaN, as torch's own clipping makes it.

    Args:
        norm: The largest L2 norm that is let through.
    """

    def clipped(tensor: Tensor) -> Tensor:
        small = tensor.is_floating_point() and tensor.element_size() < 4
        length = torch.linalg.vector_norm(tensor, dtype=torch.float32 if small else None)  # half overflows at 65504
        shrunk: Tensor = tensor * (norm / length.clamp(min=1e-12)).clamp(max=1.0)
        return shrunk

    return clipped
