"""A few elements of a tensor, as they are."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor

from ...records import CORNER, Preview, Window

MOST = 128
"""Rows and columns shown at most."""


def preview(tensor: Tensor, window: Window = CORNER) -> Preview | None:
    """What is in the window, None where there is nothing to show."""
    if tensor.numel() == 0 or tensor.layout is not torch.strided or tensor.is_nested:
        return None
    start = _start(tensor.shape, window)
    leading, corner = start[:-2], start[-2:]
    counts = (min(window.rows, MOST), min(window.columns, MOST))[-len(corner) :]
    part = (tensor.dequantize() if tensor.is_quantized else tensor)[leading]
    part = part[tuple(slice(first, first + count) for first, count in zip(corner, counts, strict=False))]
    if part.is_floating_point() and part.element_size() < 4:
        part = part.float()
    values = part.tolist()
    rows = [values] if part.dim() == 1 else [[values]] if part.dim() == 0 else values
    return Preview(start, tuple(tuple(map(_plain, row)) for row in rows))


def _start(shape: Sequence[int], window: Window) -> tuple[int, ...]:
    """The index of the first element, as far as this shape reaches."""
    ends = zip(shape[-2:], (window.row, window.column)[-len(shape[-2:]) :], strict=False)
    return (*_plane(shape[:-2], window.plane), *(min(first, size - 1) for size, first in ends))


def _plane(shape: Sequence[int], number: int) -> list[int]:
    """The index of the slice with this number, in the order in which they lie."""
    number = min(number, math.prod(shape) - 1)
    index: list[int] = []
    for size in reversed(shape):
        number, digit = divmod(number, size)
        index.insert(0, digit)
    return index


def _plain(value: object) -> float | int | bool | str:
    return value if isinstance(value, float | int) else f"{value:.4g}"
