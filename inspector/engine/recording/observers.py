"""The observe hook: a forward pre-hook and a forward hook on a module that tell the running recorder what they see.

They return None always, so they alter nothing. Without a recorder they do nothing at all.
"""

from __future__ import annotations

import contextlib
from array import array
from collections.abc import Iterator

import torch
from torch import nn

from ...raised import kind_of, message_of
from ...text import encodable
from ..hooks.turns import ObserveFilter
from ..modules.tree import ModuleTree, Node
from ..source.running import type_name
from ..torch_hooks.blocks import Block
from ..torch_hooks.dicts import hook_dict
from ..torch_hooks.eager import pause_tracing, untraced
from ..torch_hooks.ours import LOCK, SharedHook
from ..values.collector import without_collector
from .recorder import Recorder

_tracing_state = torch._C._get_tracing_state
_OFF = -1
"""For the id of a hook that is on no module."""


class Observers:
    """Our observe hooks on one model. `recorder` is whoever listens during a pass, or while `block` is open."""

    def __init__(self, tree: ModuleTree, block: Block | None = None) -> None:
        self.tree = tree
        self.block = block
        self.recorder: Recorder | None = None
        self.refused: dict[int, str] = {}  # node -> why it cannot be hooked
        self.filters: dict[int, ObserveFilter] = {}  # node -> what is looked at there; at others everything
        self._entering = _Entering(self)
        self._leaving = _Leaving(self)
        self._ids = {hook: array("q", [_OFF]) * len(tree.nodes) for hook in (self._entering, self._leaving)}  # by node
        self._count = 0

    def add(self, node: Node, observe_filter: ObserveFilter | None = None) -> None:
        """Observe this module from its next call on, whole or the part that is chosen. Where torch refuses, `refused`
        says why."""
        self.filters.pop(node.index, None)
        if observe_filter is not None:
            self.filters[node.index] = observe_filter
        if self.on(node) or node.index in self.refused:
            return
        if issubclass(type(node.module), torch.jit.ScriptModule) and type_name(type(node.module)) == "TracedModule":
            self.refused[node.index] = "traced: runs inside its root's compiled code, where no hook fires"
            return
        try:
            pre = self._entering.put_on(node.module, node.module.register_forward_pre_hook, with_kwargs=True)
        except Exception as error:  # ScriptModules refuse, and so may any override of register_*
            self.refused[node.index] = encodable(message_of(error) or kind_of(error), 200)
            return
        try:
            put = node.module.register_forward_hook
            post = self._leaving.put_on(node.module, put, with_kwargs=True, always_call=True)
        except Exception as error:  # as above
            self._entering.take_off(pre)
            self.refused[node.index] = encodable(message_of(error) or kind_of(error), 200)
            return
        self._ids[self._entering][node.index], self._ids[self._leaving][node.index] = pre, post
        self._count += 1

    def add_all(self) -> None:
        """Observe every module that can be."""
        with without_collector():
            for node in self.tree.objects():
                self.add(node)

    def stay_last(self, node: Node) -> None:
        """Behind whatever was registered since, so that what is seen is what the network sees."""
        for hook, ids in self._ids.items():
            hooks, hook_id = hook_dict(node.module, hook.DICTS[0]), ids[node.index]
            with LOCK:
                if hook_id in hooks:
                    hooks[hook_id] = hooks.pop(hook_id)

    def remove(self, index: int) -> None:
        if self._is_on(index):
            self._count -= 1
            for hook, ids in self._ids.items():
                hook.take_off(ids[index])
                ids[index] = _OFF
        self.filters.pop(index, None)

    def remove_all(self) -> None:
        for index in range(len(self.tree.nodes)):
            self.remove(index)

    @contextlib.contextmanager
    def away(self) -> Iterator[None]:
        """Without our hooks for a while; they come back under their ids, as the last ones."""
        taken = []
        for node in filter(self.on, self.tree.nodes):
            for hook, ids in self._ids.items():
                hooks, hook_id = hook_dict(node.module, hook.DICTS[0]), ids[node.index]
                if hook_id in hooks:
                    taken.append((hooks, hook_id, hooks.pop(hook_id)))
        try:
            yield
        finally:
            for hooks, hook_id, entry in taken:
                hooks[hook_id] = entry

    def on(self, node: Node) -> bool:
        return self._is_on(node.index)

    def _is_on(self, index: int) -> bool:
        return self._ids[self._leaving][index] != _OFF

    def count(self) -> int:
        return self._count

    def ours(self, module: nn.Module) -> dict[int, str]:
        """The ids of our handles on `module`, and what they are."""
        index = self.tree.index_of_object.get(id(module), -1)
        observe_filter = self.filters.get(index)
        if index < 0 or not self._is_on(index):
            return {}
        words = str(observe_filter.hook) if observe_filter else "observe"
        return {ids[index]: words for ids in self._ids.values()}

    def ids(self) -> set[int]:
        """The ids of all our handles."""
        return set(self._entering.ids | self._leaving.ids)

    def listener(self) -> Recorder | None:
        """Whoever is to be told of what happens here and now."""
        return self.recorder if self.block is None or self.block.sees() else None


class _Entering(SharedHook):
    """Before a call."""

    DICTS = ("_forward_pre_hooks", "_forward_pre_hooks_with_kwargs")

    def __init__(self, observers: Observers) -> None:
        super().__init__()
        self._observers = observers

    @untraced
    def __call__(self, module: nn.Module, args: tuple[object, ...], kwargs: dict[str, object] | None = None) -> None:
        observers = self._observers
        recorder = observers.recorder if observers.block is None else observers.listener()
        if recorder is None or kwargs is None:  # None: torch knows that this hook was just removed
            return
        if _tracing_state() is None:
            recorder.enter(module, args, kwargs)
            return
        with pause_tracing():
            recorder.enter(module, args, kwargs)


class _Leaving(SharedHook):
    """After a call."""

    DICTS = ("_forward_hooks", "_forward_hooks_with_kwargs", "_forward_hooks_always_called")

    def __init__(self, observers: Observers) -> None:
        super().__init__()
        self._observers = observers

    @untraced
    def __call__(self, module: nn.Module, args: tuple[object, ...], *kwargs_and_output: object) -> None:
        observers = self._observers
        recorder = observers.recorder if observers.block is None else observers.listener()
        if recorder is None or len(kwargs_and_output) != 2:  # as above
            return
        if _tracing_state() is None:
            recorder.leave(module, kwargs_and_output[1])
            return
        with pause_tracing():
            recorder.leave(module, kwargs_and_output[1])
