"""What an operation that writes over its own input was given: after it nobody can look there."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from torch import Tensor

from ...records import Value
from ..values.summarize import Summarizer
from ..values.unwrap import PLAIN, is_wrapped
from .badness import flat_tensors

_COPIED = 1 << 28
"""Bytes up to which a tensor is copied, which takes about as long as the operation itself. Of a larger one, for which
there may be no room twice, the statistics are made, which takes several times as long."""

Before = Tensor | Value
"""The tensor as it was: a copy, or its description."""


def see_before(func: Callable[..., Any], args: Sequence[Any], kwargs: Mapping[str, Any]) -> Before | None:
    """What is in the tensor that the operation will write to, where it is one of those that it is given. None where
    there is none, or where it refuses to be looked at."""
    tensor = _find_written(func, args, kwargs)
    if tensor is None or type(tensor) not in PLAIN or is_wrapped(tensor) or tensor.is_meta:
        return None
    try:
        return tensor.detach().clone() if tensor.nbytes <= _COPIED else Summarizer().describe_now(tensor)
    except Exception:  # of memory there may be none, and a tensor may refuse any question
        return None


class Writes:
    """Counts what is written to tensors of inference mode, which have no version. What custom kernels write that do not
    say so, or somebody through numpy, is not seen."""

    def __init__(self) -> None:
        self._counts: dict[int, int] = {}  # by the address of the memory

    def see(self, func: Callable[..., Any], args: Sequence[Any], kwargs: Mapping[str, Any]) -> None:
        """The operation ran."""
        out = kwargs.get("out")
        written = out if isinstance(out, Tensor) else _find_written(func, args, kwargs)
        if written is None and getattr(func, "__name__", "") == "__setitem__":
            written = args[0]
        if isinstance(written, Tensor) and (address := _address_of(written)):
            self._counts[address] = self._counts.get(address, 0) + 1

    def version_of(self, tensor: Any) -> int:
        """Another one after it was written to. Below 0 where torch has none."""
        try:
            return int(tensor._version)
        except RuntimeError:
            return -1 - self._counts.get(_address_of(tensor), 0)


def _address_of(tensor: Tensor) -> int:
    """0 where it has no memory of its own."""
    try:
        return tensor.untyped_storage().data_ptr()
    except RuntimeError:
        return 0


def _find_written(func: Callable[..., Any], args: Sequence[Any], kwargs: Mapping[str, Any]) -> Tensor | None:
    """`log_`, `+=`, `relu(inplace=True)`; and `sqrt(x, out=x)`, which is given what it writes to."""
    out = kwargs.get("out")
    if isinstance(out, Tensor):
        return out if any(each is out for each in flat_tensors(args)) else None
    name = getattr(func, "__name__", "")
    if kwargs.get("inplace") is True or _is_in_place(name):
        return args[0] if args and isinstance(args[0], Tensor) else None
    return None


def _is_in_place(name: str) -> bool:
    if name.endswith("__"):
        return name in _AUGMENTED
    return name.endswith("_")


_AUGMENTED = frozenset(
    f"__i{name}__"
    for name in (
        "add",
        "sub",
        "mul",
        "truediv",
        "div",
        "floordiv",
        "mod",
        "pow",
        "and",
        "or",
        "xor",
        "lshift",
        "rshift",
    )
)
