"""The kind `noise`."""

from __future__ import annotations

import torch
from torch import Tensor

from ..kind import OnTensor, kind


@kind("Alter values", on=("output", "input", "parameters"))
def noise(std: float = 0.1, seed: int = 0) -> OnTensor:
    """Add normal noise from a generator of its own.

    Args:
        std: Standard deviation of the noise.
        seed: Of the generator; the model's own random numbers stay what they are.
    """
    generators: dict[torch.device, torch.Generator] = {}

    def noisy(tensor: Tensor) -> Tensor:
        if tensor.device not in generators:
            generators[tensor.device] = torch.Generator(tensor.device).manual_seed(seed)
        drawn = torch.randn(tensor.shape, generator=generators[tensor.device], dtype=tensor.dtype, device=tensor.device)
        return tensor + std * drawn

    return noisy
