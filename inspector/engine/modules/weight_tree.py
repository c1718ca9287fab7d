"""Weights without a model, as a module tree: one module for each component of the names in a file.

Nothing in it can be called. It is there so that whatever shows a model shows the weights too; the dotted names are
those of the file.
"""

from __future__ import annotations

import gc
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, TypeVar

from torch import Tensor, nn

Self = TypeVar("Self", bound="Entry")

OWN = ""
"""Where an entry keeps the tensor that bears its name: no parameter of a real module can be called that."""

NOTHING_TO_CALL = "weights without a model: nothing to call"

_SHARED = {key: value for key, value in vars(nn.Module()).items() if key not in ("_parameters", "_modules")}
"""What torch expects every module to have. No entry is ever written to, and 100,000 of them need not have their own."""


class Entry(nn.Module):
    """One component of names. It has a tensor of its own, entries below it, or, where the names collide, both.

    `others` are the values of the file that are no tensors, where there are any.
    """

    about: dict[str, Any]
    others: dict[str, Any]

    def __init__(self) -> None:
        vars(self).update(_SHARED, _parameters={}, _modules={}, training=False)

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

    def __init__(self) -> None:
        super().__init__()
        vars(self)["about"] = {}


@contextmanager
def without_collecting() -> Iterator[None]:
    """While very many objects are made, and none of them is let go, the garbage collector looks at all of them again
    and again: with 300,000 names that takes longer than all else."""
    collects = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if collects:
            gc.enable()


def join_name(path: Iterable[str], name: str) -> str:
    """The name of a tensor that the module at `path` holds as `name`."""
    return ".".join(path if name == OWN else (*path, name))


def tree_of(tensors: Mapping[tuple[str, ...], Tensor], others: Mapping[tuple[str, ...], Any]) -> Weights:
    """The tree of these names. A tensor keeps the order of its first component in the file."""
    root = Weights()
    for path, tensor in tensors.items():
        vars(_at(root, path))["_parameters"][OWN] = tensor
    for path, value in others.items():
        held: dict[str, Any] = vars(_at(root, path[:-1])).setdefault("others", {})
        held[path[-1]] = value
    return root


def _at(root: Weights, path: tuple[str, ...]) -> Entry:
    """The entry at `path`, made where it is not there."""
    entry: Entry = root
    for key in path:
        children: dict[str, Entry] = vars(entry)["_modules"]
        entry = children[key] if key in children else children.setdefault(key, Entry())
    return entry


def order_numbers(root: Entry) -> None:
    """Put entries that are numbers in their order, where they stand as text does: 0, 1, 10, 2."""
    pending = [root]
    while pending:
        children: dict[str, Entry] = vars(pending.pop())["_modules"]
        if children and all(key.isascii() and key.isdigit() for key in children):
            ordered = sorted(children.items(), key=lambda item: (len(item[0]), item[0]))
            children.clear()
            children.update(ordered)
        pending.extend(child for child in children.values() if vars(child)["_modules"])


def flatten(root: nn.Module) -> nn.Module:
    """One module that holds every tensor below `root` under its full name: what a state dict of them would be."""
    holder = Entry()
    pending: list[tuple[tuple[str, ...], nn.Module]] = [((), root)]
    while pending:
        path, entry = pending.pop()
        for tensor in vars(entry)["_parameters"].values():
            vars(holder)["_parameters"][".".join(path)] = tensor
        pending.extend(((*path, key), child) for key, child in reversed(vars(entry)["_modules"].items()))
    return holder
