"""The structure of one value -> a `Value`: what is in a container, within a budget and without following a cycle.

How a value is read is decided once for each type. A container whose parts were described as those of one before is that
one's record: making a record costs more than finding it, and whoever is told of it again knows it by its identity.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from itertools import islice
from operator import is_
from typing import Any

from torch import Tensor

from ...records import MappingValue, OtherValue, Value
from ..source.running import variables
from . import objects
from .known.leaves import LEAVES, is_leaf
from .known.look_at_objects import look_at_list, remember_list
from .known.look_at_rows import Looking, look_again, remember
from .known.records import MAX_ITEMS, Header, Records, header_of, write
from .known.seen_objects import SeenObject
from .known.seen_rows import FEWEST, Memory, SeenRows
from .per_type import PerType

MAX_PARTS = 1_000
"""Items shown of one value, all its containers together."""
MAX_DEPTH = 16

_CONTAINERS = (dict, list, tuple, deque)
_HOLDING = (Tensor, *_CONTAINERS)
_read_attribute = object.__getattribute__

Form = Callable[["Walk", Any], Value]
"""How a value of one type is described."""


class Walk:
    """Through one value.

    Args:
        records: Of containers that were described before.
        tensor: Describes a tensor.
        plain: Describes one of torch's own class; None where that is no other way.
        memory: Of tensors of torch's own class; without it none is found again in a list.
    """

    __slots__ = ("_left", "_memory", "_plain", "inside", "records", "tensor")

    def __init__(
        self,
        records: Records,
        tensor: Callable[[Any], Value],
        plain: Callable[[Any], Value] | None = None,
        memory: Memory | None = None,
    ) -> None:
        self.records = records
        self.tensor = tensor
        self._plain = plain or tensor
        self._memory = memory
        self.inside: set[int] = set()  # ids of the containers that we are in
        self._left = MAX_PARTS

    def describe(self, value: object) -> Value:
        return self._describe([value])[0]

    def items(self, value: object, held: Sequence[object]) -> tuple[Value, ...]:
        """Of what the container `value` holds, as far as there is room."""
        if len(held) > self._left:
            held = held[: max(0, self._left)]
        self._left -= len(held)
        own = id(value)
        self.inside.add(own)
        try:
            return tuple(self._describe(held))
        finally:
            self.inside.discard(own)

    def _describe(self, values: Sequence[object]) -> list[Value]:
        """One loop, and no call for each: most of what a container holds needs a look at its type alone."""
        plain, leaf_of, seen_of, found = self._plain, LEAVES.get, self.records.objects.get, []
        for value in values:
            kind = type(value)
            try:
                if kind is Tensor:
                    found.append(plain(value))
                elif (leaf := leaf_of(id(kind))) is not None:
                    found.append(leaf(value))
                else:
                    seen = seen_of(id(value))
                    again = self._look_again(value, seen) if seen is not None and seen.kind is kind else None
                    found.append(again or _form_of(kind)(self, value))
            except Exception as error:  # no code of the object's own is meant to run, but who knows every object?
                found.append(objects.other(value, f"cannot be read: {type(error).__name__}"))
        return found

    def _look_again(self, value: object, seen: SeenObject) -> MappingValue | None:
        """At those attributes that may not be what they were; None where there are others."""
        if seen.width > self._left or self.refuses(value):
            return None
        if seen.in_list is not None:
            return self._look_at_list(value, seen)
        held = _read_attribute(value, "__dict__")
        if type(held) is not dict:
            return None
        parts = (*held.values(), *held)
        if [*map(id, parts)] != seen.ids:
            return None
        self._left -= seen.width
        before, record = seen.described
        items, plain = [], self._plain
        for number in seen.loose:
            part = parts[number]
            items.append(plain(part) if type(part) is Tensor else self._look_inside(value, part))
        if not all(map(is_, items, before)):
            described = list(record.items)
            for number, item in zip(seen.loose, items, strict=True):
                described[number] = item
            record = self.records.mapping(seen.header, record.keys, tuple(described), record.length)
            seen.described = items, record
        return record

    def _look_at_list(self, value: object, seen: SeenObject) -> MappingValue | None:
        """At an object of which nothing but what is in one list can have changed; None where each part is to be looked
        at."""
        memory, left = self._memory, self._left
        if memory is None or len(self.inside) + 2 >= MAX_DEPTH:
            return None
        found = look_at_list(Looking(self.records, memory, self._describe), value, seen)
        self._left = left
        if found is None or found.room > left:
            return None
        self._left -= found.room
        memory.see_again(found.rows.known)
        return found.record

    def sequence(self, value: object, shown: list[object]) -> tuple[Value, ...]:
        """Of the parts of a sequence that are shown."""
        memory = self._memory
        if len(shown) < FEWEST or memory is None or type(shown[0]) is Tensor or is_leaf(shown[0]):
            return self.items(value, shown)
        seen, left = self.records.rows(value), self._left
        if seen is not None and (now := self._look_at_all(shown, seen, memory)) is not None:
            if now is not seen:
                self.records.keep_rows(value, now)
            return now.items
        self._left = left
        items = self.items(value, shown)
        if not self.records.is_new(value) and len(items) == len(shown):
            self.records.keep_rows(value, remember(Looking(self.records, memory, self._describe), shown, items))
        return items

    def _look_at_all(self, shown: list[object], seen: SeenRows, memory: Memory) -> SeenRows | None:
        """At a list of containers of which few changed; None where each is to be looked at."""
        left = self._left
        if len(self.inside) + 1 >= MAX_DEPTH:
            return None
        now = look_again(Looking(self.records, memory, self._describe), shown, seen)
        self._left = left
        if now is None or now.room > left:
            return None
        self._left -= now.room
        memory.see_again(now.known)
        return now

    def remember(self, value: object, seen: SeenObject, held: dict[str, object], record: MappingValue) -> None:
        """An object by its attributes, for the next time."""
        seen.keep(record)
        self.records.keep_object(value, seen)
        if self._memory is not None and len(seen.loose) == 1:
            looking = Looking(self.records, self._memory, self._describe)
            remember_list(looking, seen, [*held.values()][seen.loose[0]])

    def _look_inside(self, value: object, part: object) -> Value:
        """At a part of `value` that its budget has room for."""
        self._left += 1
        return self.items(value, [part])[0]

    def refuses(self, value: object) -> bool:
        """Whether a container is not to be entered."""
        return id(value) in self.inside or len(self.inside) >= MAX_DEPTH


def _refuse(walk: Walk, value: object) -> Value | None:
    if id(value) in walk.inside:
        return objects.other(value, "itself again (a cycle)")
    if objects.is_a(value, _CONTAINERS) or objects.is_dataclass(value):
        return objects.other(value, f"nested deeper than {MAX_DEPTH} levels")
    return None


def _sequence_form(kind: type, builtin: Any) -> Form:
    header = header_of(kind)
    iterate, count = builtin.__iter__, builtin.__len__

    def describe(walk: Walk, value: Any) -> Value:
        if walk.refuses(value) and (refused := _refuse(walk, value)) is not None:
            return refused
        length = count(value)
        shown = list(iterate(value) if length <= MAX_ITEMS else islice(iterate(value), MAX_ITEMS))
        return walk.records.sequence(header, walk.sequence(value, shown), length)

    return describe


def _dict_form(kind: type) -> Form:
    header = header_of(kind)

    def describe(walk: Walk, value: Any) -> Value:
        if walk.refuses(value) and (refused := _refuse(walk, value)) is not None:
            return refused
        keys = tuple(islice(dict.__iter__(value), MAX_ITEMS))
        return _mapping(walk, header, value, walk.records.names(keys) or write(keys), value)

    return describe


def _fields_form(kind: type) -> Form:
    header = header_of(kind)

    def describe(walk: Walk, value: Any) -> Value:
        if walk.refuses(value) and (refused := _refuse(walk, value)) is not None:
            return refused
        held = objects.fields(value)
        return _mapping(walk, header, value, write(held), held)

    return describe


def _object_form(kind: type) -> Form:
    """An object that holds tensors (a cache, an output class with slots) is shown by its attributes."""
    header = header_of(kind)
    has_slots = bool(objects.slots(kind))

    def describe(walk: Walk, value: Any) -> Value:
        held: Any = objects.attributes(value) if has_slots else variables(value)
        is_plain = type(held) is dict and not has_slots
        if is_plain:
            held = held.copy()  # another thread may write to it
        if not any(issubclass(type(part), _HOLDING) for part in dict.values(held)):
            return header.bare
        if walk.refuses(value):
            return _refuse(walk, value) or header.bare
        names = walk.records.names(tuple(islice(dict.__iter__(held), MAX_ITEMS)))
        if names is None:
            held = objects.attributes(value)
            return _mapping(walk, header, value, write(held), held)
        record = _mapping(walk, header, value, names, held)
        if is_plain and len(record.items) == len(held):
            walk.remember(value, SeenObject(value, header, held), held, record)
        return record

    return describe


def _mapping(walk: Walk, header: Header, value: object, names: tuple[str, ...], held: Any) -> MappingValue:
    """`value` by what is in the dict `held`."""
    length = dict.__len__(held)
    parts = dict.values(held)
    items = walk.items(value, list(parts if length <= MAX_ITEMS else islice(parts, MAX_ITEMS)))
    return walk.records.mapping(header, names if len(names) == len(items) else names[: len(items)], items, length)


def _named(walk: Walk, value: Any) -> Value:
    named = objects.describe_by_name(value) or objects.other(value, "")
    return walk.records.plain(named) if type(named) is OtherValue else named


def _find_form(kind: type) -> Form:
    """In the order in which `parts` tells containers apart."""
    if issubclass(kind, Tensor):
        return lambda walk, value: walk.tensor(value)
    if issubclass(kind, objects.SCALARS):
        return lambda walk, value: objects.scalar(value)
    if issubclass(kind, dict):
        return _dict_form(kind)
    if issubclass(kind, (set, frozenset)):
        return _named
    for builtin in objects.SEQUENCES:
        if issubclass(kind, builtin):
            return _sequence_form(kind, builtin)
    if objects.has_fields(kind):
        return _fields_form(kind)
    return _named if objects.is_named(kind) else _object_form(kind)


_form_of = PerType(_find_form)
DICT, TUPLE = header_of(dict), header_of(tuple)
