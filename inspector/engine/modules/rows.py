"""A module tree as the rows that the app shows."""

from __future__ import annotations

from torch import nn

from ...records import ModuleRow
from ...records.badges import Badge
from .badges import PlainClasses, badges
from .holdings import Holdings
from .inlined import find_inlined
from .tree import ModuleTree, own_tensors


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


def badges_of(module: nn.Module, tied: bool = False, several: bool = False) -> tuple[Badge, ...]:
    """What is unusual about one module, in a word each."""
    own = [tensor for which in ("_parameters", "_buffers") for _, tensor in own_tensors(module, which)]
    return tuple(badges(module, own, tied, several))
