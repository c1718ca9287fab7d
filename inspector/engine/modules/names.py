"""The names in a file as a tree: columns of what stands where, since there may be 300,000 of them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from torch import Tensor

from ...records import Path
from ...text import encodable
from ..values.unread import Held, read_tensor
from .tree import MAX_KEY

_PARAMETRIZATIONS = "parametrizations"

_Branch = dict[str | None, Any]
"""Components of names -> branches; None -> the tensor that bears the name up to here."""


@dataclass
class Names:
    """One entry for each component of names, each before those below it, the root first. `owns` has the tensor that
    bears the name up to there, `others` the values of the file that are no tensors."""

    parents: list[int] = field(default_factory=list)
    paths: list[Path] = field(default_factory=list)  # as they are shown: unique among siblings
    parts: list[str] = field(default_factory=list)  # as the file has them
    owns: list[Held | None] = field(default_factory=list)
    others: dict[int, dict[str, Any]] = field(default_factory=dict)
    parametrized: set[int] = field(default_factory=set)
    _read: dict[int, Tensor] = field(default_factory=dict)  # by the id of what they stand for

    @cached_property
    def owners(self) -> dict[int, list[int]]:
        """The entries of each tensor that has several, by its id."""
        found: dict[int, list[int]] = defaultdict(list)
        for index, own in enumerate(self.owns):
            if own is not None:
                found[id(own)].append(index)
        return {key: indices for key, indices in found.items() if len(indices) > 1}

    def below(self, start: int) -> range:
        """This entry and those below it."""
        depth, stop = len(self.paths[start]), start + 1
        while stop < len(self.paths) and len(self.paths[stop]) > depth:
            stop += 1
        return range(start, stop)

    def tensor(self, index: int) -> Tensor | None:
        """The tensor of an entry, the same each time."""
        own = self.owns[index]
        if own is None:
            return None
        found = self._read.get(id(own))
        if found is None:
            found = self._read[id(own)] = read_tensor(own)
        return found

    def full_names(self) -> Iterator[tuple[str, Held]]:
        """Every tensor by the name that the file has for it."""
        full: list[str] = []
        for index, parent in enumerate(self.parents):
            above = full[parent] if parent > 0 else ""
            full.append(f"{above}.{self.parts[index]}" if above else self.parts[index])
            own = self.owns[index]
            if own is not None:
                yield full[-1], own


def names_of(tensors: Mapping[Path, Held], others: Mapping[Path, Any], numbered: bool = False) -> Names:
    """The tree of these paths. What has one beginning stands together, where the first of it stands.

    Args:
        tensors: What bears each name.
        others: Values that are no tensors. The last component is what they are called.
        numbered: Entries that are numbers stand as text does, 0, 1, 10, 2, and are put in their order.
    """
    root: _Branch = {}
    above: Path = ()
    branch = root
    for path, tensor in tensors.items():
        if path[:-1] != above:  # of most it is that of the one before
            above, branch = path[:-1], _branch(root, path[:-1])
        _branch(branch, path[-1:])[None] = tensor
    beside: dict[int, dict[str, Any]] = {}
    for path, value in others.items():
        beside.setdefault(id(_branch(root, path[:-1])), {})[path[-1]] = value
    return _lay_out(root, beside, numbered)


def _branch(root: _Branch, path: Path) -> _Branch:
    branch = root
    for part in path:
        below = branch.get(part)
        if below is None:
            below = branch[part] = {}
        branch = below
    return branch


def _lay_out(root: _Branch, beside: Mapping[int, dict[str, Any]], numbered: bool) -> Names:
    names = Names()
    pending: list[tuple[int, Path, str, _Branch]] = [(-1, (), "", root)]
    while pending:
        parent, path, part, branch = pending.pop()
        index = len(names.parents)
        names.parents.append(parent)
        names.paths.append(path)
        names.parts.append(part)
        names.owns.append(branch.pop(None, None))
        if id(branch) in beside:
            names.others[index] = beside[id(branch)]
        if branch:
            if _PARAMETRIZATIONS in branch:
                names.parametrized.add(index)
            below = [(index, (*path, key), part, branch[part]) for key, part in _keys(branch, numbered)]
            below.reverse()
            pending += below
    return names


def _keys(branch: _Branch, numbered: bool) -> list[tuple[str, str]]:
    """How each component is shown, and it itself."""
    parts = [part for part in branch if part is not None]
    if numbered and all(part.isascii() and part.isdigit() for part in parts):
        parts.sort(key=lambda part: (len(part), part))
    if all(part.isascii() and len(part) <= MAX_KEY for part in parts):
        return [(part, part) for part in parts]
    taken: set[str] = set()
    return [(_free(encodable(part, MAX_KEY), taken), part) for part in parts]


def _free(key: str, taken: set[str]) -> str:
    """Different components can be shown alike."""
    while key in taken:
        key += "'"
    taken.add(key)
    return key
