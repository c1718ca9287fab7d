"""Copies of tensors that share their memory among each other as the tensors do."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import torch
from torch import Tensor, nn

from .nested import own_copy
from .unwrap import PLAIN, is_freed

_functorch: Any = torch._C._functorch

_ALIGNED = 16
"""Bytes: a multiple of the size of every dtype."""


def copy_tensors(tensors: Iterable[Tensor]) -> dict[int, Tensor]:
    """A copy of each by the `id` of the tensor; itself where its class refuses. Those that overlap overlap again."""
    copies: dict[int, Tensor] = {}
    for group in _group_overlapping(list(tensors)):
        if len(group) == 1:
            copies[id(group[0])] = copy_one(group[0])
        else:
            copies.update(_copy_together(group))
    return copies


def copy_one(tensor: Tensor) -> Tensor:
    """In memory of its own, and of its class; the tensor itself where that refuses."""
    try:
        copied = own_copy(tensor)
        if type(tensor) is nn.Parameter:
            copied = nn.Parameter(copied.detach(), tensor.requires_grad)
        if tensor.is_leaf and tensor.grad is not None:
            copied.grad = own_copy(tensor.grad)
    except Exception:  # somebody else's class may refuse anything: whoever asks compares
        return tensor
    return copied


def count_bytes(tensor: Tensor) -> int:
    """What a copy would take: of a dimension that repeats one element, that element."""
    if type(tensor) not in PLAIN or tensor.is_meta or tensor.layout is not torch.strided or tensor.is_nested:
        return 0
    sizes = [size for size, step in zip(tensor.shape, tensor.stride(), strict=True) if step]
    return int(torch.Size(sizes).numel()) * tensor.element_size()


def _group_overlapping(tensors: list[Tensor]) -> list[list[Tensor]]:
    """In their order; those in one group share bytes."""
    by_storage: dict[int, list[Tensor]] = {}
    groups: list[list[Tensor]] = []
    for tensor in tensors:
        if _has_span(tensor):
            by_storage.setdefault(tensor.untyped_storage().data_ptr(), []).append(tensor)
        else:
            groups.append([tensor])
    for sharing in by_storage.values():
        end = -1
        for tensor in sorted(sharing, key=_start) if len(sharing) > 1 else sharing:
            if _start(tensor) < end:
                groups[-1].append(tensor)
            else:
                groups.append([tensor])
            end = max(end, _end(tensor))
    return groups


def _has_span(tensor: Tensor) -> bool:
    """Whether it is a plain piece of memory."""
    plain = type(tensor) in PLAIN and tensor.layout is torch.strided and not tensor.is_nested and not tensor.is_meta
    if not plain or tensor.is_quantized or tensor.is_conj() or tensor.is_neg() or not tensor.numel():
        return False
    odd = _functorch.is_functorch_wrapped_tensor(tensor) or torch._is_functional_tensor(tensor)
    return not odd and not tensor._is_zerotensor() and not is_freed(tensor)


def _start(tensor: Tensor) -> int:
    return int(tensor.storage_offset()) * tensor.element_size()


def _end(tensor: Tensor) -> int:
    last = sum((size - 1) * step for size, step in zip(tensor.shape, tensor.stride(), strict=True))
    return int(tensor.storage_offset() + last + 1) * tensor.element_size()


def _copy_together(group: list[Tensor]) -> dict[int, Tensor]:
    first = min(map(_start, group)) // _ALIGNED * _ALIGNED
    storage = group[0].untyped_storage()
    whole = torch.empty(0, dtype=torch.uint8, device=group[0].device).set_(storage, 0, (storage.nbytes(),), (1,))
    size = -(-(max(map(_end, group)) - first) // _ALIGNED) * _ALIGNED
    copied = torch.zeros(size, dtype=torch.uint8, device=whole.device)
    piece = whole[first : first + size]
    copied[: piece.numel()].copy_(piece)
    return {id(tensor): _view_alike(tensor, copied, first) for tensor in group}


def _view_alike(tensor: Tensor, memory: Tensor, first: int) -> Tensor:
    """The same shape and steps in the copied memory, which begins at byte `first` of the other."""
    offset = (_start(tensor) - first) // tensor.element_size()
    viewed = memory.view(tensor.dtype).as_strided(tensor.shape, tensor.stride(), offset).detach()
    made = nn.Parameter(viewed, tensor.requires_grad) if type(tensor) is nn.Parameter else viewed
    return made.requires_grad_(tensor.requires_grad)
