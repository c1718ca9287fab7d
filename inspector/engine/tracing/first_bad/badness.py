"""Which tensors count as bad: those that hold NaN or infinity, or of which somebody's condition is true."""

from __future__ import annotations

import enum
import math
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from ...hooks.conditions import SIZES, Condition
from ...values.unwrap import modes_act, numbers_of, outside_modes, outside_transforms


class Bad(enum.Enum):
    """What a tensor holds: NaN, whatever else; infinities and no NaN; or what a condition is true of."""

    NONE = 0
    NAN = 1
    INFINITE = 2
    MEANT = 3

    def __bool__(self) -> bool:
        return self is not Bad.NONE


NONE = Bad.NONE


Check = Callable[[Tensor], Bad]
"""Looks at one tensor of torch's own class, with numbers in it. May raise."""


class Look:
    """A check of any tensor at all, which never raises into the model.

    Args:
        check: What is bad.
        is_usual: It is NaN and infinity.
    """

    def __init__(self, check: Check, is_usual: bool = True) -> None:
        self.is_usual = is_usual
        self.unread = 0  # tensors that refused
        self._check = check

    def __call__(self, tensor: Tensor) -> Bad:
        try:
            if type(tensor) in _PLAIN and _transforms() is None and not modes_act():
                return self._check(tensor) if _is_there(tensor) else NONE
            with torch._C.DisableTorchFunctionSubclass(), outside_transforms(), outside_modes():
                carrier, _ = numbers_of(tensor)
                return self._check(carrier) if carrier is not None and _is_there(carrier) else NONE
        except Exception:  # a tensor may refuse any operation
            self.unread += 1
            return NONE


def _is_there(tensor: Tensor) -> bool:
    """Whether it has elements, and memory where those are: sharded training frees whole parameters."""
    if tensor.numel() == 0 or tensor.is_meta:
        return False
    return tensor.layout is not torch.strided or tensor.is_nested or tensor.data_ptr() != 0


def find_not_finite(tensor: Tensor) -> Bad:
    """NaN and infinities of a floating or complex tensor. One sum is enough where everything is finite, and so is its
    sum; else the first element tells, where everything is NaN, or the extremes, in a twentieth of the time that
    `isnan().any()` takes. The host waits for a device."""
    if not (tensor.is_floating_point() or tensor.is_complex() or tensor.is_quantized):
        return NONE
    numbers = _readable(tensor.detach())
    if math.isfinite(numbers.sum().item()):
        return NONE
    if math.isnan(_first_of(numbers)):
        return Bad.NAN
    highest = numbers.amax().item()
    if math.isnan(highest):
        return Bad.NAN
    return Bad.INFINITE if math.isinf(highest) or math.isinf(numbers.amin().item()) else NONE


def begins_with_nan(tensor: Tensor) -> bool:
    """Whether its first element is NaN: read in no time. False of what is no plain memory of real numbers."""
    if type(tensor) not in _PLAIN or _transforms() is not None or tensor.layout is not torch.strided or modes_act():
        return False
    return tensor.is_floating_point() and _is_there(tensor) and math.isnan(_first_of(tensor.detach()))


def _first_of(numbers: Tensor) -> float:
    return numbers.as_strided((), ()).item()


_PLAIN = (Tensor, torch.nn.Parameter)
_transforms: Any = torch._C._functorch.peek_interpreter_stack


def _readable(tensor: Tensor) -> Tensor:
    """The numbers that are stored, real ones of a type that can be added up."""
    if tensor.layout is not torch.strided or tensor.is_nested:
        tensor = tensor._values() if tensor.layout is torch.sparse_coo else tensor.values()
    if tensor.is_quantized:
        return tensor.dequantize()
    if tensor.is_complex():
        return torch.view_as_real(tensor.resolve_conj())
    return tensor.float() if tensor.element_size() == 1 else tensor


def when(condition: Condition) -> Check:
    """Tensors of which `condition` is true. What it says of numbers is meant of real and complex ones: positions, masks
    and the numbers of tokens are integers."""
    is_of_sizes = all(name in SIZES for name in condition.names)

    def check(tensor: Tensor) -> Bad:
        is_asked = tensor.is_floating_point() or tensor.is_complex() or (is_of_sizes and tensor.dtype is not torch.bool)
        return Bad.MEANT if is_asked and condition.holds(tensor) else NONE

    return check


def is_infinite_number(value: object) -> bool:
    """Whether it is a number, or a tensor of one, that is infinite, or the lowest or highest of a floating type: what
    masks are filled with."""
    if isinstance(value, Tensor):
        return value.dim() == 0 and find_not_finite(value) is Bad.INFINITE
    return isinstance(value, float) and (math.isinf(value) or abs(value) in _LIMITS)


_LIMITS = frozenset(torch.finfo(each).max for each in (torch.float16, torch.bfloat16, torch.float32, torch.float64))
