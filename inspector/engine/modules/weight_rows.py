"""The rows of weights without a model, in one way through their names: a file may have 300,000 of them, and no entry
hangs under two names, runs, or has hooks, as modules may."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import torch
from msgspec.structs import replace
from torch import Tensor
from torch.nn import Parameter

from ...records import ModuleRow
from ...records.badges import Badge
from ..values.unread import Held, Unread, read_tensor
from .badges import devices_of
from .holdings import size_of
from .names import Names
from .rows import badges_of
from .tree import ModuleTree
from .weight_tree import names_under

_PLAIN = (Unread, Tensor, Parameter)
_Sizes = list[int]


def weight_rows(tree: ModuleTree) -> list[ModuleRow]:
    """Each tensor's with its dtype for a class and its shape."""
    names = names_under(tree)
    elements, nbytes = _count(names)
    badges = _find_badges(tree, names)
    dtype_names: dict[torch.dtype, str] = {}
    rows = []
    for index, own in enumerate(names.owns):
        dtype, shape, count = "", None, 0
        if own is not None:
            dtype = dtype_names.get(own.dtype) or dtype_names.setdefault(own.dtype, _name(own.dtype))
            shape, count = own.shape if type(own) is Unread else _shape(own), own.numel()
        path, parent = names.paths[index], names.parents[index]
        key, marks = path[-1] if path else "", badges.get(index, ())
        rows.append(ModuleRow(index, parent, key, dtype, elements[index], count, nbytes[index], -1, marks, shape))
    if names.owns[0] is None:
        rows[0] = replace(rows[0], class_name=tree.class_name(0))
    return rows


def _name(dtype: torch.dtype) -> str:
    return str(dtype).removeprefix("torch.")


def _shape(tensor: Held) -> tuple[int, ...]:
    """-1 for a ragged dimension."""
    if isinstance(tensor, Tensor) and tensor.is_nested:
        return (tensor.size(0), *[-1] * (tensor.dim() - 1))
    return tuple(tensor.shape)


def size_of_held(own: Held) -> tuple[int, int]:
    """Elements and bytes."""
    if type(own) is not Unread:
        return size_of(read_tensor(own))
    count = own.numel()
    return count, count * own.dtype.itemsize


def _count(names: Names) -> tuple[_Sizes, _Sizes]:
    """Elements and bytes at each entry and below it, each tensor once."""
    sizes = [(0, 0) if own is None else size_of_held(own) for own in names.owns]
    elements, nbytes = [size[0] for size in sizes], [size[1] for size in sizes]
    for index in (index for owners in names.owners.values() for index in owners):
        elements[index] = nbytes[index] = 0
    parents = names.parents
    for index in range(len(parents) - 1, 0, -1):
        parent = parents[index]
        elements[parent] += elements[index]
        nbytes[parent] += nbytes[index]
    for owners in names.owners.values():
        for index in _above(parents, owners):
            elements[index] += sizes[owners[0]][0]
            nbytes[index] += sizes[owners[0]][1]
    return elements, nbytes


def _above(parents: Sequence[int], owners: Sequence[int]) -> set[int]:
    """These entries and all above them."""
    found: set[int] = set()
    for index in owners:
        while index >= 0 and index not in found:
            found.add(index)
            index = parents[index]
    return found


def _find_badges(tree: ModuleTree, names: Names) -> dict[int, tuple[Badge, ...]]:
    """What is unusual. That an entry cannot be called is nothing unusual here."""
    again = {index for owners in names.owners.values() for index in owners}
    several = len(devices(names)) > 1
    odd = {index for index, own in enumerate(names.owns) if own is not None and (several or not _is_plain(own))}
    plain = dict.fromkeys(again, (Badge("tied"),))
    return plain | {
        index: _without_forward(badges_of(tree.nodes[index].module, index in again, several))
        for index in odd | names.parametrized
    }


def _without_forward(badges: Iterable[Badge]) -> tuple[Badge, ...]:
    return tuple(badge for badge in badges if badge.name != "no forward")


def _is_plain(own: Held) -> bool:
    return type(own) in _PLAIN and not (isinstance(own, Tensor) and (own.is_meta or own.is_quantized))


def devices(names: Names) -> set[str]:
    """Where the values are; a file's are read into memory."""
    tensors = {id(own): own for own in names.owns if isinstance(own, Tensor)}
    unread = {"cpu"} if any(type(own) is Unread for own in names.owns) else set()
    return devices_of(list(tensors.values())) | unread
