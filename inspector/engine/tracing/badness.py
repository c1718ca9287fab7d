"""Which tensors count as bad: those that hold NaN or infinity, or of which somebody's condition is true."""

from __future__ import annotations

import enum
import math
from collections.abc import Iterator
from typing import Protocol

import torch
from torch import Tensor

from ..hooks.conditions import Condition
from ..values.unwrap import numbers_of


class Bad(enum.Flag):
    """What a tensor holds; `MEANT` is what a condition is true of."""

    NONE = 0
    NAN = enum.auto()
    INFINITE = enum.auto()
    MEANT = enum.auto()


NONE = Bad.NONE


class Check(Protocol):
    """Looks at one tensor."""

    def __call__(self, tensor: Tensor) -> Bad: ...


def find_not_finite(tensor: Tensor) -> Bad:
    """NaN and infinities of a floating or complex tensor. One sum is enough where everything is finite, and so is its
    sum; the host waits for a device."""
    if not (tensor.is_floating_point() or tensor.is_complex()) or tensor.is_meta:
        return NONE
    carrier, _ = (
        numbers_of(tensor) if type(tensor) not in _PLAIN or tensor.layout is not torch.strided else (tensor, "")
    )
    if carrier is None or carrier.numel() == 0:
        return NONE
    carrier = _readable(carrier.detach())
    if not carrier.is_complex() and math.isfinite(carrier.sum().item()):
        return NONE
    nan, infinite = carrier.isnan().any().item(), carrier.isinf().any().item()
    return (Bad.NAN if nan else NONE) | (Bad.INFINITE if infinite else NONE)


_PLAIN = (Tensor, torch.nn.Parameter)


def _readable(tensor: Tensor) -> Tensor:
    """The numbers that are stored, of a type that can be added up."""
    if tensor.layout is not torch.strided:
        tensor = tensor._values() if tensor.layout is torch.sparse_coo else tensor.values()
    if tensor.is_quantized:
        return tensor.dequantize()
    return tensor.float() if tensor.element_size() == 1 else tensor


def when(condition: Condition) -> Check:
    """Tensors of which `condition` is true."""

    def check(tensor: Tensor) -> Bad:
        if tensor.is_meta or tensor.numel() == 0 or tensor.dtype is torch.bool:
            return NONE
        carrier, _ = numbers_of(tensor)
        return Bad.MEANT if carrier is not None and condition.holds(carrier) else NONE

    return check


def is_infinite_number(value: object) -> bool:
    """Whether it is a number, or a tensor of one, that is infinite, or the lowest or highest of a floating type: what
    masks are filled with."""
    if isinstance(value, Tensor):
        return value.dim() == 0 and bool(find_not_finite(value) & Bad.INFINITE)
    return isinstance(value, float) and (math.isinf(value) or abs(value) in _LIMITS)


_LIMITS = frozenset(torch.finfo(each).max for each in (torch.float16, torch.bfloat16, torch.float32, torch.float64))


def flat_tensors(value: object) -> Iterator[Tensor]:
    """Those in a value and in the tuples, lists and dicts in it, as arguments of operations hold them."""
    if isinstance(value, Tensor):
        yield value
    elif isinstance(value, (tuple, list)):
        for each in value:
            yield from flat_tensors(each)
    elif isinstance(value, dict):
        yield from flat_tensors(list(value.values()))
