"""Which tensors each module of a tree holds, itself and below it, and which several of them share."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping

from torch import Tensor
from torch.nn.parameter import is_lazy

from ...records import Path
from .badges import devices_of
from .packed import packed_parameters, packed_size
from .tree import ModuleTree, own_tensors


class Holdings:
    """Parameter counts of every node, each tensor counted once per subtree even when it is tied or aliased."""

    def __init__(self, tree: ModuleTree) -> None:
        size = len(tree.nodes)
        self.parameters, self.own_parameters, self.nbytes = [0] * size, [0] * size, [0] * size
        self.tied = [False] * size
        self._above = _parents_of_objects(tree)
        owners, tensors = _owners(tree)
        self.several = len(devices_of([tensor for tensor, _ in tensors.values()])) > 1
        for key, (tensor, is_parameter) in tensors.items():
            self._count(owners[key], tensor, is_parameter)
        for node in tree.objects():
            for _, tensor in packed_parameters(node.module):
                self._add([node.index], *packed_size(tensor), is_parameter=True)

    def _count(self, owners: list[int], tensor: Tensor, is_parameter: bool) -> None:
        elements, nbytes = size_of(tensor)
        for owner in owners:
            self.tied[owner] |= is_parameter and len(owners) > 1
        self._add(owners, elements, nbytes, is_parameter)

    def _add(self, owners: list[int], elements: int, nbytes: int, is_parameter: bool) -> None:
        for owner in owners:
            self.own_parameters[owner] += elements if is_parameter else 0
        for holder in _closure(owners, self._above):
            self.parameters[holder] += elements if is_parameter else 0
            self.nbytes[holder] += nbytes


def _owners(tree: ModuleTree) -> tuple[dict[int, list[int]], dict[int, tuple[Tensor, bool]]]:
    owners: dict[int, list[int]] = defaultdict(list)
    tensors: dict[int, tuple[Tensor, bool]] = {}
    for node in tree.objects():
        for which in ("_parameters", "_buffers"):
            for _, tensor in own_tensors(node.module, which):
                if node.index not in owners[id(tensor)]:
                    owners[id(tensor)].append(node.index)
                tensors[id(tensor)] = tensor, which == "_parameters"  # holding it keeps its id from being reused
    return owners, tensors


def _parents_of_objects(tree: ModuleTree) -> dict[int, list[int]]:
    above: dict[int, list[int]] = defaultdict(list)
    for node in tree.nodes:
        if node.parent >= 0:
            above[tree.index_of_object[id(node.module)]].append(node.parent)
    return above


def _closure(start: list[int], above: Mapping[int, list[int]]) -> set[int]:
    found: set[int] = set()
    pending = list(start)
    while pending:
        current = pending.pop()
        if current not in found:
            found.add(current)
            pending.extend(above.get(current, ()))
    return found


def list_own(tree: ModuleTree, which: str) -> list[Tensor]:
    """Every parameter (`which="_parameters"`) or buffer (`"_buffers"`) once, whoever shares it."""
    return list({id(own): own for node in tree.objects() for _, own in own_tensors(node.module, which)}.values())


def size_of(tensor: Tensor) -> tuple[int, int]:
    """Elements and bytes; nothing for a lazy parameter that has no shape yet."""
    if is_lazy(tensor):
        return 0, 0
    return tensor.numel(), tensor.numel() * tensor.element_size()


def tied_names(tree: ModuleTree) -> dict[int, list[tuple[Path, str]]]:
    """id of each parameter -> every place (module path, name) that holds it, where there is more than one."""
    places: dict[int, list[tuple[Path, str]]] = defaultdict(list)
    for node in tree.objects():
        for name, parameter in own_tensors(node.module, "_parameters"):
            places[id(parameter)].append((tree.paths[node.index], name))
    return {key: found for key, found in places.items() if len(found) > 1}
