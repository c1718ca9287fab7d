"""Which operation of the forward, and which call of a module, made each node of autograd's graph.

Nodes are numbered as they are made, on each thread. An operation makes those between the number before it and the one
after it; what is made outside of every operation (`torch.autograd.Function`) belongs to the call that runs.
"""

from __future__ import annotations

import threading
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple, cast

import torch
from torch.autograd.function import BackwardCFunction

from ..in_place import flat_tensors
from ..lines import CodePlace, find_function_call, find_place
from .module_calls import ROOT, ModuleCall
from .op_kinds import name_of

next_number: Callable[[], int] = torch.autograd._get_sequence_nr  # type: ignore[attr-defined]
"""Of the node that is made next on this thread."""
_MARK = "torch-inspector"
_FRAMES = 3  # from `find_place` over `see_op` and `__torch_function__` up to who called


class NodeOwner(NamedTuple):
    """`name` and `place` of an operation; "" and None where only the call is known."""

    name: str
    place: CodePlace | None
    call: ModuleCall
    step: int = 0
    in_loss: bool = False


class _Elsewhere(threading.local):
    """What ran on a thread that is not the model's: which call from which number on, and the functions of people's own
    by their numbers."""

    def __init__(self) -> None:
        self.calls: list[tuple[int, ModuleCall]] = []
        self.functions: dict[int, NodeOwner] = {}


class NodeOwners:
    """Told in the order in which things happen on the thread that runs the model. Others count from 0 as well: what
    operations make there is marked, and what else calls of modules made once they end."""

    def __init__(self) -> None:
        self._thread = threading.get_ident()
        self._elsewhere = _Elsewhere()
        self._ops: list[tuple[int, int, NodeOwner]] = []  # first number, the one behind the last
        self._calls: list[tuple[int, ModuleCall]] = []  # the call that runs from this number on
        self._has_marked = False

    @property
    def _end(self) -> int:
        """The number behind those whose operation is known."""
        return self._ops[-1][1] if self._ops else 0

    @property
    def is_here(self) -> bool:
        """Whether this is the thread."""
        return threading.get_ident() == self._thread

    def see_op(
        self, func: Callable[..., Any], output: object, first: int, call: ModuleCall, step: int, in_loss: bool
    ) -> None:
        """An operation ran. `first` is the number of the first node that it made, if it made any."""
        end = next_number()
        if end > first:
            owner = NodeOwner(name_of(func), find_place(_FRAMES), call, step, in_loss)
            if self.is_here:
                self._ops.append((first, end, owner))
            else:
                self._mark(output, first, end, owner)
        elif (not self.is_here or first > self._end) and not torch.is_grad_enabled():
            place = find_function_call(_FRAMES)
            owner = NodeOwner("", place, call, step, in_loss)
            if place is not None and self.is_here:
                self._ops.append((first - 1, first, owner))
            elif place is not None:
                self._elsewhere.functions.setdefault(first - 1, owner)

    def take_call(self, call: ModuleCall) -> None:
        """It runs from now on."""
        (self._calls if self.is_here else self._elsewhere.calls).append((next_number(), call))

    def leave_call(self, given: object, output: object) -> None:
        """A call of a module ends that was `given` this. On another thread what functions made in it is marked: from
        the output back to what that thread did not make."""
        if self.is_here:
            return
        with torch._C.DisableTorchFunction():
            seen = {tensor.grad_fn for tensor in flat_tensors(given)}
            pending: list[Any] = [tensor.grad_fn for tensor in flat_tensors(output)]
            while pending:
                node = pending.pop()
                if node is None or node in seen:
                    continue
                seen.add(node)
                if _MARK not in node.metadata and isinstance(node, BackwardCFunction):
                    self._has_marked = True
                    node.metadata[_MARK] = self._find_elsewhere(node._sequence_nr())
                if _MARK in node.metadata:
                    pending += [each for each, _ in node.next_functions]

    def _find_elsewhere(self, number: int) -> NodeOwner:
        known = self._elsewhere.functions.get(number)
        return known if known is not None else _find_call(self._elsewhere.calls, number)

    def calls_from(self, number: int) -> list[ModuleCall]:
        """Those that ran when the node of this number was made, and later."""
        at = bisect_left(self._calls, number, key=lambda call: call[0])
        return [call for _, call in self._calls[at:]]

    def _mark(self, output: object, first: int, end: int, owner: NodeOwner) -> None:
        self._has_marked = True
        with torch._C.DisableTorchFunction():
            pending: list[Any] = [tensor.grad_fn for tensor in flat_tensors(output)]
            while pending:
                node = pending.pop()
                if node is not None and first <= node._sequence_nr() < end and _MARK not in node.metadata:
                    node.metadata[_MARK] = owner
                    pending += [each for each, _ in node.next_functions]

    def find(self, node: Any) -> NodeOwner:
        """Whose node this is."""
        if self._has_marked and _MARK in node.metadata:
            return cast(NodeOwner, node.metadata[_MARK])
        number = node._sequence_nr()
        at = bisect_right(self._ops, number, key=lambda op: op[0]) - 1
        if at >= 0 and number < self._ops[at][1]:
            return self._ops[at][2]
        return _find_call(self._calls, number)


def _find_call(calls: Sequence[tuple[int, ModuleCall]], number: int) -> NodeOwner:
    at = bisect_right(calls, number, key=lambda call: call[0]) - 1
    return NodeOwner("", None, calls[at][1] if at >= 0 else ROOT)
