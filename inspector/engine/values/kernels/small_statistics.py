"""Statistics of a tensor on the CPU by numpy, where no kernel is in use and it is small for the threads there are.

numpy's reductions take a third of the time that torch's do where there is little to reduce, and half of it where there
is much, on one thread. They run on the thread that asks: torch's wait for others, which is long where those are busy.
"""

from __future__ import annotations

import ctypes
import math
from typing import Any

import numpy
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
ADDED = 1 << 16
"""Elements up to which they are sooner added up here than by torch, whose threads wait for each other from half of that
on: on a busy machine for milliseconds."""
TYPES: dict[torch.dtype, Any] = {torch.float32: numpy.dtype("float32"), torch.float64: numpy.dtype("float64")}
_OTHERS = ("float16", "int64", "int32", "int16", "int8", "uint8", "bool")
COPIED_TYPES = TYPES | {getattr(torch, name): numpy.dtype(name) for name in _OTHERS}
"""Of which no more than `COPIED` bytes are reduced."""

_Memory = ctypes.c_char * (1 << 30)
_vdot, _minimum, _maximum, _equal = numpy.vdot, numpy.minimum.reduce, numpy.maximum.reduce, numpy.equal
_count = numpy.count_nonzero
"""None of them looks at what somebody may have asked numpy to raise, as `dot` does, and `errstate` takes longer."""
_ZEROS = {dtype: numpy.zeros((), dtype) for dtype in TYPES.values()}
_ONES = {dtype: numpy.ones(ADDED // 2, dtype) for dtype in TYPES.values()}

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


def is_small(count: int, dtype: torch.dtype) -> bool:
    """Whether so many elements are for numpy."""
    return dtype in TYPES and (count <= MOST or torch.get_num_threads() <= FEW_THREADS)


def look_at(address: int, count: int, dtype: torch.dtype) -> Any:
    """Elements of one of `TYPES` that lie one after another in memory, as an array that does not keep them there."""
    return numpy.frombuffer(_Memory.from_address(address), TYPES[dtype], count)  # type: ignore[call-overload]


def export(tensor: Tensor) -> Any:
    """The elements of a contiguous tensor on the host, of one of `TYPES`."""
    return numpy.from_dlpack(_Exported(tensor)).reshape(-1)  # type: ignore[arg-type]  # it has what is asked for


def add_up_few(array: Any) -> float:
    """The sum of `ADDED` elements or fewer, in float32 to as many digits as torch's."""
    count, ones = len(array), _ONES[array.dtype]
    if count <= len(ones):
        return float(_vdot(array, ones[:count]))
    half = len(ones)
    return float(_vdot(array[:half], ones)) + float(_vdot(array[half:], ones[: count - half]))


def reduce(array: Any) -> tuple[float, float, int, float]:
    """The least element, the largest, how many are zero, and the sum of squares. Where an element is not finite,
    neither are both of the first, and the others mean nothing.

    Args:
        array: Of one dimension, of one of `TYPES`, with one element or more.
    """
    if array.nbytes > CACHED:
        return _reduce_in_pieces(array)
    low, high = float(_minimum(array)), float(_maximum(array))
    zeros = 0 if low > 0 or high < 0 else int(_count(_equal(array, _ZEROS[array.dtype])))
    return low, high, zeros, float(_vdot(array, array))


def _reduce_in_pieces(array: Any) -> tuple[float, float, int, float]:
    least, most, zeros, squares = math.inf, -math.inf, 0, 0.0
    step = CACHED // array.itemsize
    for start in range(0, len(array), step):
        low, high, some, more = reduce(array[start : start + step])
        if not (-math.inf < low and high < math.inf):
            return low, high, 0, 0.0
        least, most, zeros, squares = min(least, low), max(most, high), zeros + some, squares + more
    return least, most, zeros, squares


def reduce_few(array: Any) -> tuple[float, float, int, float, float]:
    """As `reduce`, and the sum; of `COPIED` bytes or fewer, of any type. In double precision, as torch adds up few
    elements in pairs and numpy's product of two does not."""
    low, high = float(_minimum(array)), float(_maximum(array))
    if not (-math.inf < low and high < math.inf):  # to convert a signalling NaN is an invalid operation
        return low, high, 0, 0.0, 0.0
    wide = array.astype(numpy.float64)
    zeros = 0 if low > 0 or high < 0 else len(wide) - int(_count(wide))  # sooner for so few
    return low, high, zeros, float(_vdot(wide, wide)), float(_vdot(wide, _ONES[wide.dtype][: len(wide)]))
