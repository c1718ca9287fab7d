"""A module tree as the rows that the app shows."""

from __future__ import annotations

from collections.abc import Iterable

from torch import nn

from ...made_rows import MadeRows
from ...records import ModuleRow
from ...records.badges import Badge
from .badges import PlainClasses, badges
from .holdings import Holdings
from .inlined import find_inlined
from .tree import ModuleTree, own_tensors

_Counts = tuple[int, int, int]
"""Elements of parameters, of its own, and bytes."""


def module_rows(tree: ModuleTree) -> list[ModuleRow]:
    """What the app shows of each node."""
    held, flat, classes = Holdings(tree), find_inlined(tree), PlainClasses()
    return [
        ModuleRow(
            node.index,
            node.parent,
            node.key,
            tree.class_name(node.index),
            held.parameters[source],
            held.own_parameters[source],
            held.nbytes[source],
            node.alias_of,
            ()
            if classes.clear(node.module) and source not in flat
            else badges_of(node.module, held.tied[source], held.several) + (Badge("inlined"),) * (source in flat),
        )
        for node in tree.nodes
        for source in [node.index if node.alias_of < 0 else node.alias_of]
    ]


class KeptRows(MadeRows[ModuleRow]):
    """Those of a tree, made again when they are asked for: they are told once, and there may be 100,000."""

    def __init__(self, tree: ModuleTree, rows: Iterable[ModuleRow]) -> None:
        self._tree = tree
        self._counts: list[_Counts] = []
        self._badges: dict[int, tuple[Badge, ...]] = {}
        known: dict[_Counts, _Counts] = {}  # each once, whichever rows have it
        for row in rows:
            counts = row.parameters, row.own_parameters, row.nbytes
            self._counts.append(known.setdefault(counts, counts))
            if row.badges:
                self._badges[row.index] = row.badges

    def __len__(self) -> int:
        return len(self._counts)

    def _row(self, index: int) -> ModuleRow:
        node, name, badges = self._tree.nodes[index], self._tree.class_name(index), self._badges.get(index, ())
        return ModuleRow(index, node.parent, node.key, name, *self._counts[index], node.alias_of, badges)


def badges_of(module: nn.Module, tied: bool = False, several: bool = False) -> tuple[Badge, ...]:
    """What is unusual about one module, in a word each."""
    own = [tensor for which in ("_parameters", "_buffers") for _, tensor in own_tensors(module, which)]
    return tuple(badges(module, own, tied, several))
