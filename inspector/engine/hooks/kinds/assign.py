"""The kind `assign`."""

from __future__ import annotations

import ast

from torch import Tensor

from ....errors import UsageError
from ..kind import OnTensor, kind


@kind("Parameters", on=("parameters", "output", "input"))
def assign(value: float, index: str = "") -> OnTensor:
    """Set one element, or all.

    Args:
        value: What it becomes.
        index: Which element, such as "0, 3"; with fewer numbers than dimensions a whole row. Empty for all.
    """
    try:
        parsed = ast.literal_eval(f"({index},)") if index.strip() else ()
    except (SyntaxError, ValueError):
        parsed = ("",)
    if not all(type(number) is int for number in parsed):
        raise UsageError(f"assign: {index!r} is no index", hint="write it as assign(0.5, '0, 3')")

    def assigned(tensor: Tensor) -> Tensor:
        copied = tensor.clone()
        copied[parsed] = value
        if not tensor.is_floating_point() and not tensor.is_complex() and (copied[parsed] != value).any():
            raise TypeError(f"{tensor.dtype} has no {value}")
        return copied

    return assigned
