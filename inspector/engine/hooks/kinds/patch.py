"""The kind `patch`."""

from __future__ import annotations

from torch import Tensor

from ..hook import Place
from .base import VALUES, OnPlace, Recording, kind


@kind("Alter values", on=VALUES, acts="place")
def patch(run: Recording = "clean") -> OnPlace:
    """Put in what was recorded at the same place in another run.

    Record the clean run with `record("clean")`, change the input, and patch one module after another.

    Args:
        run: The name that `record` was given, or a .safetensors file of recorded tensors.
    """

    def patched(tensor: Tensor, place: Place) -> Tensor:
        return place.recorded(run).to(tensor.device, tensor.dtype).expand_as(tensor).clone()

    return patched
