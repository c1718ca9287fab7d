"""The loops of `cpu_statistics`, which numba compiles when this is imported, or finds compiled in the user's cache.

One loop makes everything of a block of elements, and LLVM vectorises it: extremes are those of integers (the bits of
floats, in an order that keeps that of the floats, which shows NaN and infinities as well), and sums may be added in any
order. Within a block they are float32, of differences from the mean so far: neither a large offset nor many elements
cost digits. Blocks merge as chunks do in `statistics`.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import platformdirs
from numba import carray, cfunc, config, njit, types
from numba.extending import overload

_BLOCK = 2048
_ANY_ORDER = {"reassoc", "contract", "nsz"}  # NaN and infinities stay what they are

_F, _I = np.float32, np.int32
_MOST, _LEAST = _I(0x7FFFFFFF), _I(-0x80000000)


@njit
def _to_float(bits: Any) -> Any:
    return _I(bits).view(_F)


def _read(element: Any) -> Any:
    """The bits of a float32 from an element: those of one, or the upper half of them, which is a bfloat16."""


@overload(_read)
def _choose_reading(element: Any) -> Any:
    return _read_float32 if element is types.int32 else _read_bfloat16


def _read_float32(element: Any) -> Any:
    return element


def _read_bfloat16(element: Any) -> Any:
    return _I(element) << _I(16)


@njit
def _swap_order(bits: Any) -> Any:
    """Between the bits of a float and an integer of the same order."""
    return bits ^ ((bits >> _I(31)) & _MOST)


@njit(fastmath=_ANY_ORDER)
def _add(elements: Any) -> Any:
    total = _F(0)
    for i in range(elements.size):
        total += _to_float(_read(elements[i]))
    return total


@njit(fastmath=_ANY_ORDER)
def _reduce_block(elements: Any, shift: Any) -> Any:
    low, high, zeros, total, moved, squares = _MOST, _LEAST, _I(0), _I(0), _F(0), _F(0)
    for i in range(elements.size):
        total = _I(total + _I(elements[i]))
        bits = _read(elements[i])
        zeros += _I((bits & _MOST) == _I(0))
        ordered = _swap_order(bits)
        low, high = min(low, ordered), max(high, ordered)
        difference = _to_float(bits) - shift
        moved += difference
        squares += difference * difference
    return low, high, zeros, total, moved, squares


@njit
def _reduce(address: Any, count: Any, row: Any) -> None:
    elements = carray(address, count)
    low, high, zeros, bits, m2 = _MOST, _LEAST, 0, _I(0), 0.0
    first = elements[:_BLOCK]
    mean = float(_add(first)) / first.size
    for start in range(0, count, _BLOCK):
        block = elements[start : start + _BLOCK]
        shift = _F(mean)
        least, most, some, added, moved, squares = _reduce_block(block, shift)
        low, high, zeros, bits = min(low, least), max(high, most), zeros + some, _I(bits + added)
        total = float(moved)
        delta = float(shift) + total / block.size - mean
        m2 += float(squares) - total * total / block.size + delta * delta * block.size * start / (start + block.size)
        mean += delta * block.size / (start + block.size)
    row[0], row[1] = float(_to_float(_swap_order(low))), float(_to_float(_swap_order(high)))
    row[2], row[3], row[4], row[5] = mean, m2, float(zeros), float(bits)


@njit
def _add_bits(address: Any, count: Any) -> Any:
    elements = carray(address, count)
    total = _I(0)
    for i in range(count):
        total = _I(total + _I(elements[i]))
    return total


def _signature(element: Any) -> Any:
    return types.void(types.CPointer(element), types.intp, types.CPointer(types.float64))


_configured, config.CACHE_DIR = config.CACHE_DIR, platformdirs.user_cache_dir("inspector", appauthor=False)
try:

    @cfunc(_signature(types.int32), cache=True)
    def _reduce_float32(address: Any, count: Any, row: Any) -> None:
        _reduce(address, count, row)

    @cfunc(_signature(types.int16), cache=True)
    def _reduce_bfloat16(address: Any, count: Any, row: Any) -> None:
        _reduce(address, count, row)

    @cfunc(types.int32(types.CPointer(types.int32), types.intp), cache=True)
    def _add_four_bytes(address: Any, count: Any) -> Any:
        return _add_bits(address, count)

    @cfunc(types.int32(types.CPointer(types.int16), types.intp), cache=True)
    def _add_two_bytes(address: Any, count: Any) -> Any:
        return _add_bits(address, count)

finally:
    config.CACHE_DIR = _configured

ADDRESSES: dict[str, int] = {
    "float32": _reduce_float32.address,
    "bfloat16": _reduce_bfloat16.address,
}
"""Of functions by the type of their elements. Each is given an address, how many elements lie there (one or more), and
where to write six float64: least, largest, mean, M2, zeros, and what those of `SUMS` return. Where an element is not
finite, neither are all of the first two, and the next two mean nothing."""

SUMS: dict[int, int] = {4: _add_four_bytes.address, 2: _add_two_bytes.address}
"""Of functions by the bytes of an element. Each is given an address and how many elements lie there, and returns the
sum of their bits, taken for integers, as far as an int32 holds it."""
