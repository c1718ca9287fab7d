"""A model -> its module list: our own iterative walk, by identity.

`named_modules()` drops modules that compare equal, raises on keys that are not strings and recurses; this walk does
none of that, and shows a module that hangs under two names under both (the later ones as aliases, without children).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from torch import Tensor, nn
from torch.nn.parameter import is_lazy

from ...records import ModuleRow, Path
from ...text import encodable
from ..source.class_name import class_name
from .badges import badges, devices_of
from .inlined import INLINED, find_inlined

MAX_KEY = 200
"""Characters kept of a key; siblings that become equal are numbered apart."""


@dataclass(frozen=True)
class Node:
    """One place in the module tree. `alias_of` is the node that shows the same object first, -1 for none."""

    index: int
    parent: int
    key: str
    module: nn.Module
    alias_of: int = -1


@dataclass
class ModuleTree:
    """The nodes in the order of `named_modules()`, and who is where."""

    nodes: list[Node] = field(default_factory=list)
    paths: list[Path] = field(default_factory=list)
    index_of: dict[Path, int] = field(default_factory=dict)
    index_of_object: dict[int, int] = field(default_factory=dict)  # id(module) -> its first node
    _class_names: dict[int, str] = field(default_factory=dict, repr=False)  # of the nodes that were asked about

    @property
    def root(self) -> nn.Module:
        return self.nodes[0].module

    def objects(self) -> Iterator[Node]:
        """Each module object once."""
        return (node for node in self.nodes if node.alias_of < 0)

    def object_at(self, path: Path) -> Node:
        """The node that stands for the object at `path`. Raises `KeyError` where there is none."""
        node = self.nodes[self.index_of[path]]
        return node if node.alias_of < 0 else self.nodes[node.alias_of]

    def class_name(self, index: int) -> str:
        """What the module at this node is called, in at most 120 characters."""
        name = self._class_names.get(index)
        if name is None:
            name = self._class_names[index] = encodable(class_name(self.nodes[index].module), 120)
        return name

    def subtree(self, index: int) -> list[int]:
        """The nodes from `index` down, itself included."""
        last = index + 1
        depth = len(self.paths[index])
        while last < len(self.nodes) and len(self.paths[last]) > depth:
            last += 1
        return list(range(index, last))


def walk(model: nn.Module) -> ModuleTree:
    tree = ModuleTree()
    pending: list[tuple[int, Path, str, nn.Module]] = [(-1, (), "", model)]
    while pending:
        parent, path, key, module = pending.pop()
        index = len(tree.nodes)
        first = tree.index_of_object.setdefault(id(module), index)
        alias_of = -1 if first == index else first
        tree.nodes.append(Node(index, parent, key, module, alias_of))
        tree.paths.append(path)
        tree.index_of[path] = index
        if alias_of < 0:
            children = list(named_children(module))
            pending.extend((index, (*path, name), name, child) for name, child in reversed(children))
    return tree


def named_children(module: nn.Module) -> Iterator[tuple[str, nn.Module]]:
    """Direct submodules under keys that are unique, encodable strings."""
    taken: set[str] = set()
    for key, child in _entries(module, "_modules"):
        if isinstance(child, nn.Module):
            name = _name(key)
            while name in taken:
                name += "'"
            taken.add(name)
            yield name, child


def own_tensors(module: nn.Module, which: str) -> Iterator[tuple[str, Tensor]]:
    """Direct parameters (`which="_parameters"`) or buffers (`"_buffers"`), without asking the attribute: reading a
    parametrized weight would compute it, and may change buffers."""
    for key, value in _entries(module, which):
        if isinstance(value, Tensor):
            yield _name(key), value


def _name(key: object) -> str:
    try:
        return encodable(str(key), MAX_KEY)
    except Exception:  # keys are whatever somebody put there, and may refuse to be printed
        return type(key).__name__


def _entries(module: nn.Module, which: str) -> list[tuple[object, object]]:
    owner = vars(module).get("_actual_script_module", module)  # the root of a traced model forwards to this one
    held: Any = vars(owner).get(which)
    return list(held.items()) if hasattr(held, "items") else []  # ScriptModules keep mappings of their own kind


def size_of(tensor: Tensor) -> tuple[int, int]:
    """Elements and bytes; nothing for a lazy parameter that has no shape yet."""
    if is_lazy(tensor):
        return 0, 0
    return tensor.numel(), tensor.numel() * tensor.element_size()


def module_rows(tree: ModuleTree) -> list[ModuleRow]:
    """What the app shows of each node."""
    held, flat = _Holdings(tree), find_inlined(tree)
    return [
        ModuleRow(
            node.index,
            node.parent,
            node.key,
            encodable(class_name(node.module), 120),
            held.parameters[source],
            held.own_parameters[source],
            held.nbytes[source],
            node.alias_of,
            (*badges_of(node.module, held.tied[source], held.several), *((INLINED,) if source in flat else ())),
        )
        for node in tree.nodes
        for source in [node.index if node.alias_of < 0 else node.alias_of]
    ]


class _Holdings:
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

    def _count(self, owners: list[int], tensor: Tensor, is_parameter: bool) -> None:
        elements, nbytes = size_of(tensor)
        for owner in owners:
            self.tied[owner] |= is_parameter and len(owners) > 1
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


def tied_names(tree: ModuleTree) -> dict[int, list[tuple[Path, str]]]:
    """id of each parameter -> every place (module path, name) that holds it, where there is more than one."""
    places: dict[int, list[tuple[Path, str]]] = defaultdict(list)
    for node in tree.objects():
        for name, parameter in own_tensors(node.module, "_parameters"):
            places[id(parameter)].append((tree.paths[node.index], name))
    return {key: found for key, found in places.items() if len(found) > 1}


def badges_of(module: nn.Module, tied: bool = False, several: bool = False) -> tuple[str, ...]:
    """What is unusual about one module, in a word each."""
    own = [tensor for which in ("_parameters", "_buffers") for _, tensor in own_tensors(module, which)]
    return tuple(badges(module, own, tied, several))
