"""A model -> its module list: our own iterative walk, by identity.

`named_modules()` drops modules that compare equal, raises on keys that are not strings and recurses; this walk does
none of that, and shows a module that hangs under two names under both (the later ones as aliases, without children).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from torch import Tensor, nn

from ...records import Path
from ...text import encodable
from ..source.class_name import class_name, is_own_name
from .walk import is_module, is_tensor

MAX_KEY = 200
"""Characters kept of a key; siblings that become equal are numbered apart."""


@dataclass(frozen=True, slots=True)
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

    nodes: Sequence[Node] = ()
    paths: list[Path] = field(default_factory=list)
    _names: dict[int, str] = field(default_factory=dict, repr=False)  # by node, else by the `id` of a class, below 0

    @cached_property
    def index_of(self) -> dict[Path, int]:
        return {path: index for index, path in enumerate(self.paths)}

    @cached_property
    def index_of_object(self) -> dict[int, int]:
        """id(module) -> its first node."""
        return {id(node.module): node.index for node in self.nodes if node.alias_of < 0}

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
        module = self.nodes[index].module
        name = self._names.get(~id(type(module)))
        if name is None and (name := self._names.get(index)) is None:
            key = ~id(type(module)) if is_own_name(type(module)) else index
            name = self._names[key] = encodable(class_name(module), 120)
        return name

    def subtree(self, index: int) -> list[int]:
        """The nodes from `index` down, itself included."""
        last = index + 1
        depth = len(self.paths[index])
        while last < len(self.nodes) and len(self.paths[last]) > depth:
            last += 1
        return list(range(index, last))


def walk(model: nn.Module) -> ModuleTree:
    nodes: list[Node] = []
    paths: list[Path] = []
    first_of: dict[int, int] = {}  # by the id of the module
    pending: list[tuple[int, Path, str, nn.Module]] = [(-1, (), "", model)]
    while pending:
        parent, path, key, module = pending.pop()
        index = len(nodes)
        first = first_of.setdefault(id(module), index)
        alias_of = -1 if first == index else first
        nodes.append(Node(index, parent, key, module, alias_of))
        paths.append(path)
        if alias_of < 0:
            children = list(named_children(module)) if _entries(module, "_modules") else ()
            pending.extend((index, (*path, name), name, child) for name, child in reversed(children))
    return ModuleTree(nodes, paths)


def named_children(module: nn.Module) -> Iterator[tuple[str, nn.Module]]:
    """Direct submodules under keys that are unique, encodable strings."""
    taken: set[str] = set()
    for key, child in _entries(module, "_modules"):
        if is_module(child):
            name = _name(key)
            while name in taken:
                name += "'"
            taken.add(name)
            yield name, child


def own_tensors(module: nn.Module, which: str) -> Iterator[tuple[str, Tensor]]:
    """Direct parameters (`which="_parameters"`) or buffers (`"_buffers"`), without asking the attribute: reading a
    parametrized weight would compute it, and may change buffers."""
    entries = _entries(module, which)
    return ((_name(key), value) for key, value in entries if is_tensor(value)) if entries else iter(())


def _name(key: object) -> str:
    try:
        return encodable(str(key), MAX_KEY)
    except Exception:  # keys are whatever somebody put there, and may refuse to be printed
        return type(key).__name__


def _entries(module: nn.Module, which: str) -> list[tuple[object, object]]:
    attributes = vars(module)
    if "_actual_script_module" in attributes:  # the root of a traced model forwards to this one
        attributes = vars(attributes["_actual_script_module"])
    held: Any = attributes.get(which)
    if type(held) is dict and not held:  # of most modules, and there may be 100,000
        return []
    return list(held.items()) if hasattr(held, "items") else []  # ScriptModules keep mappings of their own kind
