"""The kind `permute`."""

from __future__ import annotations

import torch
from torch import Tensor

from ..kind import VALUES, OnTensor, kind


@kind("Alter values", on=VALUES)
def permute(seed: int = 0) -> OnTensor:
    """Give every item of the batch the values of another one.

    Args:
        seed: Of the permutation of dimension 0.
    """
    generator = torch.Generator().manual_seed(seed)

    def permuted(tensor: Tensor) -> Tensor:
        if tensor.dim() == 0:
            return tensor
        return tensor[torch.randperm(len(tensor), generator=generator).to(tensor.device)]

    return permuted
