"""One module as it was: class, attributes and dicts by identity, what is in plain attributes by content.

Nothing here asks a module for an attribute: reading a parametrized weight computes it and may change buffers.
"""

from __future__ import annotations

import operator
from typing import Any

import torch
from torch import nn

from ...text import encodable
from ..source.running import in_mro
from ..torch_hooks.dicts import DICTS, MODULE_KINDS
from . import containers
from .containers import KeptContainer, identical
from .hook_dicts import restore_hooks

PARTS = ("_parameters", "_buffers", "_modules")
"""Attributes of a module that torch keeps its parts in."""

HELD = (*PARTS, *DICTS)
"""Attributes of a module that torch keeps its parts and hooks in."""


class KeptModule:
    """One module's class, attributes and dicts, by identity; plain containers, generators by content."""

    def __init__(self, name: str, module: nn.Module) -> None:
        self.name = name
        self.module = module
        self.cls = type(module)
        self.attributes = dict(vars(module))
        self.held = {key: dict(held) for key in HELD if isinstance(held := self.attributes.get(key), dict)}
        plain = [(key, value) for key, value in self.attributes.items() if key not in HELD]
        self.containers = [
            (key, KeptContainer(found))
            for key, value in plain
            if containers.is_plain(value)
            for found in containers.containers_in(value)
        ]
        self.generators = [(key, g, g.get_state()) for key, g in plain if type(g) is torch.Generator]
        self.iterators = [(key, it, operator.length_hint(it, -1)) for key, it in plain if _is_iterator(it)]

    def restore(self, gone: list[str]) -> list[str]:
        """Returns what was put back; what cannot be is added to `gone`."""
        changed: list[str] = []
        if type(self.module) is not self.cls:
            self.module.__class__ = self.cls
            changed.append("class")
        attributes = vars(self.module)
        if not identical(attributes, self.attributes):
            changed += _differences(attributes, self.attributes)
            _refill(attributes, self.attributes)
        for key in PARTS:
            if key in self.held:
                changed += _put_back(attributes[key], self.held[key])
        changed += [kind.attribute for kind in MODULE_KINDS if restore_hooks(kind, attributes, self.held)]
        changed += [key for key, container in self.containers if container.restore()]
        for key, generator, state in self.generators:
            if not torch.equal(generator.get_state(), state):
                generator.set_state(state)
                changed.append(key)
        gone += [f"{self.name}: {key} (an iterator that advanced)" for key, it, left in self.iterators
                 if operator.length_hint(it, -1) != left]  # fmt: skip
        return [f"{self.name}: {encodable(str(key), 80)}" for key in dict.fromkeys(map(_say, changed))]


def _is_iterator(value: object) -> bool:
    """Of Python's own ones, which say how much is left without running anybody's code."""
    cls = type(value)
    own = vars(type)["__module__"].__get__(cls) in ("builtins", "itertools")
    return own and in_mro(cls, "__next__")[1] is not None and in_mro(cls, "__length_hint__")[1] is not None


def _differences(now: dict[Any, Any], then: dict[Any, Any]) -> list[str]:
    missing = object()
    return [str(key) for key in {**then, **now} if now.get(key, missing) is not then.get(key, missing)]


def _refill(now: dict[Any, Any], then: dict[Any, Any]) -> None:
    now.clear()
    now.update(then)


def _put_back(now: dict[Any, Any], then: dict[Any, Any]) -> list[str]:
    """Make one of torch's own dicts what it was; the names of what had changed in it."""
    if identical(now, then):
        return []
    changed = _differences(now, then) or ["order"]
    _refill(now, then)
    return changed


def _say(key: object) -> str:
    return str(key).strip("_").replace("_", " ") if key in DICTS else str(key)
