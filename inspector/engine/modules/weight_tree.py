"""Weights without a model, as a module tree: one module for each component of the names in a file.

Nothing in it can be called. It is there so that whatever shows a model shows the weights too; the dotted names are
those of the file. Its modules are made when somebody looks at them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, TypeVar, overload

from torch import Tensor, nn

from ..values.unread import read_tensor
from .names import Names
from .tree import ModuleTree, Node

Self = TypeVar("Self", bound="Entry")

OWN = ""
"""Where an entry keeps the tensor that bears its name: no parameter of a real module can be called that."""

NOTHING_TO_CALL = "weights without a model: nothing to call"


class Entry(nn.Module):
    """One component of names. It has a tensor of its own, entries below it, or, where the names collide, both.

    `others` are the values of the file that are no tensors, where there are any.
    """

    others: Mapping[str, Any]

    def __init__(self, own: Tensor | None = None, others: Mapping[str, Any] | None = None) -> None:
        super().__init__()
        vars(self)["training"] = False
        if own is not None:
            vars(self)["_parameters"][OWN] = own
        if others:
            vars(self)["others"] = others

    def train(self: Self, mode: bool = True) -> Self:
        """There is no mode."""
        return self

    @property
    def own(self) -> Tensor | None:
        """The tensor that bears the name of this entry."""
        found: Tensor | None = vars(self)["_parameters"].get(OWN)
        return found


class Weights(Entry):
    """The root: tensors of a file, by the names that they have there. `about` is what is said of the file."""

    about: dict[str, Any]

    def __init__(self, names: Names) -> None:
        super().__init__(names.tensor(0), names.others.get(0))
        vars(self).update(names=names, about={})


class _Nodes(Sequence[Node]):
    """Made one by one, as they are looked at, and kept."""

    def __init__(self, root: Weights) -> None:
        self.names: Names = vars(root)["names"]
        self._made: dict[int, Node] = {0: Node(0, -1, "", root)}

    def __len__(self) -> int:
        return len(self.names.parents)

    @overload
    def __getitem__(self, index: int) -> Node: ...

    @overload
    def __getitem__(self, index: slice) -> list[Node]: ...

    def __getitem__(self, index: int | slice) -> Node | list[Node]:
        if isinstance(index, slice):
            return [self[each] for each in range(len(self))[index]]
        index = range(len(self))[index]
        node = self._made.get(index)
        if node is None:
            node = self._made[index] = self._make(index)
        return node

    def _make(self, index: int) -> Node:
        names = self.names
        entry = Entry(names.tensor(index), names.others.get(index))
        if index in names.parametrized:  # by this it is known
            vars(entry)["_modules"]["parametrizations"] = Entry()
        return Node(index, names.parents[index], names.paths[index][-1], entry)


def weight_tree(root: Weights) -> ModuleTree:
    """The entries of a file, which are made when somebody looks at them."""
    nodes = _Nodes(root)
    return ModuleTree(nodes, nodes.names.paths)


def names_in(tree: ModuleTree) -> Names | None:
    """The names in a file that this is the tree of; None where it is that of a model."""
    return tree.nodes.names if isinstance(tree.nodes, _Nodes) else None


def names_under(tree: ModuleTree) -> Names:
    """The same where it is known to be one. Raises `TypeError` for a model."""
    names = names_in(tree)
    if names is None:
        raise TypeError("this is the tree of a model")
    return names


def join_name(path: Iterable[str], name: str) -> str:
    """The name of a tensor that the module at `path` holds as `name`."""
    return ".".join(path if name == OWN else (*path, name))


def state_module(names: Names) -> nn.Module:
    """One module that holds every tensor under its full name: what a state dict of them would be."""
    holder = Entry()
    vars(holder)["_parameters"].update((name, read_tensor(own)) for name, own in names.full_names())
    return holder
