"""What an operation that writes over its own input was given: after it nobody can look there."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import lru_cache
from typing import Any

from torch import Tensor

from ...records import Value
from ..values.summarize import Summarizer
from ..values.unwrap import PLAIN, is_wrapped

_COPIED = 1 << 28
"""Bytes up to which a tensor is copied, which takes about as long as the operation itself. Of a larger one, for which
there may be no room twice, the statistics are made, which takes several times as long."""

Before = Tensor | Value
"""The tensor as it was: a copy, or its description."""


def see_before(tensor: Tensor) -> Before | None:
    """What is in a tensor that an operation will write to. None where it refuses to be looked at."""
    if type(tensor) not in PLAIN or is_wrapped(tensor) or tensor.is_meta:
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
        written = out if isinstance(out, Tensor) else find_written(func, args, kwargs)
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


def find_written(func: Callable[..., Any], args: Sequence[Any], kwargs: Mapping[str, Any]) -> Tensor | None:
    """Which of the tensors that it is given it writes over: `log_`, `+=`, `relu(inplace=True)`, `sqrt(x, out=x)`."""
    out = kwargs.get("out")
    if isinstance(out, Tensor):
        return out if any(each is out for each in flat_tensors(args)) else None
    name = getattr(func, "__name__", "")
    if kwargs.get("inplace") is True or _is_in_place(name):
        return args[0] if args and isinstance(args[0], Tensor) else None
    return None


def writes(func: Callable[..., Any], kwargs: Mapping[str, Any]) -> bool:
    """Whether it may give what it wrote to: others that give a tensor they were given hand it on as it is."""
    name = getattr(func, "__name__", "")
    return "out" in kwargs or kwargs.get("inplace") is True or name == "__setitem__" or _is_in_place(name)


@lru_cache(1_000)
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


def flat_tensors(value: object) -> Iterator[Tensor]:
    """Those in a value and in the tuples, lists and dicts in it, as arguments of operations hold them."""
    kind = type(value)
    if issubclass(kind, Tensor):
        yield value  # type: ignore[misc]  # as was asked
    elif issubclass(kind, _CONTAINERS):
        inside: Any = value
        for each in inside.values() if issubclass(kind, dict) else inside:
            if issubclass(type(each), _LOOKED_INTO):
                yield from flat_tensors(each)


_CONTAINERS = (tuple, list, dict)
_LOOKED_INTO = (Tensor, *_CONTAINERS)
