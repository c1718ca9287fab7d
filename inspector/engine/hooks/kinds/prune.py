"""The kind `prune`."""

from __future__ import annotations

import torch
from torch import Tensor

from ..kind import OnTensor, kind


@kind("Parameters", on=("parameters", "output", "input"))
def prune(amount: float = 0.5) -> OnTensor:
    """Put zeros in the place of the smallest elements by magnitude.

    Args:
        amount: The share of the elements, from 0 to 1.
    """

    def pruned(tensor: Tensor) -> Tensor:
        count = int(min(max(amount, 0.0), 1.0) * tensor.numel())
        if count == 0:
            return tensor
        smallest = torch.topk(tensor.detach().abs().flatten(), count, largest=False).indices
        gone = torch.zeros(tensor.numel(), dtype=torch.bool, device=tensor.device)
        gone[smallest] = True
        return tensor.masked_fill(gone.view(tensor.shape), 0)  # times 0, infinity would not be zero

    return pruned
