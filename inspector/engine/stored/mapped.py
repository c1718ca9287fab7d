"""Tensors that lie in a file: nothing is read until somebody looks at their values."""

from __future__ import annotations

import mmap
import os
import warnings
from collections.abc import Sequence
from functools import cache
from pathlib import Path

import torch
from torch import Tensor

from ...files import open_file
from ...files.purposes import WEIGHTS


class MappedFile:
    """A file whose bytes are read as they are looked at.

    The map is read-only, so that a file larger than the memory can be mapped: a write to one of its tensors ends the
    process.
    """

    def __init__(self, path: Path) -> None:
        """Raises `OSError` and `UsageError`."""
        with open_file(path, WEIGHTS) as stream:
            self.size = os.fstat(stream.fileno()).st_size
            self._bytes = mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ) if self.size else None
        _let_torch_warn()

    def close(self) -> None:
        """For one that no tensor lies in."""
        if self._bytes is not None:
            self._bytes.close()

    def read(self, start: int, stop: int) -> bytes:
        return self._bytes[start:stop] if self._bytes is not None else b""

    def tensor(
        self, dtype: torch.dtype, shape: Sequence[int], start: int, strides: Sequence[int] | None = None
    ) -> Tensor:
        """The tensor whose first element is at byte `start`; contiguous without `strides`.

        Raises:
            ValueError: It reaches beyond the file.
        """
        steps = contiguous(shape) if strides is None else tuple(strides)
        count = self.check(dtype, shape, start, steps)
        if not count or self._bytes is None:
            return torch.empty_strided(tuple(shape), steps, dtype=dtype)
        flat = torch.frombuffer(self._bytes, dtype=dtype, count=count, offset=start)
        return flat.view(tuple(shape)) if strides is None else flat.as_strided(tuple(shape), steps)

    def check(self, dtype: torch.dtype, shape: Sequence[int], start: int, strides: Sequence[int]) -> int:
        """The elements from the first to the last one of such a tensor. Raises `ValueError` as `tensor` does."""
        count = extent(shape, strides)
        if start < 0 or start + count * dtype.itemsize > self.size:
            raise ValueError(f"reaches byte {start + count * dtype.itemsize:,} of a file with {self.size:,}")
        return count


@cache
def _let_torch_warn() -> None:
    """torch warns once of a buffer that cannot be written to. To catch that for each of 300,000 tensors takes longer
    than to make them."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.frombuffer(b"0", dtype=torch.uint8)


def contiguous(shape: Sequence[int]) -> tuple[int, ...]:
    """The strides of a tensor whose elements lie in order."""
    steps: list[int] = []
    step = 1
    for size in reversed(shape):
        steps.append(step)
        step *= max(size, 1)
    return tuple(reversed(steps))


def extent(shape: Sequence[int], strides: Sequence[int]) -> int:
    """Elements from the first to the last one, both included."""
    if 0 in shape:
        return 0
    return 1 + sum((size - 1) * step for size, step in zip(shape, strides, strict=True))
