"""The kind `patch`."""

from __future__ import annotations

from torch import Tensor

from ..context import HookContext
from ..kind import VALUES, OnContext, kind
from ..recording import Recording
from ..substitute import substitute


@kind("Alter values", on=(*VALUES, "grad"), acts="context")
def patch(run: Recording | Tensor | str = "clean", at: str = "") -> OnContext:
    """Put in what was recorded at the same place in another run.

    The place is a module in one of its calls and steps. Record the clean run with `record("clean")`, change the input,
    and patch one module after another. What was recorded has to have the shape of what it replaces.

    Args:
        run: The name that `record` was given, or a .safetensors file of recorded tensors; in Python also a recording or
            a tensor.
        at: The module it was recorded at, where that is another one, such as layer4.0; or a key: layer4.0#1:output.
    """
    name = f"the recording {run!r}" if isinstance(run, str) else "what was recorded"

    def patched(tensor: Tensor, context: HookContext) -> Tensor:
        return substitute(tensor, context.recall(run, at), name)

    return patched
