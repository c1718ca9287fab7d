"""The graph of a pass is let go one node after another.

Some releases of torch free what a node leads to within the destructor of the node, wherever Python has looked at both,
as whoever puts hooks on them does: of some 40,000 in a row, in a model of as many modules or a long loop, the stack
overflows, and the process ends.
"""

from __future__ import annotations

from collections import Counter, deque
from typing import Any

from ..values import nested
from ..values.unwrap import read


def take_graph(output: object) -> deque[Any]:
    """The nodes that the tensors in `output` come from, each before what it leads to."""
    roots = [node for tensor in nested.tensors_in(output) if (node := read(tensor, "grad_fn")) is not None]
    known, uses = {id(node): node for node in roots}, Counter[int]()
    pending = deque(known.values())
    while pending:
        for each in _next(pending.popleft()):
            uses[id(each)] += 1
            if id(each) not in known:
                known[id(each)] = each
                pending.append(each)
    ready, nodes = [node for node in known.values() if not uses[id(node)]], deque[Any]()
    while ready:
        nodes.append(node := ready.pop())
        for each in _next(node):
            uses[id(each)] -= 1
            if not uses[id(each)]:
                ready.append(each)
    return nodes


def let_go(nodes: deque[Any]) -> None:
    """Once nobody else holds the graph: each is freed alone, as what it leads to is still held here."""
    while nodes:
        nodes.popleft()


def _next(node: Any) -> list[Any]:
    return [each for each, _ in node.next_functions if each is not None]
