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


def check_dtype(tensor: Tensor, new: Tensor) -> None:
    """Raises `TypeError` where `new` takes the place of whole numbers and is none: indices would be none any more."""
    if new.dtype != tensor.dtype and not (tensor.is_floating_point() or tensor.is_complex()):
        was, now = (str(each.dtype).removeprefix("torch.") for each in (tensor, new))
        raise TypeError(f"it makes {now} of {was}, which the model may count or index with")


def _sizes(tensor: Tensor) -> str:
    return "×".join(map(str, tensor.shape)) or "scalar"
