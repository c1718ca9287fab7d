"""The rows of weights without a model, in one way through their names: a file may have 300,000 of them, and no entry
hangs under two names, runs, or has hooks, as modules may."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

from torch import Tensor
from torch.nn import Parameter

from ...records import ModuleRow
from ...records.badges import Badge
from .badges import devices_of
from .holdings import size_of
from .rows import badges_of
from .tree import ModuleTree, Node
from .weight_tree import Entry, Weights

_PLAIN = (Tensor, Parameter)


def weight_rows(tree: ModuleTree) -> list[ModuleRow]:
    """Each tensor's with its dtype for a class and its shape."""
    owns = [own_tensor(node) for node in tree.nodes]
    tied = _find_tied(owns)
    several = len(devices_of([own for own in owns if own is not None])) > 1
    elements, nbytes = _count(tree, owns, tied)
    again = {index for owners in tied for index in owners}
    return [
        ModuleRow(
            node.index,
            node.parent,
            node.key,
            _name_class(tree, node, own),
            elements[node.index],
            own.numel() if own is not None else 0,
            nbytes[node.index],
            -1,
            _badges(node, own, node.index in again, several),
            _shape(own) if own is not None else None,
        )
        for node, own in zip(tree.nodes, owns, strict=True)
    ]


def own_tensor(node: Node) -> Tensor | None:
    """The tensor that this row is of."""
    return node.module.own if isinstance(node.module, Entry) else None


def _name_class(tree: ModuleTree, node: Node, own: Tensor | None) -> str:
    if own is not None:
        return str(own.dtype).removeprefix("torch.")
    return tree.class_name(node.index) if isinstance(node.module, Weights) else ""


def _shape(tensor: Tensor) -> tuple[int, ...]:
    """-1 for a ragged dimension."""
    if tensor.is_nested:
        return (tensor.size(0), *[-1] * (tensor.dim() - 1))
    return tuple(tensor.shape)


def _find_tied(owns: Sequence[Tensor | None]) -> list[list[int]]:
    """The rows of each tensor that has several."""
    owners: dict[int, list[int]] = defaultdict(list)
    for index, own in enumerate(owns):
        if own is not None:
            owners[id(own)].append(index)
    return [indices for indices in owners.values() if len(indices) > 1]


def _count(
    tree: ModuleTree, owns: Sequence[Tensor | None], tied: Sequence[Sequence[int]]
) -> tuple[list[int], list[int]]:
    """Elements and bytes at each row and below it, each tensor once."""
    sizes = [size_of(own) if own is not None else (0, 0) for own in owns]
    elements, nbytes = [size[0] for size in sizes], [size[1] for size in sizes]
    for index in (index for owners in tied for index in owners):
        elements[index] = nbytes[index] = 0
    for node in reversed(tree.nodes):
        if node.parent >= 0:
            elements[node.parent] += elements[node.index]
            nbytes[node.parent] += nbytes[node.index]
    for owners in tied:
        for index in {above for owner in owners for above in _upwards(tree, owner)}:
            elements[index] += sizes[owners[0]][0]
            nbytes[index] += sizes[owners[0]][1]
    return elements, nbytes


def _upwards(tree: ModuleTree, index: int) -> list[int]:
    found = []
    while index >= 0:
        found.append(index)
        index = tree.nodes[index].parent
    return found


def _badges(node: Node, own: Tensor | None, tied: bool, several: bool) -> tuple[Badge, ...]:
    """That it cannot be called is nothing unusual here."""
    plain = own is None or (type(own) in _PLAIN and not own.is_meta and not own.is_quantized)
    if plain and not tied and not several and "parametrizations" not in vars(node.module)["_modules"]:
        return ()
    return tuple(badge for badge in badges_of(node.module, tied, several) if badge.name != "no forward")
