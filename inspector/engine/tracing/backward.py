"""The nodes of a backward pass, and the first that makes something bad of what is fine."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from torch import Tensor
from torch.utils.hooks import RemovableHandle

from ...records import Value
from ..values.summarize import Summarizer
from .badness import Check
from .ops import NodePlace

MOST_NODES = 200_000
"""Of a graph that are looked at."""


@dataclass(frozen=True)
class BadNode:
    """The first node whose gradients are bad while those that it was given are fine."""

    name: str  # "SqrtBackward0"
    of: NodePlace | None  # None where no operation of the forward is known for it
    inputs: tuple[Value, ...]  # the gradients it was given
    output: Value


class BackwardWatch:
    """Looks from `with` to its end at the graph below `loss`.

    Args:
        loss: Where the backward pass begins.
        check: What is bad.
        places: Of the nodes that operations of the forward made.
    """

    def __init__(self, loss: Tensor, check: Check, places: dict[Any, NodePlace]) -> None:
        self.found: BadNode | None = None
        self._loss = loss
        self._check = check
        self._places = places
        self._handles: list[RemovableHandle] = []

    def __enter__(self) -> BackwardWatch:
        for node, place in _walk(self._loss.grad_fn, self._places):
            self._handles.append(node.register_hook(self._hook(node.name(), place)))
        return self

    def __exit__(self, *ended: object) -> None:
        for handle in self._handles:
            handle.remove()

    def _hook(self, name: str, place: NodePlace | None) -> Callable[..., None]:
        def look(made: Sequence[Tensor | None], given: Sequence[Tensor | None]) -> None:
            if self.found is not None:
                return
            bad = next((each for each in made if each is not None and self._check(each)), None)
            if bad is None or any(each is not None and self._check(each) for each in given):
                return
            summarizer = Summarizer()
            inputs = tuple([summarizer.describe(each) for each in given if each is not None])
            output = summarizer.describe(bad)
            summarizer.resolve()
            self.found = BadNode(name, place, inputs, output)

        return look


def _walk(first: Any, places: dict[Any, NodePlace]) -> list[tuple[Any, NodePlace | None]]:
    """Every node, with the operation it belongs to: an operation may be made of several, of which only the last one is
    known, and those before it up to the next known one belong to it."""
    found: list[tuple[Any, NodePlace | None]] = []
    pending: list[tuple[Any, NodePlace | None]] = [(first, None)]
    seen = set()
    while pending and len(found) < MOST_NODES:
        node, after = pending.pop()
        if node is None or node in seen:
            continue
        seen.add(node)
        place = places.get(node, after)
        found.append((node, place))
        pending += [(each, place) for each, _ in node.next_functions]
    return found
