"""A tensor that takes the place of another one."""

from __future__ import annotations

from torch import Tensor


def substitute(tensor: Tensor, saved: Tensor, name: str) -> Tensor:
    """A copy of `saved` with the dtype and on the device of `tensor`, to be used in its place.

    Raises:
        ValueError: The shapes differ; `name` is what the message calls `saved`.
    """
    if saved.shape != tensor.shape:
        raise ValueError(f"{name} is {_sizes(saved)}, and what it replaces {_sizes(tensor)}")
    return saved.to(tensor.device, tensor.dtype).clone()  # the model may write to it in place


def _sizes(tensor: Tensor) -> str:
    return "×".join(map(str, tensor.shape)) or "scalar"
