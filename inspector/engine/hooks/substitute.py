"""A tensor that takes the place of another one."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor


def substitute(tensor: Tensor, saved: Tensor, name: str) -> Tensor:
    """A copy of `saved` with the dtype and on the device of `tensor`, to be used in its place.

    Raises:
        ValueError: The shapes differ; `name` is what the message calls `saved`.
        TypeError: The dtype of `tensor` cannot hold it: fractions in whole numbers, complex ones in real ones.
    """
    if saved.shape != tensor.shape:
        raise ValueError(f"{name} is {_sizes(saved)}, and what it replaces {_sizes(tensor)}")
    if not _holds(tensor.dtype, saved):
        raise TypeError(f"{name} is {_name(saved)}, and what it replaces {_name(tensor)}")
    return saved.to(tensor.device, tensor.dtype).clone()  # the model may write to it in place


def _holds(dtype: torch.dtype, saved: Tensor) -> bool:
    if dtype.is_floating_point:
        return not saved.is_complex()
    return dtype.is_complex or torch.equal(saved.to(dtype).to(saved.dtype), saved)


def without_overflow(tensor: Tensor, compute: Callable[[Tensor], Tensor]) -> Tensor:
    """What `compute` makes of it. Raises `OverflowError` where whole numbers would begin anew at the other end."""
    new = compute(tensor)
    whole = not new.is_floating_point() and not new.is_complex()
    if whole and new.dtype == tensor.dtype and not torch.equal(new.long(), compute(tensor.long())):
        raise OverflowError(f"{_name(tensor)} cannot hold what it makes")
    return new


def check_dtype(tensor: Tensor, new: Tensor) -> None:
    """Raises `TypeError` where `new` takes the place of whole numbers and is none: indices would be none any more."""
    if new.dtype != tensor.dtype and not (tensor.is_floating_point() or tensor.is_complex()):
        raise TypeError(f"it makes {_name(new)} of {_name(tensor)}, which the model may count or index with")


def _name(tensor: Tensor) -> str:
    return str(tensor.dtype).removeprefix("torch.")


def _sizes(tensor: Tensor) -> str:
    return "×".join(map(str, tensor.shape)) or "scalar"
