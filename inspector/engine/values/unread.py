"""Tensors that nobody has looked at: what they are is known, and their values are read when they are asked for."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple, Protocol

import torch
from torch import Tensor


class TensorFile(Protocol):
    """Holds the values of tensors."""

    def tensor(
        self, dtype: torch.dtype, shape: Sequence[int], start: int, strides: Sequence[int] | None = None
    ) -> Tensor:
        """The tensor whose first element is at byte `start`; contiguous without `strides`."""


class Unread(NamedTuple):
    """Where the first element of a tensor lies in a file. Equal ones are one tensor."""

    file: TensorFile
    dtype: torch.dtype
    shape: tuple[int, ...]
    start: int
    strides: tuple[int, ...] | None = None  # None where its elements lie in order

    def read(self) -> Tensor:
        """Its values come from the file as they are looked at."""
        return self.file.tensor(self.dtype, self.shape, self.start, self.strides)

    def numel(self) -> int:
        return math.prod(self.shape)


Held = Tensor | Unread


def read_tensor(held: Held) -> Tensor:
    """The tensor that stands here or that this one stands for."""
    return held.read() if isinstance(held, Unread) else held
