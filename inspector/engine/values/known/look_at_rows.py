"""A list of containers that was described before is looked at again: what changed in it is described, and no more."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import repeat
from operator import is_
from typing import Any, NamedTuple

from torch import Tensor

from ....records import MappingValue, SequenceValue, Value
from ...source.running import variables
from .. import objects
from ..per_type import PerType
from .leaves import LEAVES, is_leaf
from .looks import make_check
from .records import Records, header_of
from .seen_rows import FEWEST, Memory, Read, Row, SeenRows, read_dicts, read_objects, read_sequences

_SHARE = 4
"""Of a list in which one container in so many changed, or more, each is described."""
_OTHERS = (Tensor, *objects.SCALARS, dict, set, frozenset, *objects.SEQUENCES)


class Looking(NamedTuple):
    """Who looks: what there is of records and of tensors, and what describes what a container holds."""

    records: Records
    memory: Memory
    describe: Callable[[Sequence[object]], list[Value]]


def look_again(by: Looking, values: Sequence[Any], seen: SeenRows) -> SeenRows | None:
    """What is to be said of them now; None where too much is not as it was."""
    parts = seen.read(values)
    changed = seen.find_changed(parts) if parts is not None else None
    if parts is None or changed is None:
        return None
    now = _renew(by, values, seen, parts, changed) if changed else seen
    written = now.find_written(parts, by.memory) if now is not None else ()
    if now is None or not written:
        return now
    now = _renew(by, values, now, parts, written)
    return None if now is None or now.find_written(parts, by.memory) else now


def _renew(
    by: Looking, values: Sequence[Any], seen: SeenRows, parts: tuple[Any, ...], changed: Sequence[int]
) -> SeenRows | None:
    if len(changed) * _SHARE > len(values):
        return None
    anew: dict[int, Row] = {}
    for number in changed:
        held, names = _cut(seen.width, len(values), parts, number)
        if not _is_plain(held):
            return None
        row = _make_row(by, values[number], held, names, seen.row(number).keys, by.describe(held))
        if row is None:
            return None
        anew[number] = row
    return seen.replace(parts, anew)


def remember(by: Looking, values: Sequence[Any], items: Sequence[Value]) -> SeenRows | None:
    """So that they are found again, of whom this was said; None of what cannot be looked at together."""
    read, width = _reader_of(type(values[0])), _count(values[0])
    if read is None or not all(map(is_, map(type, values), repeat(type(values[0])))):
        return None
    parts, rows = read(values, width), list[Row]()
    if not parts:
        return None
    for number, (value, item) in enumerate(zip(values, items, strict=True)):
        held, names = _cut(width, len(values), parts, number)
        keys = by.records.names(names) if names else None
        if not _is_plain(held) or (names and keys is None):
            return None
        row = _make_row(by, value, held, names, keys, _items_of(item, held))
        if row is None or row.record != item:
            return None
        rows.append(row)
    return SeenRows(values, read, width, parts, rows) if sum([len(row.places) for row in rows]) >= FEWEST else None


def _cut(width: int, rows: int, parts: tuple[Any, ...], number: int) -> tuple[tuple[Any, ...], tuple[Any, ...]]:
    """What one of them holds, and the names in it."""
    first, names = number * width, (rows + number) * width
    return parts[first : first + width], parts[names : names + width]


def _is_plain(held: Sequence[Any]) -> bool:
    return all([type(part) is Tensor or is_leaf(part) for part in held])


def _make_row(
    by: Looking,
    value: Any,
    held: Sequence[Any],
    names: tuple[Any, ...],
    keys: tuple[str, ...] | None,
    items: Sequence[Value],
) -> Row | None:
    """None where its tensors are not what `items` say, or are none of which it can be said."""
    places = tuple([place for place, part in enumerate(held) if type(part) is Tensor])
    tensors = [held[place] for place in places]
    check = make_check(tensors)  # first: what another thread changes meanwhile is noticed
    known = by.memory.recall(tensors) if check is not None else None
    if check is None or known is None or not all(map(is_, by.memory.values(known), [items[at] for at in places])):
        return None
    kept = (*[part for part in held if type(part) is not Tensor], *names)
    return Row(_record(by.records, value, keys, tuple(items), bool(places)), keys, kept, places, check, known)


def _items_of(item: Value, held: Sequence[Any]) -> Sequence[Value]:
    """What was said of its tensors, and is to be said of the rest: another thread may have changed that since."""
    said = item.items if isinstance(item, MappingValue | SequenceValue) else ()
    if len(said) != len(held):
        said = (item,) * len(held)
    return [LEAVES[id(type(part))](part) if is_leaf(part) else one for part, one in zip(held, said, strict=True)]


def _record(
    records: Records, value: Any, keys: tuple[str, ...] | None, items: tuple[Value, ...], has_tensors: bool
) -> Value:
    header = header_of(type(value))
    if keys is None:
        return records.sequence(header, items, len(items))
    if not has_tensors and type(value) is not dict:
        return header.bare
    return records.mapping(header, keys, items, len(items))


def _count(value: Any) -> int:
    kind = type(value)
    return len(value) if kind is tuple or kind is list or kind is dict else len(variables(value))


def _find_reader(kind: type) -> Read | None:
    if kind is tuple or kind is list:
        return read_sequences
    if kind is dict:
        return read_dicts
    is_other = issubclass(kind, _OTHERS) or objects.has_fields(kind) or objects.is_named(kind) or objects.slots(kind)
    return None if is_other else read_objects


_reader_of = PerType(_find_reader)
