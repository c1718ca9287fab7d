"""An object that was described before, such as a key-value cache, is looked at again where nothing but what is in one
list of it can have changed."""

from __future__ import annotations

from ....records import SequenceValue
from .look_at_rows import Looking, look_again, remember
from .records import header_of
from .seen_objects import SeenList, SeenObject
from .seen_rows import FEWEST

_read_attribute = object.__getattribute__
_LIST = header_of(list)


def look_at_list(by: Looking, value: object, seen: SeenObject) -> SeenList | None:
    """What is in it now; None where each part is to be looked at."""
    known, held = seen.in_list, _read_attribute(value, "__dict__")
    if known is None or type(held) is not dict:
        return None
    parts = (*held.values(), *held)
    if [*map(id, parts)] != seen.ids or type(parts[seen.loose[0]]) is not list:
        return None
    rows = look_again(by, [*parts[seen.loose[0]]], known.rows)
    if rows is None or rows is known.rows:
        return known if rows is not None else None
    items = [*known.record.items]
    items[seen.loose[0]] = by.records.sequence(_LIST, rows.items, len(rows.items))
    record = by.records.mapping(seen.header, known.record.keys, tuple(items), known.record.length)
    seen.in_list = now = SeenList(rows, record, len(held) + rows.room)
    return now


def remember_list(by: Looking, seen: SeenObject, value: object) -> None:
    """Of an object whose only part that may change is the list `value`."""
    record = seen.described[1]
    shown = record.items[seen.loose[0]]
    if type(value) is list and isinstance(shown, SequenceValue) and FEWEST <= len(value) == len(shown.items):
        rows = remember(by, [*value], shown.items)
        seen.in_list = None if rows is None else SeenList(rows, record, record.length + rows.room)
