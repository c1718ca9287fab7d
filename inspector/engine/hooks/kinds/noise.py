"""The kind `noise`."""

from __future__ import annotations

import torch
from torch import Tensor

from ..kind import Drawing, FindGenerator, OnTensor, kind


@kind("Alter values", on=("output", "input", "parameters"))
def noise(std: float = 0.1, seed: int = 0) -> OnTensor:
    """Add normal noise from a generator of its own.

    Args:
        std: Standard deviation of the noise.
        seed: Of the generator; the model's own random numbers stay what they are.
    """

    def noisy(tensor: Tensor, find: FindGenerator) -> Tensor:
        generator = find(tensor.device)
        drawn = torch.randn(tensor.shape, generator=generator, dtype=tensor.dtype, device=tensor.device)
        return tensor + std * drawn

    return Drawing(seed, noisy)
