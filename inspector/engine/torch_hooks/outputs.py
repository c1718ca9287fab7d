"""Hooks on the tensors that modules returned, as far as torch lets one see them.

Those registered in Python are in a dict that hangs on the tensor. It is there from the first hook on, so where a hook
of ours is registered first, what anybody adds later is found in the same dict. Hooks on a `grad_fn`, and those that C++
code registered, are in the graph alone, which does not list them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, MutableMapping
from typing import Any, cast

from torch import Tensor

from ...records import HookRow, Path
from .dicts import hook_dict
from .ours import OurHook, find_ours
from .rows import row_of

OUTPUT_KIND = "output tensor"
LOCKED = "lives on a tensor of that pass; it goes with it"


class Watch(OurHook):
    """A hook of ours on a tensor, with which it goes: `fired` counts its gradients."""

    def __init__(self, see: Callable[[Tensor], Tensor | None]) -> None:
        super().__init__()
        self._see = see
        self.fired = 0

    def __call__(self, gradient: Tensor) -> Tensor | None:
        self.fired += 1
        return self._see(gradient)


class OutputHooks:
    """Other people's hooks on the outputs of one pass."""

    def __init__(self) -> None:
        self._known: dict[int, tuple[int, str, Watch, MutableMapping[int, Any]]] = {}  # id of the dict -> what it is of

    def watch(self, index: int, place: str, tensor: Tensor, see: Callable[[Tensor], None]) -> None:
        """Let `see` have the gradient of a tensor that node `index` returned, and remember where its hooks are."""
        watch = Watch(see)
        cast(Any, tensor).register_hook(watch)
        hooks = hook_dict(tensor, "_backward_hooks")
        self._known.setdefault(id(hooks), (index, place, watch, hooks))  # a container returns its last child's tensor

    def rows(self, index: int, path: Path) -> Iterator[HookRow]:
        """Of the outputs of one node."""
        for place, watch, hook_id, hook in self._of(index):
            yield row_of(hook, hook_id, OUTPUT_KIND, path=path, of=place, locked=LOCKED, fired=watch.fired)

    def hook(self, index: int, hook_id: int) -> Any:
        """The hook itself, None where there is none."""
        return next((hook for _, _, other, hook in self._of(index) if other == hook_id), None)

    def _of(self, index: int) -> Iterator[tuple[str, Watch, int, Any]]:
        for owner, place, watch, hooks in self._known.values():
            if owner == index:
                found = [(hook_id, hook) for hook_id, hook in hooks.items() if find_ours(hook) is None]
                yield from ((place, watch, *each) for each in found)
