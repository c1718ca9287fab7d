"""Hooks of ours on every module, for as long as a pass may stand still at one."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any, Protocol

from torch import nn

from ...raised import say
from ..modules.tree import ModuleTree
from ..recording.observers import Observers
from ..torch_hooks.eager import is_traced, untraced
from ..torch_hooks.ours import OurHandle, OurHook, register


class Heard(Protocol):
    """Is told of every call, on the thread that makes it; what it gives takes the place of the value."""

    def before(self, module: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any: ...
    def after(self, module: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any], output: Any) -> Any: ...


class _Before(OurHook):
    def __init__(self, heard: Heard) -> None:
        super().__init__()
        self._heard = heard

    @untraced
    def __call__(self, module: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any] | None = None) -> Any:
        # None: torch knows that this hook was just removed
        return None if kwargs is None or is_traced() else self._heard.before(module, args, kwargs)


class _After(OurHook):
    def __init__(self, heard: Heard) -> None:
        super().__init__()
        self._heard = heard

    @untraced
    def __call__(self, module: nn.Module, args: tuple[Any, ...], *kwargs_and_output: Any) -> Any:
        if len(kwargs_and_output) != 2 or is_traced():  # as above
            return None
        return self._heard.after(module, args, *kwargs_and_output)


@contextlib.contextmanager
def listening_everywhere(tree: ModuleTree, observers: Observers, heard: Heard) -> Iterator[dict[int, str]]:
    """Behind everybody's hooks and before the observing ones, which so see what takes the place of a value. Gives why
    modules that refuse hooks, by their nodes, are not heard of."""
    refused: dict[int, str] = {}
    handles: list[OurHandle] = []
    before, after = _Before(heard), _After(heard)
    try:
        for node in tree.objects():
            try:
                handles.append(register(node.module.register_forward_pre_hook, before, with_kwargs=True))
                put = node.module.register_forward_hook
                handles.append(register(put, after, with_kwargs=True, always_call=True))
            except Exception as error:  # scripted modules refuse, and so may any override of register_*
                refused[node.index] = say(error)
            observers.stay_last(node)
        yield refused
    finally:
        for handle in handles:
            handle.remove()
