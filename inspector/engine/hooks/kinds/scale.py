"""The kind `scale`."""

from __future__ import annotations

from ..kind import NUMBERS, OnTensor, kind
from ..substitute import without_overflow


@kind("Alter values", on=NUMBERS)
def scale(factor: float) -> OnTensor:
    """Multiply by a factor.

    Args:
        factor: What every element is multiplied with.
    """
    return lambda tensor: without_overflow(tensor, lambda values: values * factor)
