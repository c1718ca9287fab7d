"""What a model holds and reaches: everything whose state a pass may change, each thing once.

From the modules of the tree through attributes, containers, objects, closures, classes and globals of its own files, to
any depth. What is near comes first, so that a program behind one attribute hides nothing of the rest.
"""

from __future__ import annotations

import sys
from collections import deque
from collections.abc import Iterator
from types import ModuleType
from typing import Any

import torch
from torch import Tensor, nn

from ..modules.tree import ModuleTree
from ..source.running import mro, qualified_name
from .kinds import LOOKED_THROUGH, kinds_of
from .kinds.atoms import ATOMS
from .kinds.functions import KeptFunction
from .kinds.held_tensors import HeldTensor
from .kinds.kind import Budget, Kept, Parts, Refused
from .kinds.modules import KeptModule
from .kinds.names import KeptNames, names_of
from .kinds.origin import file_of, is_library, is_own, is_own_class
from .module_groups import ModuleGroup, ModuleGroups
from .place import Place, name_of

MOST = 200_000
"""Things looked at besides modules and tensors."""

_UNCOUNTED = (KeptModule, HeldTensor)


class Reach:
    """One walk. `groups` are the modules of the tree as they are now, `kept` what else was found, `tensors` those in
    both, and `is_cut` says that there was more than is looked at.

    Args:
        tree: The model.
        known: Its modules, as far as they were looked at before.
    """

    def __init__(self, tree: ModuleTree, known: ModuleGroups | None = None) -> None:
        known = known if known is not None else ModuleGroups(tree)
        self.groups = known.look()
        self.kept: list[Kept] = []
        self.tensors: list[HeldTensor] = []
        self.is_cut = False
        self._left = MOST
        self._budget = Budget()
        self._seen: set[int] = set()
        self._types: set[int] = set()
        self._names: dict[int, KeptNames] = {}
        self._named: set[tuple[int, frozenset[str]]] = set()
        self._pending: deque[tuple[Place, Any, tuple[type[Kept], ...]]] = deque()
        self._seen.update(tree.index_of_object)
        for group in self.groups:
            self._take(group)
        for node in known.others:
            self._seen.discard(id(node.module))
            self._meet(Place(None, ".".join(tree.paths[node.index])), node.module)
        while self._pending:
            self._visit(*self._pending.popleft())

    def _take(self, group: ModuleGroup) -> None:
        """What was found in it when it was looked at."""
        for kind in group.types:
            self._meet_type(kind)
        for held in group.tensors:
            if id(held.owner) not in self._seen:
                self._seen.add(id(held.owner))
                self.tensors.append(held)
        for above, piece, value in group.leads_to:
            if id(value) not in self._seen:
                self._meet(Place(above, piece), value)

    def _meet(self, place: Place, value: Any) -> None:
        kinds = kinds_of(type(value))
        if kinds and id(value) not in self._seen:
            self._seen.add(id(value))
            self._pending.append((place, value, kinds))

    def _meet_parts(self, place: Place, parts: Parts) -> None:
        for piece, value in parts:
            if id(type(value)) not in ATOMS and id(value) not in self._seen:
                self._meet(Place(place, piece), value)

    def _visit(self, place: Place, value: Any, kinds: tuple[type[Kept], ...]) -> None:
        if kinds[0] not in _UNCOUNTED:
            self._left -= 1
            if self._left < 0:
                self.is_cut = True
                return
        self._meet_type(type(value))
        for kind in kinds:
            self._keep(place, self._look_at(kind, value))

    def _look_at(self, kind: type[Kept], value: Any) -> Kept:
        try:
            return kind(value, self._budget)
        except Exception as error:  # an array without memory, a file that refuses: of anybody's make
            return Refused(value, error)

    def _keep(self, place: Place, kept: Kept) -> None:
        kept.found = place
        self._meet_parts(place, kept.parts())
        if type(kept) not in LOOKED_THROUGH:
            self.kept.append(kept)
        if type(kept) is HeldTensor:
            self.tensors.append(kept)
        elif type(kept) is KeptFunction and kept.is_own:
            self._meet_names(kept.owner.__globals__, names_of(kept.owner))

    def _meet_type(self, kind: type) -> None:
        """Its classes: those of modules, and others that were written in the model's own files."""
        if id(kind) in self._types:
            return
        self._types.add(id(kind))
        wanted = _is_kept if issubclass(kind, nn.Module) else _is_kept_own
        for each in mro(kind):
            if wanted(each):
                self._meet(Place(None, f"class {qualified_name(each).rpartition('<locals>.')[2]}"), each)

    def _meet_names(self, found: dict[str, Any], names: frozenset[str]) -> None:
        """What code names of the globals of its file, and of other files of the model that it imported."""
        if (id(found), names) in self._named:
            return
        self._named.add((id(found), names))
        kept = self._names_of(found)
        self._meet_parts(kept.place, kept.add(names))
        for module in _modules_named(found, names):
            if is_own(vars(module)):
                self._meet_names(vars(module), names)

    def _names_of(self, found: dict[str, Any]) -> KeptNames:
        kept = self._names.get(id(found))
        if kept is None:
            kept = self._names[id(found)] = KeptNames(found, self._budget)
            kept.found = Place(None, file_of(found))
            self.kept.append(kept)
        return kept


def tensors_of(tree: ModuleTree) -> list[tuple[str, Tensor]]:
    """Every tensor that the model reaches by its dotted name, each once."""
    return [*name_tensors(Reach(tree).tensors), *script_tensors(tree)]


def name_tensors(found: list[HeldTensor]) -> list[tuple[str, Tensor]]:
    return [(name_of(kept.place), kept.owner) for kept in found]


def script_tensors(tree: ModuleTree) -> Iterator[tuple[str, Tensor]]:
    """The parameters and buffers of the outermost ScriptModules, which list those of their children too. Every look
    makes a new Python tensor; the storage is what counts."""
    for node in tree.objects():
        above = tree.nodes[node.parent].module if node.parent >= 0 else None
        if _is_scripted(node.module) and not _is_scripted(above):
            prefix = ".".join(tree.paths[node.index])
            for key, tensor in (*node.module.named_parameters(), *node.module.named_buffers()):
                yield f"{prefix}.{key}" if prefix else key, tensor


def _modules_named(found: dict[str, Any], names: frozenset[str]) -> Iterator[ModuleType]:
    """Those among the globals, and those that the code itself imports: they are under no name of the file."""
    package = found.get("__package__")
    for name in names:
        inside = f"{package}.{name}" if type(package) is str else name
        for module in (found.get(name), sys.modules.get(name), sys.modules.get(inside)):
            if type(module) is ModuleType:
                yield module


def _is_scripted(module: nn.Module | None) -> bool:
    return issubclass(type(module), torch.jit.ScriptModule)


def _is_kept(cls: type) -> bool:
    return not is_library(cls)


def _is_kept_own(cls: type) -> bool:
    return not is_library(cls) and is_own_class(cls)
