"""Small tensors on the host, in groups of which one comparison says that they are as they were.

To ask one tensor takes longer than to compare its few elements: a model of 100,000 modules has as many tensors.
"""

from __future__ import annotations

import contextlib
from array import array
from collections.abc import Iterable
from itertools import accumulate
from operator import attrgetter, is_, methodcaller
from typing import Any

import torch
from torch import Tensor

from ..values.unwrap import PLAIN, is_wrapped
from .kept_tensor import KeptTensor

_SMALL = 1 << 14
"""Bytes of a tensor that is compared with others."""

_SIZE = 512
"""Tensors of a group: where one of them changed, each of them is asked."""

_FACTS = attrgetter("_version", "requires_grad", "is_leaf", "shape", "dtype")
_STRIDE, _ADDRESS, _NBYTES = methodcaller("stride"), methodcaller("data_ptr"), methodcaller("nbytes")


class TensorGroup:
    """From now on their copies are parts of one tensor.

    Args:
        kept: Tensors that `group_tensors` takes, of one dtype.
    """

    def __init__(self, kept: list[KeptTensor]) -> None:
        self.kept = kept
        self._tensors = [each.tensor for each in kept]
        self._aliases = [_lay(each.alias, int(each.alias.storage_offset())) for each in kept if each.alias is not None]
        self._storages = [alias.untyped_storage() for alias in self._aliases]
        self._facts = _share(
            (each.version, each.requires_grad, True, each.alias.shape, each.alias.dtype)
            for each in kept
            if each.alias is not None
        )
        self._strides = _share(each.alias.stride() for each in kept if each.alias is not None)
        self._addresses = array("Q", map(_ADDRESS, self._aliases))
        copies = [each.copy for each in kept if each.copy is not None]
        copy = torch.cat([each.view(-1) for each in copies])
        begins = accumulate(map(Tensor.numel, copies), initial=0)
        for each, whole, begin in zip(kept, copies, begins, strict=False):
            each.copy = _lay(copy, begin, whole)
        self._bits = copy.view(torch.uint8)

    def is_same(self) -> bool:
        """Whether all that a pass may change of them is as it was: what they hold, where, and their gradients."""
        try:
            return self._is_same()
        except Exception:  # of a tensor that became another one: each of them is asked
            return False

    def _is_same(self) -> bool:
        tensors = self._tensors
        return (
            _are(map(type, tensors), (each.cls for each in self.kept))
            and list(map(_FACTS, tensors)) == self._facts
            and _are(map(attrgetter("grad"), tensors), (each.gradient for each in self.kept))
            and list(map(_STRIDE, tensors)) == self._strides
            and array("Q", map(_ADDRESS, tensors)) == self._addresses
            and array("Q", map(_ADDRESS, self._aliases)) == self._addresses
            and list(map(_NBYTES, self._storages)) == [each.memory[0] for each in self.kept]
            and torch.equal(torch.cat(self._aliases).view(torch.uint8), self._bits)
        )


def _lay(memory: Tensor, begin: int, like: Tensor | None = None) -> Tensor:
    """The elements there, as many as there are in all and one after another, or `like` another tensor. It is no view:
    what torch keeps of one takes more than the tensor."""
    if like is None and memory.dim() == 1:
        return memory
    shape, stride = (like.shape, like.stride()) if like is not None else ((memory.numel(),), (1,))
    return torch.empty(0, dtype=memory.dtype).set_(memory.untyped_storage(), begin, shape, stride)


def _share(facts: Iterable[tuple[Any, ...]]) -> list[tuple[Any, ...]]:
    """Equal ones are the same: of most tensors of a group there are few."""
    known: dict[tuple[Any, ...], tuple[Any, ...]] = {}
    return [known.setdefault(each, each) for each in facts]


def group_tensors(tensors: Iterable[KeptTensor]) -> list[TensorGroup]:
    """Those of them that can be compared at once."""
    by_dtype: dict[torch.dtype, list[KeptTensor]] = {}
    for each in filter(_is_small, tensors):
        by_dtype.setdefault(each.tensor.dtype, []).append(each)
    groups: list[TensorGroup] = []
    for found in by_dtype.values():
        for first in range(0, len(found), _SIZE):
            with contextlib.suppress(RuntimeError):  # of some dtypes torch puts none together: each of them is asked
                groups.append(TensorGroup(found[first : first + _SIZE]))
    return groups


def _is_small(kept: KeptTensor) -> bool:
    """And plain, a leaf, and in memory of its own."""
    alias, copy = kept.alias, kept.copy
    if alias is None or copy is None or kept.cls not in PLAIN or type(alias) not in PLAIN or kept.graph is not None:
        return False
    if alias.layout is not torch.strided or alias.is_nested or alias.device.type != "cpu" or is_wrapped(alias):
        return False
    odd = alias.is_quantized or alias.is_complex() or alias.is_neg() or kept.tensor.is_inference()
    small = copy.numel() == alias.numel() and copy.numel() * copy.element_size() <= _SMALL
    return small and not odd and kept.keeps_gradient and kept.memory[0] >= 0 and alias.is_contiguous()


def _are(now: Iterable[object], then: Iterable[object]) -> bool:
    return all(map(is_, now, then))
