"""Which tensors each module of a tree holds, itself and below it, and which several of them share."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping

from torch import Tensor
from torch.nn.parameter import is_lazy

from ...records import Path
from .badges import devices_of
from .packed import packed_parameters, packed_size
from .tree import ModuleTree, own_tensors

_Size = tuple[list[int], int, int, bool]
"""Of a tensor: the modules that hold it themselves, its elements, its bytes, and whether it is a parameter."""


class Holdings:
    """Parameter counts of every node, each tensor counted once per subtree even when it is tied or aliased."""

    def __init__(self, tree: ModuleTree) -> None:
        nodes = len(tree.nodes)
        self.parameters, self.own_parameters, self.nbytes = [0] * nodes, [0] * nodes, [0] * nodes
        self.tied = [False] * nodes
        owners, tensors = _owners(tree)
        self.several = len(devices_of([tensor for tensor, _ in tensors.values()])) > 1
        sizes = [*_sizes(owners, tensors), *_packed_sizes(tree)]
        is_tree = all(node.alias_of < 0 for node in tree.nodes)
        shared = [each for each in sizes if not is_tree or len(each[0]) > 1]
        for each in sizes:
            if is_tree and len(each[0]) == 1:
                self._add(each, each[0])
        self._sum_up(tree)
        above = _parents_of_objects(tree) if shared else {}
        for each in shared:
            self._add(each, _closure(each[0], above))

    def _add(self, size: _Size, holders: Iterable[int]) -> None:
        owners, elements, nbytes, is_parameter = size
        for owner in owners:
            self.tied[owner] |= is_parameter and len(owners) > 1
            self.own_parameters[owner] += elements if is_parameter else 0
        for holder in holders:
            self.parameters[holder] += elements if is_parameter else 0
            self.nbytes[holder] += nbytes

    def _sum_up(self, tree: ModuleTree) -> None:
        """What a module holds, those above it hold as well; they stand before it."""
        for node in reversed(tree.nodes):
            if node.parent >= 0:
                self.parameters[node.parent] += self.parameters[node.index]
                self.nbytes[node.parent] += self.nbytes[node.index]


def _sizes(owners: Mapping[int, list[int]], tensors: Mapping[int, tuple[Tensor, bool]]) -> Iterator[_Size]:
    for key, (tensor, is_parameter) in tensors.items():
        elements, nbytes = size_of(tensor)
        yield owners[key], elements, nbytes, is_parameter


def _packed_sizes(tree: ModuleTree) -> Iterator[_Size]:
    for node in tree.objects():
        for _, tensor in packed_parameters(node.module):
            elements, nbytes = packed_size(tensor)
            yield [node.index], elements, nbytes, True


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
