"""Objects that were described by their attributes, and lists of such objects, to be found again as they were."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from copy import copy
from itertools import chain, compress, count, repeat
from operator import is_, itemgetter, ne
from typing import Any

from torch import Tensor

from ....records import MappingValue, Value

FEWEST = 8
"""Objects in a list that are looked at together; of fewer each is looked at as soon."""

_read_attribute = object.__getattribute__
_DICTS, _TENSORS, _NAME = repeat(dict), repeat(Tensor), repeat("__dict__")


class SeenObject:
    """An object that was described by its attributes: of those that are the same plain objects as then, and are kept
    for that, nothing is said anew."""

    __slots__ = ("described", "header", "ids", "kept", "kind", "loose")

    def __init__(
        self,
        value: object,
        header: Any,
        held: dict[str, object],
        record: MappingValue,
        is_leaf: Callable[[object], bool],
    ) -> None:
        self.kind = type(value)
        self.header = header
        parts = [*held.values(), *held]
        self.ids = [*map(id, parts)]
        self.loose = [number for number, part in enumerate(parts) if not is_leaf(part)]
        self.described = [record.items[number] for number in self.loose], record  # in one: threads may share it
        self.kept = [part for part in parts if is_leaf(part)]


class SeenList:
    """A list of objects of one class, alike in their attributes: tensors in the same places, and else nothing that may
    change. One look at all takes half as long as one at each. It is never written to: threads may share it."""

    __slots__ = ("_described", "_ids", "_objects", "_take", "items")

    def __init__(self, objects: Sequence[SeenObject], items: Sequence[Value]) -> None:
        width, loose = len(objects[0].ids), objects[0].loose
        self.items = tuple(items)
        self._objects = list(objects)
        self._ids = [*chain.from_iterable([each.ids for each in objects])]
        self._described = [*chain.from_iterable([each.described[0] for each in objects])]
        self._take = itemgetter(*[first + place for first in range(0, len(self._ids), width) for place in loose])

    @staticmethod
    def of(objects: Sequence[SeenObject | None], items: Sequence[Value]) -> SeenList | None:
        """None where they are not alike."""
        first = objects[0]
        if first is None or len(objects) * len(first.loose) < FEWEST:
            return None
        for each, item in zip(objects, items, strict=True):
            if each is None or not _are_alike(each, first) or each.described[1] is not item:
                return None
        return SeenList([each for each in objects if each is not None], items)

    def read(self, values: Sequence[object]) -> list[Any] | None:
        """The attributes of all, and their names; None where they cannot be those of as many objects alike."""
        first = self._objects[0]
        if len(values) != len(self._objects) or not all(map(is_, map(type, values), repeat(first.kind))):
            return None
        held = [*map(_read_attribute, values, _NAME)]
        if not all(map(is_, map(type, held), _DICTS)) or {*map(len, held)} != {len(first.ids) // 2}:
            return None
        return [*chain.from_iterable(chain.from_iterable(zip(map(dict.values, held), held, strict=True)))]

    def tensors(self, parts: list[Any]) -> Sequence[Tensor] | None:
        """Those among them; None where something else is in the place of one."""
        found: Sequence[Tensor] = self._take(parts)
        return found if all(map(is_, map(type, found), _TENSORS)) else None

    def find_moved(self, parts: list[Any]) -> Sequence[int]:
        """Which objects have other attributes than they had."""
        return _find_others([*map(id, parts)], self._ids, len(self._objects))

    def find_changed(self, described: Sequence[Value]) -> Sequence[int]:
        """Which objects have tensors that are described otherwise now."""
        if len(described) == len(self._described) and all(map(is_, described, self._described)):
            return ()
        return _find_others([*map(id, described)], [*map(id, self._described)], len(self._objects))

    def replace(self, number: int, seen: SeenObject | None) -> SeenList | None:
        """With this one in that place; None where it is not like the others."""
        first = self._objects[0]
        if seen is None or not _are_alike(seen, first):
            return None
        described, item = seen.described
        made = copy(self)
        made._objects, made._ids, made._described = self._objects.copy(), self._ids.copy(), self._described.copy()
        made._objects[number] = seen
        made._ids[number * len(seen.ids) : (number + 1) * len(seen.ids)] = seen.ids
        made._described[number * len(described) : (number + 1) * len(described)] = described
        made.items = (*self.items[:number], item, *self.items[number + 1 :])
        return made


def _are_alike(seen: SeenObject, other: SeenObject) -> bool:
    return seen.kind is other.kind and seen.loose == other.loose and len(seen.ids) == len(other.ids)


def _find_others(found: list[int], known: list[int], objects: int) -> Sequence[int]:
    if found == known:
        return ()
    each = len(known) // objects
    return sorted({number // each for number in compress(count(), map(ne, found, known))})
