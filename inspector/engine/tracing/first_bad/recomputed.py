"""What a Python function in the graph of autograd computes again, with a backward pass of its own, as a reentrant
checkpoint does: a graph that nobody sees before, and nobody after."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import torch
from torch.overrides import TorchFunctionMode

from ..in_place import flat_tensors
from .module_calls import Following, ModuleCall, ModuleCalls, TurnTo
from .node_owners import NodeOwner, NodeOwners, next_number

Follow = Callable[[ModuleCalls, TurnTo], Following]
"""Gives what keeps these calls up to date."""


class Recomputation(TorchFunctionMode):
    """Shows each node from `begin` to `end`, on the thread of both, before the backward pass comes to it.

    Args:
        number: Of the outer node.
        owner: Of that.
        calls: Of modules in the forward from that node on: they are made again, in this order.
        show: Is given nodes that are new.
        follow: Follows the calls of modules.
    """

    def __init__(
        self,
        number: int,
        owner: NodeOwner,
        calls: Iterable[ModuleCall],
        show: Callable[[list[Any], Recomputation], None],
        follow: Follow,
    ) -> None:
        super().__init__()
        self.number = number
        self.owners = NodeOwners()
        self.numbers: dict[Any, int] = {}  # of the nodes that are known
        self._owner = owner
        self._show = show
        self._first = next_number()
        self._calls = ModuleCalls()
        self._following = follow(self._calls, self._turn_to)
        self._made: defaultdict[int, list[ModuleCall]] = defaultdict(list)
        for call in dict.fromkeys(calls):
            self._made[call.module].append(call)
        self._is_over = False

    def begin(self) -> None:
        """The outer node runs now."""
        self.owners.take_call(self._owner.call)
        self._following.__enter__()
        self.__enter__()  # type: ignore[no-untyped-call]

    def end(self) -> None:
        """It ended. On another thread than that of `begin`, which an error ended, it stays there and does nothing."""
        self._is_over = True
        self.numbers.clear()
        self._following.__exit__(None, None, None)
        if self.owners.is_here:
            self.__exit__(None, None, None)  # type: ignore[no-untyped-call]

    def __torch_function__(
        self, func: Callable[..., Any], types: Iterable[type], args: tuple[Any, ...] = (), kwargs: Any = None
    ) -> Any:
        first = next_number()
        output = func(*args, **(kwargs or {}))
        if not self._is_over:
            with torch._C.DisableTorchFunction():
                call = self._find_made(self._calls.innermost)
                self.owners.see_op(func, output, first, call, self._owner.step, self._owner.in_loss)
                for tensor in flat_tensors((args, output)):
                    if tensor.grad_fn is not None and tensor.grad_fn not in self.numbers:
                        self._show([*self._walk(tensor.grad_fn)], self)
        return output

    def _turn_to(self, call: ModuleCall) -> None:
        self.owners.take_call(self._find_made(call))

    def _find_made(self, call: ModuleCall) -> ModuleCall:
        """Which call of the forward is made again."""
        if not self._calls.stack:
            return self._owner.call
        made = self._made[call.module]
        return made[call.call] if call.call < len(made) else call

    def _walk(self, root: Any) -> Iterator[Any]:
        """New nodes from `root` on; not those of the graph outside."""
        pending, seen = [root], set[Any]()
        while pending:
            node = pending.pop()
            is_outside = node.next_functions and node._sequence_nr() < self._first
            if node not in self.numbers and node not in seen and not is_outside:
                seen.add(node)
                yield node
                pending += [each for each, _ in node.next_functions if each is not None]
