"""The kind `clamp`."""

from __future__ import annotations

from ..kind import NUMBERS, OnTensor, kind


@kind("Alter values", on=NUMBERS)
def clamp(low: float | None = None, high: float | None = None) -> OnTensor:
    """Keep every element within bounds.

    Args:
        low: The least that is let through; None for no bound.
        high: The most that is let through; None for no bound.
    """
    return lambda tensor: tensor if low is None and high is None else tensor.clamp(low, high)
