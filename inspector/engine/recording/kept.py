"""The outputs that a recorder kept as they were, by place."""

from __future__ import annotations

from collections.abc import Iterable

from torch import Tensor

from ..hooks.context import place_key
from ..modules.tree import ModuleTree
from ..values import nested
from .call import Call


def collect_kept(tree: ModuleTree, calls: Iterable[Call]) -> dict[str, Tensor]:
    """Every tensor of the kept outputs, by the key that `record` would give it."""
    return {
        key_of(tree, call, leaf): tensor for call in calls for leaf, tensor in enumerate(nested.tensors_in(call.kept))
    }


def key_of(tree: ModuleTree, call: Call, leaf: int = 0) -> str:
    """What this tensor of a call's output is called."""
    return place_key(".".join(tree.paths[call.index]), "output", call.in_step, leaf, call.step)
