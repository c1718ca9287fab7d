"""The kind `permute`."""

from __future__ import annotations

import torch
from torch import Tensor

from ..kind import CPU, VALUES, Drawing, FindGenerator, OnTensor, kind


@kind("Alter values", on=VALUES)
def permute(seed: int = 0) -> OnTensor:
    """Give every item of the batch the values of another one.

    Args:
        seed: Of the permutation of dimension 0.
    """

    def permuted(tensor: Tensor, find: FindGenerator) -> Tensor:
        if tensor.dim() == 0:
            return tensor
        return tensor[torch.randperm(len(tensor), generator=find(CPU)).to(tensor.device)]

    return Drawing(seed, permuted)
