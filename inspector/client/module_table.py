"""The module list as its client keeps it: in columns, since there may be 100,000 modules, of which one sees forty.

What is asked for is made when it is asked for: a row, a path, the modules below another.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Iterator
from typing import TypeVar

from ..made_rows import MadeRows
from ..records import ModuleRow, Path
from ..records.badges import Badge

_MANY = 16
"""Modules below one, from which on it is remembered which of their keys is which row's."""

Value = TypeVar("Value", str, int)


class ModuleTable(MadeRows[ModuleRow]):
    """Rows in preorder, by index; row 0 is the root. The modules below a row are those that follow it up to its end."""

    def __init__(self) -> None:
        self.parents = array("i")
        self.depths = array("i")  # keys in the path
        self._aliases: dict[int, int] = {}  # the row of the module object, for each other row of it
        self._ends = array("i")  # 0 while more may come below
        self._open: list[int] = []  # the rows below which the next one may stand, from the root down
        self._keys: list[str] = []
        self.class_names: list[str] = []
        self._parameters: list[int] = []
        self.own_parameters: list[int] = []
        self._nbytes: list[int] = []
        self._badges: dict[int, tuple[Badge, ...]] = {}
        self._shapes: dict[int, tuple[int, ...]] = {}
        self._strings: dict[str, str] = {}  # each once, whichever rows have it
        self._numbers: dict[int, int] = {}  # likewise
        self._below: dict[int, dict[str, int]] = {}  # key -> row, where there are many

    def extend(self, rows: Iterable[ModuleRow]) -> None:
        """Take in the rows that follow."""
        self._below.clear()
        for row in rows:
            depth = self.depths[row.parent] + 1 if row.parent >= 0 else 0
            while len(self._open) > depth:
                self._ends[self._open.pop()] = row.index
            self._open.append(row.index)
            self.parents.append(row.parent)
            self.depths.append(depth)
            self._ends.append(0)
            if row.alias_of >= 0:
                self._aliases[row.index] = row.alias_of
            self._keys.append(_once(self._strings, row.key))
            self.class_names.append(_once(self._strings, row.class_name))
            self._parameters.append(_once(self._numbers, row.parameters))
            self.own_parameters.append(_once(self._numbers, row.own_parameters))
            self._nbytes.append(_once(self._numbers, row.nbytes))
            if row.badges:
                self._badges[row.index] = row.badges
            if row.shape is not None:
                self._shapes[row.index] = row.shape

    def __len__(self) -> int:
        return len(self.parents)

    def _row(self, index: int) -> ModuleRow:
        return ModuleRow(
            index,
            self.parents[index],
            self._keys[index],
            self.class_names[index],
            self._parameters[index],
            self.own_parameters[index],
            self._nbytes[index],
            self._aliases.get(index, -1),
            self.badges(index),
            self._shapes.get(index),
        )

    def key(self, index: int) -> str:
        return self._keys[index]

    def badges(self, index: int) -> tuple[Badge, ...]:
        return self._badges.get(index, ())

    def object_of(self, index: int) -> int:
        """The row that stands for the module object itself: an alias leads to the row it is an alias of."""
        return self._aliases.get(index, index)

    def objects_of(self, indices: Iterable[int]) -> frozenset[int]:
        """The rows that stand for the module objects in all of these."""
        found = set(indices)
        aliases = self._aliases.keys() & found
        return frozenset(found - aliases | {self._aliases[index] for index in aliases})

    def is_alias(self, index: int) -> bool:
        return index in self._aliases

    def list_odd(self) -> set[int]:
        """The rows of aliases, and those with badges."""
        return {*self._badges, *self._aliases}

    def end(self, index: int) -> int:
        """The row after the last one below this, as far as they have come."""
        return self._ends[index] or len(self)

    def has_children(self, index: int) -> bool:
        return self.end(index) > index + 1

    def children(self, index: int) -> Iterator[int]:
        """The rows directly below."""
        child, end = index + 1, self.end(index)
        while child < end:
            yield child
            child = self.end(child)

    def path(self, index: int) -> Path:
        keys = []
        while index > 0:
            keys.append(self._keys[index])
            index = self.parents[index]
        return tuple(reversed(keys))

    def paths(self) -> Iterator[Path]:
        """Of all rows, in order."""
        path: list[str] = []
        for depth, key in zip(self.depths, self._keys, strict=True):
            if depth:
                path[depth - 1 :] = [key]
            yield tuple(path)

    def dotted(self) -> Iterator[str]:
        """The paths as people write them."""
        names: list[str] = []  # with a dot behind them
        for parent, key in zip(self.parents, self._keys, strict=True):
            name = names[parent] + key if parent > 0 else key if parent == 0 else ""
            names.append(name + ".")
            yield name

    def index_of(self, path: Path) -> int | None:
        """The row at this path, None where there is none."""
        index: int | None = 0 if len(self) else None
        for key in path:
            if index is None:
                break
            index = self._child(index, key)
        return index

    def _child(self, index: int, key: str) -> int | None:
        known = self._below.get(index)
        if known is None:
            known = {self._keys[child]: child for child in self.children(index)}
            if len(known) >= _MANY:
                self._below[index] = known
        return known.get(key)


class Paths(MadeRows[Path]):
    """Those of the rows of a table."""

    def __init__(self, rows: ModuleTable) -> None:
        self._rows = rows

    def __len__(self) -> int:
        return len(self._rows)

    def __iter__(self) -> Iterator[Path]:
        return self._rows.paths()

    def _row(self, index: int) -> Path:
        return self._rows.path(index)


def _once(known: dict[Value, Value], value: Value) -> Value:
    return known.setdefault(value, value)
