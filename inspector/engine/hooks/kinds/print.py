"""The kind `print`."""

from __future__ import annotations

from torch import Tensor

from ..conditions import MEASURES, measure
from ..context import HookContext
from ..kind import VALUES, OnContext, kind


@kind("Look", on=(*VALUES, "grad"), acts="context")
def print() -> OnContext:
    """Write a line for every call."""

    def printed(tensor: Tensor, context: HookContext) -> None:
        found = measure(tensor, tuple(MEASURES)) if tensor.is_floating_point() else {}
        numbers = "  ".join(f"{name} {value:.4g}" for name, value in found.items())
        shape = "×".join(map(str, tensor.shape)) or "scalar"
        dtype = str(tensor.dtype).removeprefix("torch.")
        step = f" step {context.step}" if context.step else ""
        place = f"{context.path or '(root)'}{step} call {context.call}"
        context.say(f"{place}: {context.on} {shape} {dtype}  {numbers}".rstrip())

    return printed
