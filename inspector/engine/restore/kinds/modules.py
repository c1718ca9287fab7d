"""A module: class, attributes and dicts by identity.

Nothing here asks a module for an attribute: reading a parametrized weight computes it and may change buffers.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator
from functools import lru_cache
from itertools import chain, islice
from typing import Any

import torch
from torch import nn

from ...torch_hooks.dicts import BACKWARD_FLAG, DICTS, MODULE_KINDS
from ..hook_dicts import leave_hooks, restore_hooks
from ..place import Place
from ..theirs import Theirs
from .atoms import ATOMS
from .dicts import copy_dict, differences, identical, put_back
from .kind import Budget, Change, Kept, Parts
from .layout import layout_of

PARTS = ("_parameters", "_buffers", "_modules")
"""Attributes of a module that torch keeps its parts in."""

HELD = (*PARTS, *DICTS)
"""Those, and the dicts of its hooks."""

Hooks = tuple[tuple[tuple[str, int], ...], tuple[Any, ...]]
"""What is in the dicts of a module's hooks: how many there are in which of them, and ids and hooks in turn."""

NOT_SAVED = "_non_persistent_buffers_set"
"""Attribute of a module: the names of buffers that a state dict is without."""

_HELD = frozenset((*HELD, NOT_SAVED))

_TORCHS = (OrderedDict, dict, set)
"""What it keeps under such names, of no subclass: the most, and quicker to know."""

_NONE: dict[str, Any] = {}

_ALL_SAVED: frozenset[str] = frozenset()

_NO_HOOKS: Hooks = (), ()

_LEFT = "another thread changes it too: left as it is"


