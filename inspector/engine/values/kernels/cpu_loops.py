"""The loops of `cpu_statistics`, which numba compiles when this is imported, or finds compiled in the user's cache.

One loop makes everything of a block of elements, and LLVM vectorises it: sums may be added in any order, and extremes
are those of numbers. A block that holds others shows it in its sum of squares, and is looked at once more: as integers,
in an order that keeps that of the floats and that NaN and infinities have a place in. Within a block sums are float32,
of differences from the mean so far: neither a large offset nor many elements cost digits. Blocks merge as chunks do in
`statistics`, and so do parts, which the threads of a team take one after another: what comes of them does not depend on
who took which.
"""

from __future__ import annotations

import platform
from typing import Any

import numpy as np
import platformdirs
from llvmlite import binding, ir
from numba import carray, cfunc, config, njit, types
from numba.extending import intrinsic, overload

from .team import FIELDS, PART

_BLOCK = 2048
_ANY_ORDER = {"reassoc", "contract", "nsz"}  # NaN and infinities stay what they are

_F, _I = np.float32, np.int32
_MOST, _LEAST = _I(0x7FFFFFFF), _I(-0x80000000)

_WIDENS = platform.machine() in ("aarch64", "arm64") or bool(binding.get_host_cpu_features().get("f16c"))
"""Whether the processor itself makes a float32 of a float16."""


@njit
def _to_float(bits: Any) -> Any:
    return _I(bits).view(_F)


def _read(element: Any) -> Any:
    """The bits of a float32 from an element: those of one, the upper half of them, which is a bfloat16, or a float16,
    which is told by having no sign."""


@overload(_read)
def _choose_reading(element: Any) -> Any:
    return {types.int32: _read_float32, types.int16: _read_bfloat16, types.uint16: _read_float16}[element]


def _read_float32(element: Any) -> Any:
    return element


def _read_bfloat16(element: Any) -> Any:
    return _I(element) << _I(16)


def _read_float16(element: Any) -> Any:
    return _widen(element)


def _to_integer(element: Any) -> Any:
    """Its bits, as one of its length with a sign."""


@overload(_to_integer)
def _choose_integer(element: Any) -> Any:
    return _give_sign if element is types.uint16 else _read_integer


def _read_integer(element: Any) -> Any:
    return _I(element)


def _give_sign(element: Any) -> Any:
    return _I(np.int16(element))


@intrinsic
def _widen(_: Any, element: Any) -> Any:
    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return builder.bitcast(builder.fpext(builder.bitcast(args[0], ir.HalfType()), ir.FloatType()), ir.IntType(32))

    return types.int32(element), generate


def _extreme(name: str) -> Any:
    """Of two floats, of which none is NaN: what a comparison makes of them is not vectorised."""

    @intrinsic
    def find(_: Any, a: Any, b: Any) -> Any:
        def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
            kind = args[0].type
            function = builder.module.declare_intrinsic(name, [kind], ir.FunctionType(kind, [kind, kind]))
            return builder.call(function, args, fastmath=("nnan", "nsz"))

        return a(a, b), generate

    return find


_lesser, _greater = _extreme("llvm.minnum"), _extreme("llvm.maxnum")


def _pointer(element: Any) -> Any:
    """From an address."""

    @intrinsic
    def point(_: Any, address: Any) -> Any:
        def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
            return builder.inttoptr(args[0], context.get_value_type(signature.return_type))

        return types.CPointer(element)(address), generate

    return point


_float32s, _bfloat16s, _float16s = _pointer(types.int32), _pointer(types.int16), _pointer(types.uint16)
_integers, _fields = _pointer(types.int64), _pointer(types.float64)


@intrinsic
def _fetch_and_add(_: Any, pointer: Any, number: Any) -> Any:
    """What was there before, for one thread after another."""

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return builder.atomic_rmw("add", args[0], args[1], "monotonic")

    return types.int64(pointer, types.int64), generate


