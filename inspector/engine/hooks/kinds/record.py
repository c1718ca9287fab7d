"""The kind `record`."""

from __future__ import annotations

from torch import Tensor

from ..context import HookContext
from ..kind import VALUES, OnContext, kind

ALL = 1 << 40
"""Megabytes: as many as there are."""


@kind("Look", on=(*VALUES, "grad"), acts="context", takes_last=True)
def record(run: str = "clean", megabytes: int = 1024) -> OnContext:
    """Keep the tensors themselves, in full.

    Args:
        run: The name to keep them under, for `patch` and for saving.
        megabytes: The most that all tensors of this run may take.
    """

    def recorded(tensor: Tensor, context: HookContext) -> None:
        context.keep(run, tensor, megabytes << 20)

    return recorded
