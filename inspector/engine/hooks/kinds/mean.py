"""The kind `mean`."""

from __future__ import annotations

from torch import Tensor

from ..kind import VALUES, OnTensor, kind


@kind("Alter values", on=VALUES)
def mean(dim: int | None = None) -> OnTensor:
    """Put the mean in the place of every element.

    Args:
        dim: The dimension to average over, such as 0 for the batch; None averages over all.
    """

    def averaged(tensor: Tensor) -> Tensor:
        value = tensor.mean() if dim is None else tensor.mean(dim, keepdim=True)
        return value.expand_as(tensor).clone()  # a copy: the model may write to it in place

    return averaged
