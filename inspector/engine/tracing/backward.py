"""The nodes of a backward pass, and the first that makes something bad of what is fine."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from torch import Tensor
from torch.utils.hooks import RemovableHandle

from ...records import Value
from ..values.nested import walk_graph
from ..values.summarize import Summarizer
from .badness import Look
from .node_owners import NodeOwner, NodeOwners

MOST_NODES = 200_000
"""Of a graph that are looked at."""


@dataclass(frozen=True)
class BadNode:
    """The first node whose gradients are bad while those that it was given are fine."""

    name: str  # "SqrtBackward0"
    of: NodeOwner
    inputs: tuple[Value, ...]  # the gradients it was given
    output: Value


class BackwardWatch:
    """Looks from `with` to its end at the graph below `loss`.

    Args:
        loss: Where the backward pass begins.
        look: Says what is bad.
        owners: Know which operation of the forward made which node.
    """

    def __init__(self, loss: Tensor, look: Look, owners: NodeOwners) -> None:
        self.found: BadNode | None = None
        self._loss = loss
        self._look = look
        self._owners = owners
        self._handles: list[RemovableHandle] = []

    def __enter__(self) -> BackwardWatch:
        self._handles = [node.register_hook(self._hook(node)) for node in walk_graph((self._loss.grad_fn,), MOST_NODES)]
        return self

    def __exit__(self, *ended: object) -> None:
        for handle in self._handles:
            handle.remove()

    def _hook(self, node: Any) -> Callable[..., None]:
        name, owner = node.name(), self._owners.find(node)  # the node itself would keep its hook, and so itself

        def look(made: Sequence[Tensor | None], given: Sequence[Tensor | None]) -> None:
            if self.found is not None:
                return
            bad = next((each for each in made if each is not None and self._look(each)), None)
            if bad is None or any(each is not None and self._look(each) for each in given):
                return
            summarizer = Summarizer()
            inputs = tuple([summarizer.describe(each) for each in given if each is not None])
            output = summarizer.describe(bad)
            summarizer.resolve()
            self.found = BadNode(name, owner, inputs, output)

        return look