class KeptModule(Kept):
    """Registered or not, it is kept in full: what is in its tensors is for the `TensorBackup`. Most of its dicts are
    empty or have one hook, and there are 100,000 modules: of those there is no dict."""

    __slots__ = ("attributes", "cls", "filled", "held", "hooks", "not_saved")

    def __init__(self, owner: nn.Module, budget: Budget) -> None:
        super().__init__(owner, budget)
        self.cls = type(owner)
        self.attributes = attributes = read_dict(owner).copy()
        self.filled = layout_of(self.cls).read_slots(owner)
        self.held = {key: copy_dict(held) for key in PARTS if (held := attributes.get(key)) and _is_dict(held)} or _NONE
        self.hooks = _copy_hooks(attributes)
        self.not_saved = frozenset(names) if (names := _not_saved(attributes)) else _ALL_SAVED

    @classmethod
    def claims(cls, kind: type) -> bool:
        return issubclass(kind, nn.Module)

    def place_of(self, owner: Any) -> Place:
        """Of one of its parts."""
        return Place(self.place, next((piece for piece, value in self.parts() if value is owner), ""))

    def parts(self) -> Parts:
        """Hooks are not looked into: what somebody's hook collects outside of the model, it is meant to."""
        for key in PARTS:
            yield from self.held.get(key, _NONE).items()
        for key, value in self.attributes.items():
            if id(type(value)) not in ATOMS and not (key in _HELD and _is_torchs(value)):
                yield key, value
        yield from self.filled.items()

    def leave_to(self, theirs: Theirs) -> Iterator[Change]:
        attributes = read_dict(self.owner)
        for key in PARTS if theirs.parts else ():
            yield from self._leave_parts(key, attributes.get(key), theirs)
        for key in DICTS if theirs.put_on or theirs.taken_off else ():
            yield from self._leave_hooks(key, attributes.get(key), theirs)
        if theirs.at_the_model:
            for name in differences(attributes, self.attributes):
                yield Change(str(name), _LEFT)
            self.attributes = attributes.copy()

    def _leave_parts(self, key: str, now: Any, theirs: Theirs) -> Iterator[Change]:
        then = self.held.get(key, _NONE)
        for name, part in list(now.items()) if _is_dict(now) else ():
            if (id(self.owner), name) in theirs.parts and then.get(name) is not part:
                then = {**then, name: part}
                self.held = {**self.held, key: then}
                yield Change(name, _LEFT)

    def _leave_hooks(self, key: str, now: Any, theirs: Theirs) -> Iterator[Change]:
        kept = self._read_hooks()
        then = kept.get(key, {})
        if (now or then) and _is_dict(now):
            left = leave_hooks(now, then, theirs.put_on, theirs.taken_off)
            if left.keys() != then.keys():
                self.hooks = _copy_hooks({**kept, key: left})
                self.attributes[BACKWARD_FLAG] = read_dict(self.owner).get(BACKWARD_FLAG)
                yield Change(key.strip("_").replace("_", " "), _LEFT)

    def is_same(self) -> bool:
        """Whether nothing changed since."""
        now = read_dict(self.owner)
        then = {**self.held, **self._read_hooks()}
        held = [(now.get(key), then.get(key, _NONE)) for key in HELD]
        return (
            type(self.owner) is self.cls
            and identical(layout_of(self.cls).read_slots(self.owner), self.filled)
            and identical(now, self.attributes)
            and all(identical(each, was) for each, was in held if _is_dict(each))
            and _not_saved(now) == self.not_saved
        )

    def restore(self) -> Iterator[Change]:
        if type(self.owner) is not self.cls:
            object.__setattr__(self.owner, "__class__", self.cls)
            yield Change("class")
        yield from map(Change, layout_of(self.cls).restore_slots(self.owner, self.filled))
        attributes = read_dict(self.owner)
        if not identical(attributes, self.attributes):
            yield from map(Change, put_back(attributes, {**self.attributes, **_methods_looked_up(attributes)}))
        for key in PARTS:
            held = attributes.get(key)
            if (held or key in self.held) and _is_dict(held):
                yield from map(Change, put_back(held, self.held.get(key, _NONE)))
        kept = self._read_hooks()
        for kind in MODULE_KINDS if kept or any(map(attributes.get, DICTS)) else ():
            if restore_hooks(kind, attributes, kept):
                yield Change(kind.attribute.strip("_").replace("_", " "))
        if _not_saved(attributes) != self.not_saved:
            attributes[NOT_SAVED].clear()
            attributes[NOT_SAVED].update(self.not_saved)
            yield Change("which buffers are saved")

    def _read_hooks(self) -> dict[str, dict[int, Any]]:
        """By their attributes, those that hold any."""
        counts, entries = self.hooks
        pairs = zip(entries[::2], entries[1::2], strict=True)
        return {name: dict(islice(pairs, count)) for name, count in counts}


def read_dict(owner: nn.Module) -> dict[str, Any]:
    """Its very own, whatever its class shows."""
    found = layout_of(type(owner)).read_dict(owner)
    assert found is not None  # every module has one
    return found


def _copy_hooks(attributes: dict[str, Any]) -> Hooks:
    filled = [(key, copy_dict(held)) for key in DICTS if (held := attributes.get(key)) and _is_dict(held)]
    if not filled:
        return _NO_HOOKS
    counts = tuple((key, len(held)) for key, held in filled)
    return _once(counts), tuple(chain.from_iterable(chain.from_iterable(held.items() for _, held in filled)))


@lru_cache(1_000)
def _once(counts: tuple[tuple[str, int], ...]) -> tuple[tuple[str, int], ...]:
    """The same for all that are equal: most modules have as many hooks of the same kinds."""
    return counts


def _methods_looked_up(attributes: dict[str, Any]) -> dict[str, Any]:
    """A scripted module keeps its compiled methods among its attributes, each from when it is called first."""
    return {key: value for key, value in attributes.items() if type(value) is torch.ScriptMethod}


def _is_dict(value: object) -> bool:
    return issubclass(type(value), dict)


def _is_torchs(value: object) -> bool:
    """Whether it is what torch keeps under such a name. Somebody's own dict may have attributes, and scripted modules
    have views of their own."""
    return type(value) in _TORCHS


def _not_saved(attributes: dict[str, Any]) -> Any:
    found = attributes.get(NOT_SAVED, ())
    return found if type(found) is set else ()
