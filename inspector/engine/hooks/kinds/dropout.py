"""The kind `dropout`."""

from __future__ import annotations

import torch
from torch import Tensor

from ..kind import CPU, VALUES, Drawing, FindGenerator, OnTensor, kind


@kind("Alter values", on=VALUES)
def dropout(p: float = 0.5, seed: int = 0) -> OnTensor:
    """Put zeros in the place of whole channels, at random.

    Channels are dimension 1, or the last one of a tensor with fewer than three. The others stay as they are.

    Args:
        p: The probability with which a channel is dropped.
        seed: Of the generator; the model's own random numbers stay what they are.
    """

    def without_some(tensor: Tensor, find: FindGenerator) -> Tensor:
        if tensor.dim() == 0:
            return tensor
        shape = [1] * tensor.dim()
        channel = 1 if tensor.dim() > 2 else tensor.dim() - 1
        shape[channel] = tensor.shape[channel]
        dropped = torch.rand(shape, generator=find(CPU)) < p
        return tensor.masked_fill(dropped.to(tensor.device), 0)  # times 0, infinity would not be zero

    return Drawing(seed, without_some)
