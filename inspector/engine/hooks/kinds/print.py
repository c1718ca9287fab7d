"""The kind `print`."""

from __future__ import annotations

import torch
from torch import Tensor

from ..conditions import MEASURES, measure
from ..context import HookContext
from ..kind import VALUES, OnContext, kind

FIRST = 5
"""Elements that are written out."""


@kind("Look", on=(*VALUES, "grad"), acts="context")
def print() -> OnContext:
    """Write a line for every call."""

    def printed(tensor: Tensor, context: HookContext) -> None:
        found = measure(tensor, tuple(MEASURES)) if tensor.is_floating_point() else {}
        numbers = "  ".join(f"{name} {value:.4g}" for name, value in found.items())
        shape = "×".join(map(str, tensor.shape)) or "scalar"
        dtype = str(tensor.dtype).removeprefix("torch.")
        place = f"{context.path or '(root)'}{context.step_words} call {context.call}"
        context.say(f"{place}: {context.on} {shape} {dtype}  {numbers}  {_first(tensor)}".rstrip())

    return printed


def _first(tensor: Tensor) -> str:
    """`[0.12 -0.3 0 …]`, the first elements in the order in which they are counted."""
    flat = tensor.detach().reshape(-1) if tensor.layout is torch.strided else tensor.new_empty(0)
    if not flat.numel() or tensor.is_meta:
        return ""
    shown = flat[:FIRST].tolist()
    words = [f"{value:.4g}" if isinstance(value, float | complex) else str(value) for value in shown]
    return f"[{' '.join(words)}{' …' if flat.numel() > FIRST else ''}]"
