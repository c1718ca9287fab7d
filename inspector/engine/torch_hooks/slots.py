"""Where hooks are: every dict of hooks of a module, of the tensors it holds, and of the process, as one thing."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator, MutableMapping, Set
from typing import Any, NamedTuple

from torch import Tensor, nn
from torch.utils.hooks import RemovableHandle

from ...text import encodable
from ..modules.tree import ModuleTree, own_tensors
from .dicts import MODULE_KINDS, PROCESS, TENSOR_KINDS, HookKind, Owner, held_dict, hook_dict, kind_name

_NO_TENSORS = frozenset(map(id, (bool, int, float, str, type(None), dict, OrderedDict, set, list, tuple)))
"""The most of what a module holds, known at a glance: whether a class is one of tensors takes ten times as long."""

SlotKey = tuple[int, str]
"""What tells one slot from another as long as its owner lives."""


class HookSlot(NamedTuple):
    """One dict of hooks: whose it is and what kind of hooks it holds. `of` names a tensor within its module."""

    owner: Owner
    kind: HookKind
    hooks: MutableMapping[int, Any]
    of: str = ""

    @property
    def key(self) -> SlotKey:
        return id(self.owner), self.kind.name

    @property
    def name(self) -> str:
        """The kind of its hooks, as a row has it."""
        return kind_name(self.owner, self.kind)

    def flag_dicts(self) -> Iterator[tuple[str, MutableMapping[int, Any]]]:
        """(flag, the dict with the ids that have it)."""
        return ((flag, hook_dict(self.owner, attribute)) for flag, attribute in self.kind.flags)


def of_module(module: nn.Module, kinds: tuple[HookKind, ...] = MODULE_KINDS) -> Iterator[HookSlot]:
    """The module's own."""
    attributes = vars(module)
    for kind in kinds:
        hooks = attributes.get(kind.attribute)
        if hooks is not None:
            yield HookSlot(module, kind, hooks)


def of_tensors(module: nn.Module) -> Iterator[HookSlot]:
    """Those of the tensors a module holds. A tensor has a dict from its first hook on."""
    for name, tensor in tensors_held(module):
        for kind in TENSOR_KINDS:
            hooks = held_dict(tensor, kind.attribute)
            if hooks is not None:
                yield HookSlot(tensor, kind, hooks, name)


def with_hooks(
    module: nn.Module, kinds: tuple[HookKind, ...] = MODULE_KINDS, besides: Set[int] = frozenset()
) -> Iterator[HookSlot]:
    """Of the module's own and of those of its tensors the ones that hold any hook, of which those with the ids in
    `besides` do not count."""
    attributes = vars(module)
    for kind in kinds:
        hooks = attributes.get(kind.attribute)
        if hooks and not hooks.keys() <= besides:
            yield HookSlot(module, kind, hooks)
    for name, tensor in tensors_held(module):
        for kind in TENSOR_KINDS:
            hooks = held_dict(tensor, kind.attribute)
            if hooks and not hooks.keys() <= besides:
                yield HookSlot(tensor, kind, hooks, name)


def of_process() -> Iterator[HookSlot]:
    """Those that fire for every module and every optimizer."""
    for owner, kinds in PROCESS:
        for kind in kinds:
            hooks = held_dict(owner, kind.attribute)
            if hooks is not None:
                yield HookSlot(owner, kind, hooks)


def tensors_held(module: nn.Module) -> Iterator[tuple[str, Tensor]]:
    """Parameters, buffers and tensors in plain attributes, without asking the module for any of them."""
    held = vars(module)
    for which in ("_parameters", "_buffers"):
        if type(held.get(which)) is not dict or held[which]:  # most are empty; scripted modules have others
            yield from own_tensors(module, which)
    if _NO_TENSORS.issuperset(map(id, map(type, held.values()))):
        return
    for key, value in list(held.items()):
        if issubclass(type(value), Tensor):
            yield encodable(key, 200), value


def later_places(tree: ModuleTree) -> dict[tuple[int, str], Tensor]:
    """(id of the module, name) of every place that holds a tensor which an earlier module holds too."""
    first: set[int] = set()
    later: dict[tuple[int, str], Tensor] = {}
    for node in tree.objects():
        for name, tensor in tensors_held(node.module):
            if id(tensor) in first:
                later[id(node.module), name] = tensor
            first.add(id(tensor))
    return later


def reserve_ids(tree: ModuleTree) -> None:
    """Keep torch from giving out an id that a hook of this model has.

    A model that was pickled with its hooks brings their ids along, but torch counts on from 0: the next hook registered
    would silently take the place of one with the same id.
    """
    slots = (slot for node in tree.objects() for slot in with_hooks(node.module))
    taken = max((hook_id for slot in slots for hook_id in slot.hooks if isinstance(hook_id, int)), default=-1)
    RemovableHandle.next_id = max(RemovableHandle.next_id, taken + 1)
