"""Hooks on the tensors that a module returned, as far as torch lets one see them.

Those registered in Python are in a dict on the tensor. Hooks on its `grad_fn`, and those that C++ code registered, are
in the graph alone, which does not list them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import torch
from torch import Tensor

from ...records import HookRow
from ...text import encodable
from .dicts import hook_dict
from .rows import row_of

KIND = "output tensor"
LOCKED = "lives on a tensor of that pass; it goes with it"

_ITEMS = 200
"""Values looked at in one output: a hook looks at it while the model runs."""


def tensor_hooks(value: object, ours: Callable[[Any], bool] = lambda hook: False) -> list[HookRow]:
    """The hooks on the computed tensors in `value`, the output of a module as a forward hook sees it.

    Args:
        value: Any output; containers are looked into.
        ours: Whether a hook is one of ours, which are left out.
    """
    return [
        row_of(hook, hook_id, KIND, of=encodable(place, 200), locked=LOCKED)
        for place, tensor in _computed(value)
        for hook_id, hook in hook_dict(tensor, "_backward_hooks").items()
        if not ours(hook)
    ]


def _computed(value: object) -> Iterator[tuple[str, Tensor]]:
    """(where in `value`, tensor) of tensors that are not leaves, each once."""
    seen: set[int] = set()
    pending: list[tuple[str, Any]] = [("", value)]
    for _ in range(_ITEMS):
        if not pending:
            return
        place, item = pending.pop()
        if id(item) in seen:
            continue
        seen.add(id(item))
        if issubclass(type(item), Tensor):  # a value may lie about its class, or refuse to tell it
            with torch._C.DisableTorchFunctionSubclass():  # a subclass is told of every attribute that is read
                leaf = item.is_leaf
            if not leaf:
                yield place, item
        else:
            pending.extend(reversed(_parts(place, item)))


def _parts(place: str, item: Any) -> list[tuple[str, Any]]:
    """What is in a built-in container, the first of it; through the built-in's own methods, which no subclass sees."""
    if issubclass(type(item), dict):
        pairs = zip(range(_ITEMS), dict.items(item), strict=False)
        return [(f"{place}[{_key(key)}]", part) for _, (key, part) in pairs]
    for builtin in (tuple, list):
        if issubclass(type(item), builtin):
            parts = zip(range(_ITEMS), builtin.__iter__(item), strict=False)
            return [(f"{place}[{index}]", part) for index, part in parts]
    return []


def _key(key: object) -> str:
    return repr(key) if type(key) in (str, int, bool, float) else type(key).__name__