@njit
def _swap_order(bits: Any) -> Any:
    """Between the bits of a float and an integer of the same order."""
    return _I(bits) ^ ((_I(bits) >> _I(31)) & _MOST)


@njit(fastmath=_ANY_ORDER)
def _add_up(elements: Any) -> Any:
    total = _F(0)
    for i in range(elements.size):
        total += _to_float(_read(elements[i]))
    return total


@njit(fastmath=_ANY_ORDER)
def _reduce_block(elements: Any, shift: Any) -> Any:
    low = high = _to_float(_read(elements[0]))
    zeros, total, moved, squares = _I(0), _I(0), _F(0), _F(0)
    for i in range(elements.size):
        total = _I(total + _to_integer(elements[i]))
        bits = _read(elements[i])
        zeros = _I(zeros + _I((bits & _MOST) == _I(0)))
        number = _to_float(bits)
        low, high = _lesser(low, number), _greater(high, number)
        difference = number - shift
        moved += difference
        squares += difference * difference
    return low, high, zeros, total, moved, squares


@njit
def _find_extremes(elements: Any) -> Any:
    """Of any elements, in the order of `_swap_order`."""
    low, high = _MOST, _LEAST
    for i in range(elements.size):
        ordered = _swap_order(_read(elements[i]))
        low, high = min(low, ordered), max(high, ordered)
    return low, high


@njit(error_model="numpy")
def _merge(count: Any, row: Any, more: Any, other: Any) -> Any:
    """The row of `count` and `more` elements."""
    low, high, mean, m2, zeros, bits = row
    delta, share = other[2] - mean, more / (count + more)
    return (
        min(low, other[0]),
        max(high, other[1]),
        mean + delta * share,
        m2 + other[3] + delta * delta * count * share,
        zeros + other[4],
        bits + other[5],
    )


@njit(error_model="numpy")
def _reduce(elements: Any) -> Any:
    """A row, but for its extremes, which are in the order of `_swap_order`, and its bits, of which none is cut off."""
    first = elements[:_BLOCK]
    row = np.int64(_MOST), np.int64(_LEAST), float(_add_up(first)) / first.size, 0.0, 0, 0
    for start in range(0, elements.size, _BLOCK):
        block = elements[start : start + _BLOCK]
        shift = _F(row[2])
        low, high, zeros, bits, moved, squares = _reduce_block(block, shift)
        least, most = _swap_order(_F(low).view(_I)), _swap_order(_F(high).view(_I))
        if not squares < np.inf:
            least, most = _find_extremes(block)
        mean = float(moved) / block.size
        m2 = float(squares) - float(moved) * mean
        found = np.int64(least), np.int64(most), float(shift) + mean, m2, np.int64(zeros), np.int64(bits)
        row = _merge(start, row, block.size, found)
    return row


@njit
def _finish(row: Any) -> Any:
    low, high, mean, m2, zeros, bits = row
    return float(_to_float(_swap_order(low))), float(_to_float(_swap_order(high))), mean, m2, zeros, _I(bits)


@njit
def _get(task: Any, number: Any) -> Any:
    """A field of a `Task` from its address."""
    return carray(_integers(task), 4)[number]


@njit
def _row_at(task: Any, part: Any) -> Any:
    return carray(_fields(_get(task, 3) + part * 8 * FIELDS), FIELDS)


@njit
def _reduce_parts(task: Any, elements: Any) -> None:
    while True:
        part = _fetch_and_add(_integers(task), 1)
        if part * PART >= elements.size:
            return
        row = _row_at(task, part)
        row[0], row[1], row[2], row[3], row[4], row[5] = _reduce(elements[part * PART : (part + 1) * PART])


