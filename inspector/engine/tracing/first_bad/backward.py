"""The nodes of a backward pass, and the one where that began which makes a gradient bad in the end.

An infinite gradient that goes nowhere, as one that `torch.where` multiplies with zero, is no beginning: from the bad
gradients of the leaves the graph is walked back, over nodes that were given what is bad, to those that were not.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from torch import Tensor
from torch.autograd.function import BackwardCFunction
from torch.nn import Parameter
from torch.utils.hooks import RemovableHandle

from ....records import Value
from ...values.nested import walk_graph
from ...values.summarize import Summarizer
from .badness import Look
from .node_owners import NodeOwner, NodeOwners
from .recomputed import Follow, Recomputation

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
        follow: Follows the calls of modules that are made again in it.
    """

    def __init__(self, loss: Tensor, look: Look, owners: NodeOwners, follow: Follow) -> None:
        self.bad_leaves: list[int] = []  # nodes that gave a leaf something bad
        self._loss = loss
        self._look = look
        self._owners = owners
        self._follow = follow
        self._running: list[Recomputation] = []  # one inside of the other
        self._count = 0  # nodes that are watched
        self._handles: list[RemovableHandle] = []
        self._begins: dict[int, BadNode] = {}
        self._from: defaultdict[int, list[int]] = defaultdict(list)  # nodes that gave a node something bad
        self._into: Counter[int] = Counter()  # how many gradients a node is given
        self._leaves: set[int] = set()  # nodes that add up the gradient of one
        self._handed_out: defaultdict[int, list[int]] = defaultdict(
            list
        )  # nodes inside that gave a node its bad result

    def __enter__(self) -> BackwardWatch:
        nodes = list(walk_graph((self._loss.grad_fn,), MOST_NODES))
        self._watch(nodes, {}, self._owners)
        return self

    def __exit__(self, *ended: object) -> None:
        while self._running:
            self._running.pop().end()
        for handle in self._handles:
            handle.remove()

    def _watch(self, nodes: list[Any], numbers: dict[Any, int], owners: NodeOwners, outer: int = -1) -> None:
        """Nodes whose `numbers` are not known yet, in the graph inside of the node `outer`."""
        for node in nodes:
            numbers[node] = self._count
            self._count += 1
        for node in nodes:
            number, owner = numbers[node], owners.find(node)
            if not node.next_functions:
                self._leaves.add(number)
            is_handed_out = outer >= 0 and not isinstance(getattr(node, "variable", None), Parameter)
            after = [numbers.get(each, -1) for each, _ in node.next_functions]
            self._into.update(after)
            look = self._hook(number, node.name(), owner, after, outer, is_handed_out)
            self._handles.append(node.register_hook(look))
            if isinstance(node, BackwardCFunction):
                before = self._begin_inside(number, owner, owners, node._sequence_nr())
                self._handles.append(node.register_prehook(before))

    def _begin_inside(
        self, number: int, owner: NodeOwner, owners: NodeOwners, sequence: int
    ) -> Callable[[object], None]:
        def begin(given: object) -> None:
            calls = owners.calls_from(sequence + 1)
            inside = Recomputation(number, owner, calls, self._watch_inside, self._follow)
            self._running.append(inside)
            inside.begin()

        return begin

    def _watch_inside(self, nodes: list[Any], inside: Recomputation) -> None:
        """Of those that are one in the other, the innermost is asked alone."""
        if inside is self._running[-1] and self._count < MOST_NODES:
            self._watch(nodes, inside.numbers, inside.owners, inside.number)

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

    def _hook(
        self, number: int, name: str, owner: NodeOwner, after: Sequence[int], outer: int, is_handed_out: bool
    ) -> Callable[..., None]:
        """Holds nothing of the node itself, which would keep its hook, and so itself."""

        def look(made: Sequence[Tensor | None], given: Sequence[Tensor | None]) -> None:
            if self._running and self._running[-1].number == number:
                self._running.pop().end()
            bad = [place for place, each in enumerate(made) if each is not None and self._look(each)]
            if not bad and made:
                return
            is_given = any(each is not None and self._look(each) for each in given)
            if is_given and number in self._leaves:
                (self._handed_out[outer] if is_handed_out else self.bad_leaves).append(number)
            if bad and not is_given and number in self._handed_out:
                self._from[number] += self._handed_out[number]
            elif bad and not is_given:
                self._begin(number, name, owner, given, made[bad[0]])
            elif is_given and number not in self._from and outer in self._from:
                self._from[number] += self._from[outer]
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
