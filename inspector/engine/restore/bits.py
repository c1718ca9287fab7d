"""Whether two tensors are the same place in memory, and the same bits."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from ..values.unwrap import as_plain, is_freed, is_lazy, read

_HAVE_NAMES = hasattr(Tensor, "has_names")
"""Dimensions have names with an older torch, which takes no look at the bits of such a tensor."""

_INTEGERS = {1: torch.uint8, 2: torch.int16, 4: torch.int32, 8: torch.int64}
_AT_ONCE = 1 << 26
"""Elements that are compared at a time on a device, of which each takes a byte more."""


def real_elements(tensor: Tensor) -> Tensor:
    """The elements of a strided tensor that are really there: of an expanded dimension the first."""
    if tensor.layout is not torch.strided or tensor.is_nested or 0 not in tensor.stride():
        return tensor
    return tensor[tuple(slice(0, 1) if step == 0 else slice(None) for step in tensor.stride())]


def same_place(a: Tensor, b: Tensor) -> bool:
    """Whether both are the same elements of one storage."""
    a = as_plain(a)
    if a.layout is not torch.strided or a.is_nested:
        return True  # no single storage to compare
    return (a.data_ptr(), a.shape, a.stride(), a.dtype) == (b.data_ptr(), b.shape, b.stride(), b.dtype)


def same_bits(a: Tensor, b: Tensor) -> bool:
    """Equal bit for bit: NaN equals the same NaN, and -0.0 differs from 0.0."""
    if a.is_nested and b.is_nested and a.layout is b.layout is torch.strided:  # has no shape
        return same_bits(a._nested_tensor_size(), b._nested_tensor_size()) and same_bits(a.values(), b.values())
    if a.shape != b.shape or a.dtype != b.dtype:
        return False
    if _HAVE_NAMES:
        a, b = _without_names(a), _without_names(b)
    if a.layout is torch.sparse_coo:
        return same_bits(a._values(), b._values()) and same_bits(a._indices(), b._indices())
    if a.layout is not torch.strided or a.is_nested:
        return same_bits(a.values(), b.values())
    if a.is_quantized:
        a, b = a.int_repr(), b.int_repr()
    return torch.equal(*_as_integers(a, b))


def differ(a: Any, b: Any) -> Tensor | None:
    """`not same_bits`, as a tensor on their device that nobody waits for; None for what only `same_bits` compares."""
    plain = a.layout is b.layout is torch.strided and not (a.is_nested or a.is_quantized)
    if not plain or a.shape != b.shape or a.dtype != b.dtype or (_HAVE_NAMES and a.has_names()):
        return None
    a, b = _as_integers(a, b)
    if a.numel() <= _AT_ONCE or not (a.is_contiguous() and b.is_contiguous()):
        return torch.ne(a, b).any()
    parts = zip(torch.split(a.view(-1), _AT_ONCE), torch.split(b.view(-1), _AT_ONCE), strict=True)
    return torch.stack([torch.ne(one, other).any() for one, other in parts]).any()


def _as_integers(a: Any, b: Any) -> tuple[Tensor, Tensor]:
    """Their bits as whole numbers, of eight bytes where that goes: half as many are compared in half the time."""
    if a.is_complex():
        a, b = torch.view_as_real(a.resolve_conj()), torch.view_as_real(b.resolve_conj())
    own = _INTEGERS[a.element_size()]
    if not (a.is_contiguous() and b.is_contiguous()):
        return a.view(own), b.view(own)
    a, b = a.view(-1), b.view(-1)
    bytes_of = (a.numel(), a.storage_offset(), b.storage_offset())
    wide = all(count * a.element_size() % 8 == 0 for count in bytes_of)
    return (a.view(torch.int64), b.view(torch.int64)) if wide else (a.view(own), b.view(own))


def _without_names(tensor: Any) -> Any:
    return tensor.rename(None) if tensor.has_names() else tensor


def stored_bytes(tensor: Tensor) -> int:
    """What its real elements take in memory; 0 where there are none."""
    if is_lazy(tensor) or read(tensor, "is_meta") or is_freed(tensor):
        return 0
    tensor = real_elements(as_plain(tensor))
    return tensor.numel() * tensor.element_size()


def set_version(tensor: Tensor, version: int) -> None:
    """The counter as it was: contents are as they were too, so graphs that saved the tensor stay valid."""
    if _TAKES_MANY:
        _set_versions((tensor,), (version,))
    else:
        _set_versions(tensor, version)


_set_versions: Any = torch._C._autograd._unsafe_set_version_counter


def _takes_many() -> bool:
    """An older torch takes one tensor. A refusal shows what it was given: no tensor whose memory may be gone."""
    empty = torch.empty(0)
    try:
        _set_versions((empty,), (0,))
    except TypeError:
        return False
    return True


_TAKES_MANY = _takes_many()