@njit
def _merge_parts(task: Any) -> Any:
    count = _get(task, 1)
    merged = _take_row(_row_at(task, 0))
    for part in range(1, (count + PART - 1) // PART):
        done = part * PART
        merged = _merge(done, merged, min(PART, count - done), _take_row(_row_at(task, part)))
    return _finish(merged)


@njit
def _take_row(row: Any) -> Any:
    return np.int64(row[0]), np.int64(row[1]), row[2], row[3], np.int64(row[4]), np.int64(row[5])


@njit
def _add_bits(elements: Any) -> Any:
    total = _I(0)
    for i in range(elements.size):
        total = _I(total + _I(elements[i]))
    return total


@njit
def _add_parts(task: Any, elements: Any) -> None:
    while True:
        part = _fetch_and_add(_integers(task), 1)
        if part * PART >= elements.size:
            return
        _fetch_and_add(_integers(task + 3 * 8), np.int64(_add_bits(elements[part * PART : (part + 1) * PART])))


_ROW = types.Tuple((*[types.float64] * 4, types.int64, types.int32))
_alone: Any = njit(_ROW(types.intp, types.intp), cache=True, nogil=True)
_added: Any = njit(types.int32(types.intp, types.intp), cache=True, nogil=True)
_in_parts: Any = cfunc(types.void(types.intp), cache=True)
_configured, config.CACHE_DIR = config.CACHE_DIR, platformdirs.user_cache_dir("inspector", appauthor=False)
try:

    @_alone
    def _reduce_float32(address: Any, count: Any) -> Any:
        return _finish(_reduce(carray(_float32s(address), count)))

    @_alone
    def _reduce_bfloat16(address: Any, count: Any) -> Any:
        return _finish(_reduce(carray(_bfloat16s(address), count)))

    @_in_parts
    def _reduce_parts_of_float32(task: Any) -> None:
        _reduce_parts(task, carray(_float32s(_get(task, 2)), _get(task, 1)))

    @_in_parts
    def _reduce_parts_of_bfloat16(task: Any) -> None:
        _reduce_parts(task, carray(_bfloat16s(_get(task, 2)), _get(task, 1)))

    if _WIDENS:

        @_alone
        def _reduce_float16(address: Any, count: Any) -> Any:
            return _finish(_reduce(carray(_float16s(address), count)))

        @_in_parts
        def _reduce_parts_of_float16(task: Any) -> None:
            _reduce_parts(task, carray(_float16s(_get(task, 2)), _get(task, 1)))

    @njit(_ROW(types.intp), cache=True)
    def merge(task: Any) -> Any:
        """Where `REDUCE` has taken all parts: as it returns for all at once."""
        return _merge_parts(task)

    @_added
    def _add_four_bytes(address: Any, count: Any) -> Any:
        return _add_bits(carray(_float32s(address), count))

    @_added
    def _add_two_bytes(address: Any, count: Any) -> Any:
        return _add_bits(carray(_bfloat16s(address), count))

    @_in_parts
    def _add_parts_of_four_bytes(task: Any) -> None:
        _add_parts(task, carray(_float32s(_get(task, 2)), _get(task, 1)))

    @_in_parts
    def _add_parts_of_two_bytes(task: Any) -> None:
        _add_parts(task, carray(_bfloat16s(_get(task, 2)), _get(task, 1)))

finally:
    config.CACHE_DIR = _configured

REDUCE: dict[str, tuple[Any, int]] = {
    "float32": (_reduce_float32, _reduce_parts_of_float32.address),
    "bfloat16": (_reduce_bfloat16, _reduce_parts_of_bfloat16.address),
}
"""By the type of elements. The first is given an address and how many elements lie there, one or more, and returns the
least, the largest, mean, M2, zeros, and what that of `ADD` does. Where an element is not finite, neither are all of the
first two, and the next two mean nothing. The second is the address of a function for the threads of a `Task`."""
if _WIDENS:
    REDUCE["float16"] = _reduce_float16, _reduce_parts_of_float16.address

ADD: dict[int, tuple[Any, int]] = {
    4: (_add_four_bytes, _add_parts_of_four_bytes.address),
    2: (_add_two_bytes, _add_parts_of_two_bytes.address),
}
"""By the bytes of an element, as `REDUCE`: the sum of their bits, taken for integers, as far as an int32 holds it."""
