"""The kind `add`."""

from __future__ import annotations

from ..kind import NUMBERS, OnTensor, kind
from ..substitute import without_overflow


@kind("Alter values", on=NUMBERS)
def add(value: float) -> OnTensor:
    """Add a number.

    Args:
        value: What is added to every element.
    """
    return lambda tensor: without_overflow(tensor, lambda values: values + value)
