"""What kind of operation a function of torch is, as far as it matters to where something bad came from."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import torch
from torch import Tensor
from torch.overrides import resolve_name

from .badness import is_infinite_number

MOVES = frozenset(
    getattr(owner, name)
    for name in (
        "view", "view_as", "transpose", "permute", "movedim", "swapaxes", "expand", "expand_as", "unsqueeze", "squeeze",
        "flatten", "unflatten", "chunk", "split", "tensor_split", "unbind", "narrow", "select", "detach", "t",
        "__getitem__", "size", "dim", "numel", "stride", "is_contiguous", "is_floating_point", "data_ptr", "item",
        "tolist",
    )
    for owner in (Tensor, torch)
    if hasattr(owner, name)
)  # fmt: skip
"""Operations whose output holds nothing that their input does not, and questions: while everything is fine they are not
looked at: they give views, whose memory tells where they are from."""
EMPTY = frozenset(
    getattr(owner, name)
    for name in ("empty", "empty_like", "empty_strided", "empty_permuted", "new_empty", "new_empty_strided")
    for owner in (Tensor, torch)
    if hasattr(owner, name)
)
"""What is in their output nobody put there."""
FACTORIES = EMPTY | frozenset(
    getattr(owner, name)
    for name in (
        "zeros", "zeros_like", "new_zeros", "zero_", "ones", "ones_like", "new_ones", "full", "full_like", "new_full",
        "fill_", "tensor", "arange", "eye",
    )
    for owner in (Tensor, torch)
    if hasattr(owner, name)
)  # fmt: skip
"""Their output is what was written in the code, and no result: nobody asks for that with a condition."""
_FILLING = frozenset(
    ("full", "fill", "where", "tensor", "pad", "setitem", "scatter", "index_fill", "index_put", "clamp", "clip")
)
_MOST_NUMBERS = 10_000
"""In lists, that are looked at."""
TIMES = frozenset(("mul", "mul_", "multiply", "__mul__", "__rmul__", "__imul__"))


def fills(func: Callable[..., Any], given: Iterable[object]) -> bool:
    """Whether it was told to write an infinite number, and does not come to it by reckoning."""
    name = plain_name(func)
    if name in TIMES:  # `torch.ones(8, 8) * -math.inf`
        return any(type(each) is float and math.isinf(each) for each in given)
    return any(each in name for each in _FILLING) and any(map(is_infinite_number, flat_numbers(given)))


def flat_numbers(given: Iterable[Any]) -> Iterator[Any]:
    """What it was given, and the first of what is in lists, as `torch.tensor` takes them."""
    pending = [*given][::-1]
    for _ in range(_MOST_NUMBERS):
        if not pending:
            return
        each = pending.pop()
        if type(each) in (list, tuple):
            pending += each[::-1]
        else:
            yield each


def name_of(func: Callable[..., Any]) -> str:
    """As one would write it: "torch.nn.functional.gelu"."""
    return resolve_name(func) or plain_name(func) or "?"


def plain_name(func: Callable[..., Any]) -> str:
    return str(getattr(func, "__name__", ""))


def forward(*args: object) -> None:
    """The name of what a module does that nobody sees."""
