"""The kind `record`."""

from __future__ import annotations

from torch import Tensor

from ..hook import Place
from .base import VALUES, OnPlace, kind


@kind("Look", on=VALUES, acts="place")
def record(run: str = "clean", megabytes: int = 1024) -> OnPlace:
    """Keep the tensors themselves, in full.

    Args:
        run: The name to keep them under, for `patch` and for saving.
        megabytes: The most that all tensors of this run may take.
    """

    def recorded(tensor: Tensor, place: Place) -> None:
        place.keep(run, tensor, megabytes << 20)

    return recorded
