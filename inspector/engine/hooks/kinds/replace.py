"""The kind `replace`."""

from __future__ import annotations

from torch import Tensor

from ..kind import VALUES, File, OnTensor, kind
from ..substitute import substitute
from ..tensor_file import read_tensor


@kind("Alter values", on=VALUES)
def replace(file: File, key: str = "") -> OnTensor:
    """Put a saved tensor in the place of the value.

    Args:
        file: A .safetensors file, or a .pt file that holds tensors.
        key: Which of its tensors; may stay empty where there is one alone.
    """
    saved = read_tensor(file, key)

    def replaced(tensor: Tensor) -> Tensor:
        return substitute(tensor, saved, f"the tensor of {file}")

    return replaced
