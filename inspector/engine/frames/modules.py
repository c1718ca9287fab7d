"""Which call of which module each frame is part of, told from the frames alone: torch's own that call a module, and
forwards that were called past them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from torch import nn

from ..modules.walk import modules_of
from ..values.objects import is_a
from .code_frame import CodeFrame
from .variables import read_first_argument

_CALLS = frozenset({nn.Module._call_impl.__code__, nn.Module._wrapped_call_impl.__code__})


def find_modules(frames: Sequence[CodeFrame]) -> list[nn.Module | None]:
    """For each frame the module whose call it is part of, of several the innermost; None outside of all.

    Args:
        frames: The outermost first.
    """
    found: list[nn.Module | None] = []
    inside: nn.Module | None = None
    for each in frames:
        code = each.frame.f_code
        if code in _CALLS or code.co_name == "forward":
            owner = read_owner(each)
            inside = owner if owner is not None else inside  # never `or`: a module can be falsy
        found.append(inside)
    return found


def find_root(frames: Sequence[CodeFrame]) -> nn.Module | None:
    """The largest model that was at work there: of the modules whose methods run, such as `training_step` and
    `generate`, the outermost that has in it the innermost one that was called. None where no module was called."""
    called = [module for module in find_modules(frames) if module is not None]
    if not called:
        return None
    innermost, seen = called[-1], set[int]()
    for each in frames:
        owner = read_owner(each)
        if owner is not None and id(owner) not in seen:
            seen.add(id(owner))
            if any(module is innermost for module in modules_of(owner)):
                return owner
    return called[0]


def called_with(frames: Sequence[CodeFrame], model: nn.Module) -> tuple[tuple[Any, ...], dict[str, Any]]:
    """The positional and keyword arguments of the outermost call of `model`, as they are now; none without one."""
    for each in frames:
        if each.frame.f_code in _CALLS and read_owner(each) is model:
            held = each.frame.f_locals
            return held["args"], dict(held["kwargs"])
    return (), {}


def find_entered(frames: Sequence[CodeFrame]) -> list[nn.Module | None]:
    """For each frame the module whose call begins there, None where none does."""
    found: list[nn.Module | None] = []
    before: nn.Module | None = None  # one call of torch's own frames is made in the other
    for each in frames:
        owner = read_owner(each) if each.frame.f_code in _CALLS else None
        found.append(owner if owner is not before else None)
        before = owner
    return found


def read_owner(each: CodeFrame) -> nn.Module | None:
    """The module whose method it is, if it is one's."""
    owner = read_first_argument(each.frame)
    return owner if is_a(owner, nn.Module) else None  # type: ignore[return-value]  # as `is_a` says
