"""The kind `round`."""

from __future__ import annotations

import torch
from torch import Tensor

from ....errors import UsageError
from ....text import encodable
from ..kind import NUMBERS, OnTensor, kind


@kind("Alter values", on=NUMBERS)
def round(dtype: str = "bfloat16") -> OnTensor:
    """Convert to a dtype and back, as a model of that precision would.

    Args:
        dtype: Such as bfloat16, float16 or float8_e4m3fn.
    """
    found = getattr(torch, dtype, None)
    if not isinstance(found, torch.dtype) or not found.is_floating_point:
        what = f"torch has no floating dtype {dtype!r}"
        raise UsageError(encodable(what, 200), hint="bfloat16, float16, float8_e4m3fn, float8_e5m2")

    def rounded(tensor: Tensor) -> Tensor:
        if not tensor.is_floating_point():
            raise TypeError(f"{tensor.dtype} has nothing to do with {found}")
        return tensor.to(found).to(tensor.dtype)

    return rounded
