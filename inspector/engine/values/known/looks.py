"""Whether tensors look as others did, asked of several at once.

torch's compiler asks the same before it runs what it made for others, in C++: in a fifth of the time that it takes to
read a shape, a dtype and a flag of each.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from operator import attrgetter
from typing import Any

import torch
from torch import Tensor

Check = Callable[..., bool]
"""Told as many tensors as it was made of: whether each is of torch's own class and has the shape, dtype, gradient flag,
device and layout of the one in its place. It may say no where they have."""

_DEVICES = ("cpu", "cuda", "meta")
_looks = attrgetter("shape", "dtype", "requires_grad", "layout", "device")
_dispatch_keys: Any = torch._C._dispatch_keys
_guards: Any = getattr(getattr(getattr(torch._C, "_dynamo", None), "guards", None), "TensorGuards", None)


_ordinary = set[int]()
"""The dispatch keys of tensors that have shape and strides, no transform and nothing lazy, as far as they were seen."""


def _is_ordinary(tensor: Tensor) -> bool:
    keys = _dispatch_keys(tensor).raw_repr()
    if keys in _ordinary:
        return True
    if (device := tensor.device.type) not in _DEVICES:
        return False
    for inference in (False, True):
        with torch.inference_mode(inference):
            _ordinary.add(_dispatch_keys(torch.empty(0, device=device)).raw_repr())
    return keys in _ordinary


def _agree(*tensors: Any) -> bool:
    return True


def _guard(tensors: Sequence[Tensor]) -> Check:
    check: Check = _guards(*tensors, dynamic_dims_sizes=None, dynamic_dims_strides=None).check
    return check


def _compare(tensors: Sequence[Tensor]) -> Check:
    known = [_looks(tensor) for tensor in tensors]

    def check(*others: Any) -> bool:
        return all([type(other) is Tensor for other in others]) and [*map(_looks, others)] == known

    return check


def _is_right() -> bool:
    """Whether torch's own tells what it is asked for."""
    one, other = torch.empty(2, 3, device="cpu"), torch.empty(3, device="cpu")
    try:
        check = _guard([one, other])
        others = [other, one.double(), one.to("meta"), one.clone().requires_grad_(), one.to_sparse(), None]
        return check(one, other) and not any([check(each, other) for each in others])
    except Exception:  # it may be made otherwise in another release: there is the other way
        return False


_make = _guard if _is_right() else _compare


def make_check(tensors: Sequence[Tensor], like: Check | None = None) -> Check | None:
    """For ordinary tensors of torch's own class; None of others, of which torch's own check would end the process. That
    is `like`, which is of as many, where it holds of them."""
    if not tensors:
        return _agree
    seen = all([_dispatch_keys(tensor).raw_repr() in _ordinary for tensor in tensors])
    if not seen and not all(map(_is_ordinary, tensors)):
        return None
    return like if like is not None and like(*tensors) else _make(tensors)
