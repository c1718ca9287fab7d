"""The kind `round`."""

from __future__ import annotations

import torch

from ....errors import UsageError
from ..kind import NUMBERS, OnTensor, kind


@kind("Alter values", on=NUMBERS)
def round(dtype: str = "bfloat16") -> OnTensor:
    """Convert to a dtype and back, as a model of that precision would.

    Args:
        dtype: Such as bfloat16, float16 or float8_e4m3fn.
    """
    found = getattr(torch, dtype, None)
    if not isinstance(found, torch.dtype):
        raise UsageError(f"torch has no dtype {dtype!r}", hint="bfloat16, float16, float8_e4m3fn, float8_e5m2")
    return lambda tensor: tensor.to(found).to(tensor.dtype)
