"""The kind `patch`."""

from __future__ import annotations

from torch import Tensor

from ..context import HookContext
from ..kind import VALUES, OnContext, Recording, kind
from ..substitute import substitute


@kind("Alter values", on=VALUES, acts="context")
def patch(run: Recording = "clean") -> OnContext:
    """Put in what was recorded at the same place in another run.

    Record the clean run with `record("clean")`, change the input, and patch one module after another. What was recorded
    has to have the shape of what it replaces.

    Args:
        run: The name that `record` was given, or a .safetensors file of recorded tensors.
    """

    def patched(tensor: Tensor, context: HookContext) -> Tensor:
        return substitute(tensor, context.recall(run), f"the recording {run!r}")

    return patched
