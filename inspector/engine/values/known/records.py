"""The records of containers, to be found again: whoever is told of one again knows it by its identity."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import islice, repeat
from operator import is_
from typing import Any

from ....records import MappingValue, OtherValue, SequenceValue, Value
from .. import objects
from ..per_type import PerType
from .seen_objects import SeenObject
from .seen_rows import SeenRows

MAX_ITEMS = 100
"""Items shown of one container."""

_MOST = 10_000  # records that are found again
_MOST_NAMES, _LONGEST = 1_000, 1_000  # tuples of keys that are, and characters in one
_written: dict[tuple[Any, ...], tuple[str, ...]] = {}  # for all passes: a model is called by the same names in each
_STRINGS = repeat(str)


class Records:
    """The records of containers by what they are of. Keeps them, and nothing of the values."""

    def __init__(self) -> None:
        self._known: dict[tuple[object, ...], Any] = {}  # by the ids of their parts, which each keeps, or by words
        self.objects: dict[int, SeenObject] = {}  # by the id of the object, which may be another one by now
        self._lists: dict[int, SeenRows | None] = {}  # by the id of the list; None where it was seen once

    def sequence(self, header: Header, items: tuple[Value, ...], length: int) -> SequenceValue:
        key = (header, length, *map(id, items))
        found: SequenceValue | None = self._known.get(key)
        if found is None:
            made = SequenceValue(header.name, items, length, header.names, header.is_tuple)
            found = self._keep(key, made)
        return found

    def mapping(self, header: Header, keys: tuple[str, ...], items: tuple[Value, ...], length: int) -> MappingValue:
        key = (header, id(keys), length, *map(id, items))
        found: MappingValue | None = self._known.get(key)
        if found is None:
            found = self._keep(key, MappingValue(header.name, keys, items, length))
        return found

    def plain(self, record: OtherValue) -> OtherValue:
        """One record for all of whom the same is said."""
        key = (record.type, record.text)
        found: OtherValue = self._known.get(key) or self._keep(key, record)
        return found

    def _keep(self, key: tuple[object, ...], made: Any) -> Any:
        if len(self._known) >= _MOST:
            self._known.clear()
        self._known[key] = made
        return made

    def names(self, keys: tuple[Any, ...]) -> tuple[str, ...] | None:
        """Keys as they are written; None where they are not all plain strings, which may be asked for their hash."""
        if not all(map(is_, map(type, keys), _STRINGS)):
            return None
        found = _written.get(keys)
        if found is None:
            found = write(keys)
            if sum(map(len, keys)) <= _LONGEST:  # others are not kept for good
                if len(_written) >= _MOST_NAMES:
                    _written.clear()
                _written[keys] = found
        return found

    def keep_object(self, value: object, seen: SeenObject) -> None:
        if len(self.objects) >= _MOST:
            self.objects.clear()
        self.objects[id(value)] = seen

    def rows(self, value: object) -> SeenRows | None:
        """What is in a list, as it was seen last."""
        return self._lists.get(id(value))

    def is_new(self, value: object) -> bool:
        """Whether a list was not there before: most are never seen again. It was from now on."""
        if id(value) in self._lists:
            return False
        self.keep_rows(value, None)
        return True

    def keep_rows(self, value: object, rows: SeenRows | None) -> None:
        if len(self._lists) >= _MOST:
            self._lists.clear()
        self._lists[id(value)] = rows

    def clear(self) -> None:
        """Nothing is known from here on."""
        self._known.clear()
        self.objects.clear()
        self._lists.clear()


class Header:
    """What a record says of the type of a container. Told from others by identity."""

    __slots__ = ("bare", "is_tuple", "name", "names")

    def __init__(self, kind: type) -> None:
        self.name = objects.name_of(kind)
        self.bare = OtherValue(self.name, "")  # of an object that holds nothing that is shown
        self.is_tuple = issubclass(kind, tuple)
        self.names = objects.names_of_fields(kind)[:MAX_ITEMS] if self.is_tuple else ()


header_of = PerType(Header)


def write(keys: Iterable[object]) -> tuple[str, ...]:
    """Keys as they are shown."""
    return tuple([objects.key(key) for key in islice(keys, MAX_ITEMS)])
