"""The kind `zero`."""

from __future__ import annotations

import torch

from ..kind import NUMBERS, OnTensor, kind


@kind("Alter values", on=NUMBERS)
def zero() -> OnTensor:
    """Put zeros in the place of every element."""
    return torch.zeros_like
