"""Statistics of a tensor on the CPU by numpy, where no kernel is in use and it is small for the threads there are.

numpy's reductions take a third of the time that torch's do where there is little to reduce, and half of it where there
is much, on one thread. They run on the thread that asks: torch's wait for others, which is long where those are busy.
"""

from __future__ import annotations

import math
from functools import cache
from typing import Any

import torch
from torch import Tensor

MOST = 1 << 18
"""Elements up to which this is sooner done than by torch's operations on many threads."""
FEW_THREADS = 2
"""With which it is always."""
CACHED = 1 << 19
"""Bytes of elements that are still in a processor's cache when they are read again."""
COPIED = 1 << 12
"""Bytes of elements that are sooner copied, to be compared, than added up."""
TYPES = (torch.float32, torch.float64)

_export: Any = torch._C._to_dlpack


class _Exported:
    """A tensor for numpy, past what torch does in Python. Not `Tensor.numpy`, which forbids `resize_` to its owner."""

    __slots__ = ("_tensor",)

    def __init__(self, tensor: Tensor) -> None:
        self._tensor = tensor

    def __dlpack__(self, **_: object) -> object:
        return _export(self._tensor)

    def __dlpack_device__(self) -> tuple[int, int]:
        return 1, 0  # the host


@cache
def _numpy() -> Any:
    import numpy

    return numpy


def is_small(tensor: Tensor) -> bool:
    """Whether an ordinary tensor is reduced as it is, and not as one of one dimension."""
    return tensor.dtype in TYPES and (tensor.numel() <= MOST or torch.get_num_threads() <= FEW_THREADS)


def reduce(tensor: Tensor) -> tuple[float, float, int, float, float | None]:
    """The least element, the largest, how many are zero, the sum of squares, and where there are few the sum. Where an
    element is not finite, neither are both of the first, and the others mean nothing.

    Args:
        tensor: Contiguous, on the host, of one of `TYPES`, with one element or more.
    """
    numpy = _numpy()
    array = numpy.from_dlpack(_Exported(tensor)).reshape(-1)
    if array.nbytes <= COPIED:
        return _reduce_few(array)
    if array.nbytes <= CACHED:
        return *_reduce_cached(array), None
    least, most, zeros, squares = math.inf, -math.inf, 0, 0.0
    step = CACHED // array.itemsize
    for start in range(0, len(array), step):
        low, high, some, more = _reduce_cached(array[start : start + step])
        if not (-math.inf < low and high < math.inf):
            return low, high, 0, 0.0, None
        least, most, zeros, squares = min(least, low), max(most, high), zeros + some, squares + more
    return least, most, zeros, squares, None


def _reduce_cached(array: Any) -> tuple[float, float, int, float]:
    numpy = _numpy()
    # none of these looks at what somebody may have asked numpy to raise, as `dot` does, and `errstate` takes longer
    low, high = float(numpy.minimum.reduce(array)), float(numpy.maximum.reduce(array))
    zeros = 0 if low > 0 or high < 0 else int(numpy.count_nonzero(numpy.equal(array, 0)))
    return low, high, zeros, float(numpy.vdot(array, array))


def reduce_copy(data: bytes, dtype: torch.dtype) -> tuple[float, float, int, float, float]:
    """As `reduce`, of `COPIED` bytes or fewer as they lie in memory."""
    numpy = _numpy()
    return _reduce_few(numpy.frombuffer(data, numpy.float32 if dtype is torch.float32 else numpy.float64))


def _reduce_few(array: Any) -> tuple[float, float, int, float, float]:
    """In double precision, as torch adds up few elements in pairs and numpy's product of two does not."""
    numpy = _numpy()
    low, high = float(numpy.minimum.reduce(array)), float(numpy.maximum.reduce(array))
    zeros = 0 if low > 0 or high < 0 else len(array) - int(numpy.count_nonzero(array))  # sooner for so few
    wide = array.astype(numpy.float64)
    total = numpy.vdot(wide, _ones()[: len(wide)])  # looks at nothing either
    return low, high, zeros, float(numpy.vdot(wide, wide)), float(total)


@cache
def _ones() -> Any:
    return _numpy().ones(COPIED // 4)
