"""Nested containers rebuilt around their tensors, without recursion: other people's values may be deep or cyclic."""

from __future__ import annotations

import copy
import dataclasses
from collections.abc import Callable
from typing import Any

import torch

OnTensor = Callable[[torch.Tensor], torch.Tensor]


def map_tensors(value: Any, function: OnTensor) -> Any:
    """`value` with `function` applied to every tensor in it, each tensor once.

    Lists, tuples, dicts, their subclasses and dataclasses are rebuilt; every other object is passed on as it is, and
    so is a container that refuses to be rebuilt. A value that contains itself keeps the inner reference.
    """
    done: dict[int, Any] = {}
    entered: set[int] = set()
    pending = [value]
    while pending:
        node = pending[-1]
        if id(node) in done:
            pending.pop()
            continue
        if id(node) not in entered:
            entered.add(id(node))
            pending += [part for part in _parts(node) if id(part) not in done and id(part) not in entered]
            continue
        done[id(node)] = _rebuilt(node, done, function)
        pending.pop()
    return done[id(value)]


def own_copy(tensor: torch.Tensor) -> torch.Tensor:
    """`tensor` in memory of its own, off the graph. Dimensions that repeat one element are not multiplied out."""
    detached = tensor.detach()
    if detached.layout == torch.strided and not detached.is_nested and 0 in detached.stride():
        once = tuple(slice(0, 1) if step == 0 else slice(None) for step in detached.stride())
        copied = detached[once].clone().expand(detached.shape)
    else:
        copied = detached.clone()
    return copied.requires_grad_(tensor.requires_grad)


def _parts(node: Any) -> list[Any]:
    """What `node` directly holds. Only objects that it really stores: `id` must stay theirs."""
    if isinstance(node, dict):
        return list(dict.values(node))
    if isinstance(node, list):
        return list(list.__iter__(node))
    if isinstance(node, tuple):
        return list(tuple.__iter__(node))
    if _is_plain_dataclass(node):
        return list(vars(node).values())
    return []


def _is_plain_dataclass(node: Any) -> bool:
    return dataclasses.is_dataclass(node) and not isinstance(node, type) and hasattr(node, "__dict__")


def _rebuilt(node: Any, done: dict[int, Any], function: OnTensor) -> Any:
    def new(part: Any) -> Any:
        return done.get(id(part), part)

    try:
        if isinstance(node, torch.Tensor):
            return function(node)
        if isinstance(node, tuple):
            return _rebuilt_tuple(node, [new(part) for part in node])
        if isinstance(node, dict):
            return _rebuilt_dict(node, {key: new(part) for key, part in dict.items(node)})
        if isinstance(node, list):
            copied = copy.copy(node)
            copied[:] = [new(part) for part in node]
            return copied
        if _is_plain_dataclass(node):
            return _rebuilt_dataclass(node, {key: new(part) for key, part in vars(node).items()})
    except Exception:  # odd tensors and containers of other people: the value itself is the best there is
        return node
    return node


def _rebuilt_tuple(node: tuple[Any, ...], parts: list[Any]) -> tuple[Any, ...]:
    if all(before is after for before, after in zip(node, parts, strict=True)):
        return node
    if hasattr(type(node), "_make"):
        return type(node)._make(parts)  # type: ignore[attr-defined,no-any-return]  # a namedtuple, just asked
    return type(node)(parts)


def _rebuilt_dict(node: dict[Any, Any], parts: dict[Any, Any]) -> dict[Any, Any]:
    if type(node) is dict:
        return parts
    copied = copy.copy(node)
    for key, part in parts.items():
        copied[key] = part
    return copied


def _rebuilt_dataclass(node: Any, parts: dict[str, Any]) -> Any:
    if all(part is vars(node)[key] for key, part in parts.items()):
        return node
    copied = copy.copy(node)
    vars(copied).update(parts)  # past a frozen dataclass's __setattr__ on purpose: the copy is ours
    return copied
