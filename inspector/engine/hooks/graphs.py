"""Which graphs of autograd still need a parameter as it is: written to now, their backward pass would raise.

A graph is looked at when the call that made it returns. From then on it is not kept alive from here: what was noted is
over when its node ran backward, or is gone.
"""

from __future__ import annotations

import weakref
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import torch
from torch import Tensor
from torch.autograd.graph import disable_saved_tensors_hooks

from ...raised import kind_of
from ..values.nested import tensors_in

MAX_NODES = 10_000
"""Of one call's graph that are looked at; a larger one is taken to need every parameter."""

backward_task: Callable[[], int] = torch._C._current_graph_task_id
"""What the autograd engine is at on this thread: -1 where it is not."""


def is_stop(error: BaseException) -> bool:
    """Whether checkpointing raised it, to leave a call that it makes again as soon as it has what it needs."""
    return kind_of(error) == "_StopRecomputationError"


def in_backward() -> bool:
    """Whether the autograd engine is at work on this thread: a module called now is called a second time."""
    return backward_task() != -1


def _packs() -> bool:
    """Whether somebody packs what graphs save just now: torch does not let packing be switched off meanwhile."""
    try:
        with disable_saved_tensors_hooks("looking whether tensors are packed"):
            return False
    except RuntimeError:
        return True


class Graphs:
    """The graphs of the calls that were noted."""

    def __init__(self) -> None:
        self._needs: dict[int, list[weakref.ref[_Need]]] = {}  # by the storage of the parameter

    def note(self, output: Any, given: Any, parameters: Sequence[Tensor]) -> None:
        """A call that was given `given` returned `output`: remember which of these parameters its graph saved."""
        places = {_place(tensor) for tensor in parameters} - {0}
        begins = {tensor.grad_fn for tensor in tensors_in(given)}
        ends = [tensor.grad_fn for tensor in tensors_in(output) if tensor.grad_fn is not None]
        nodes = list(_nodes_between(ends, begins))
        if len(nodes) >= MAX_NODES or _packs():  # to look behind a packed tensor would run its hook
            found = [(node, place) for node in ends for place in places]
        else:
            found = [(node, place) for node in nodes for place in places & set(map(_place, _saved_by(node)))]
        for node, place in found:
            self._expect(node, place)

    def _expect(self, node: Any, place: int) -> None:
        need = _Need()
        node.register_hook(need.end)  # which keeps it for as long as the node is there
        alive = [ref for ref in self._needs.get(place, ()) if _waits(ref)]
        self._needs[place] = [*alive, weakref.ref(need)]

    def need(self, parameter: Tensor) -> bool:
        """Whether a graph whose backward pass did not run yet saved this parameter."""
        return any(map(_waits, self._needs.get(_place(parameter), ())))

    def forget(self) -> None:
        """Nobody runs backward through any of them any more."""
        self._needs.clear()


class _Need:
    """One node that saved a parameter. `over` when it ran backward."""

    over = False

    def end(self, *gradients: object) -> None:
        self.over = True


def _waits(ref: weakref.ref[_Need]) -> bool:
    need = ref()
    return need is not None and not need.over


def _nodes_between(ends: Sequence[Any], begins: set[Any]) -> Iterator[Any]:
    """The graph behind `ends`, down to the nodes `begins`, where a module's input came from."""
    seen, pending = set(begins), list(ends)
    count = 0
    while pending and count < MAX_NODES:
        node = pending.pop()
        if node is None or node in seen:
            continue
        seen.add(node)
        count += 1
        yield node
        pending += [following for following, _ in node.next_functions]


def _saved_by(node: Any) -> Iterator[Tensor]:
    """The tensors that a node needs when it runs backward."""
    for name in dir(node):
        if name.startswith("_saved_"):
            yield from tensors_in(_saved(node, name))
    yield from tensors_in(_saved(node, "saved_tensors"))


def _saved(node: Any, name: str) -> Any:
    try:
        return getattr(node, name, None)
    except RuntimeError:  # written to meanwhile, or let go of: this node cannot run backward anyhow
        return None


def _place(tensor: Tensor) -> int:
    """Where its elements are, which views of it share; 0 where that cannot be said."""
    try:
        return tensor.untyped_storage().data_ptr()
    except (RuntimeError, NotImplementedError):  # sparse, meta and wrapped tensors have none
        return 0
