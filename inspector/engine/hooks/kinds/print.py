"""The kind `print`."""

from __future__ import annotations

from torch import Tensor

from ..conditions import MEASURES, measured
from ..hook import Place
from .base import VALUES, OnPlace, kind


@kind("Look", on=(*VALUES, "grad"), acts="place")
def print() -> OnPlace:
    """Write a line for every call."""

    def printed(tensor: Tensor, place: Place) -> None:
        found = measured(tensor, tuple(MEASURES)) if tensor.is_floating_point() else {}
        numbers = "  ".join(f"{name} {value:.4g}" for name, value in found.items())
        shape = "×".join(map(str, tensor.shape)) or "scalar"
        dtype = str(tensor.dtype).removeprefix("torch.")
        place.say(f"{place.path or '(root)'} call {place.call}: {place.on} {shape} {dtype}  {numbers}".rstrip())

    return printed
