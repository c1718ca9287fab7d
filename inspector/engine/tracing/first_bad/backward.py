"""The nodes of a backward pass, and the one where that began which makes a gradient bad in the end.

An infinite gradient that goes nowhere, as one that `torch.where` multiplies with zero, is no beginning: from the bad
gradients of the leaves the graph is walked back, over nodes that were given what is bad, to those that were not.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from torch import Tensor
from torch.utils.hooks import RemovableHandle

from ....records import Value
from ...values.nested import walk_graph
from ...values.summarize import Summarizer
from .badness import Look
from .node_owners import NodeOwner, NodeOwners

MOST_NODES = 200_000
"""Of a graph that are looked at."""
_MOST_BEGINNINGS = 1_000
"""That are described."""


@dataclass(frozen=True)
class BadNode:
    """A node that makes something bad of gradients that are fine, or where such arrive bad: they are added up there, or
    changed by a hook."""

    number: int  # the first that begins has the lowest
    name: str  # "SqrtBackward0"
    of: NodeOwner
    inputs: tuple[Value, ...]  # the gradients it was given
    output: Value | None  # None where those are bad already
    is_sum: bool  # several are added up there
    is_leaf: bool  # it gives the gradient to a parameter or an input


class BackwardWatch:
    """Looks from `with` to its end at the graph below `loss`.

    Args:
        loss: Where the backward pass begins.
        look: Says what is bad.
        owners: Know which operation of the forward made which node.
    """

    def __init__(self, loss: Tensor, look: Look, owners: NodeOwners) -> None:
        self.bad_leaves: list[int] = []  # nodes that gave a leaf something bad
        self._loss = loss
        self._look = look
        self._owners = owners
        self._handles: list[RemovableHandle] = []
        self._begins: dict[int, BadNode] = {}
        self._from: defaultdict[int, list[int]] = defaultdict(list)  # nodes that gave a node something bad
        self._into: Counter[int] = Counter()  # how many gradients a node is given
        self._leaves: set[int] = set()  # nodes that add up the gradient of one

    def __enter__(self) -> BackwardWatch:
        nodes = list(walk_graph((self._loss.grad_fn,), MOST_NODES))
        numbers = {node: number for number, node in enumerate(nodes)}
        for number, node in enumerate(nodes):
            if not node.next_functions:
                self._leaves.add(number)
            after = [numbers.get(each, -1) for each, _ in node.next_functions]
            self._into.update(after)
            self._handles.append(node.register_hook(self._hook(number, node.name(), self._owners.find(node), after)))
        return self

    def __exit__(self, *ended: object) -> None:
        for handle in self._handles:
            handle.remove()

    @property
    def first(self) -> BadNode | None:
        """Where the first began, wherever it went."""
        return min(self._begins.values(), key=lambda each: each.number, default=None)

    def find_beginning(self) -> BadNode | None:
        """Where that began which the leaves were given."""
        pending, seen = list(self.bad_leaves), set[int]()
        found: list[BadNode] = []
        while pending:
            number = pending.pop()
            if number in seen:
                continue
            seen.add(number)
            if number in self._begins:
                found.append(self._begins[number])
            else:
                pending += self._from[number]
        return min(found, key=lambda each: each.number, default=None)

    def _hook(self, number: int, name: str, owner: NodeOwner, after: Sequence[int]) -> Callable[..., None]:
        """Holds nothing of the node itself, which would keep its hook, and so itself."""

        def look(made: Sequence[Tensor | None], given: Sequence[Tensor | None]) -> None:
            bad = [place for place, each in enumerate(made) if each is not None and self._look(each)]
            if not bad and made:
                return
            is_given = any(each is not None and self._look(each) for each in given)
            if is_given and number in self._leaves:
                self.bad_leaves.append(number)
            if bad and not is_given:
                self._begin(number, name, owner, given, made[bad[0]])
            elif is_given and number not in self._from:
                self._begin(number, name, owner, given, None)
            for place in bad:
                if place < len(after) and after[place] >= 0:
                    self._from[after[place]].append(number)

        return look

    def _begin(
        self, number: int, name: str, owner: NodeOwner, given: Sequence[Tensor | None], made: Tensor | None
    ) -> None:
        if len(self._begins) < _MOST_BEGINNINGS:
            summarizer = Summarizer()
            inputs = tuple([summarizer.describe(each) for each in given if each is not None])
            output = None if made is None else summarizer.describe(made)
            summarizer.resolve()
            kinds = self._into[number] > 1, number in self._leaves
            self._begins[number] = BadNode(len(self._begins), name, owner, inputs, output, *kinds)
