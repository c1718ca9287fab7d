"""A list of containers that was described before is looked at again: what changed in it is described, and no more."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import accumulate
from operator import is_
from typing import Any, NamedTuple

from torch import Tensor

from ....records import MappingValue, SequenceValue, Value
from .. import objects
from ..per_type import PerType
from .leaves import LEAVES, is_leaf
from .looks import make_check
from .records import MAX_ITEMS, Records, header_of
from .seen_rows import Memory, Read, Row, SeenRows, read_all, read_dicts, read_objects, read_sequences

_ROUNDS = 4
"""Looks at a list: which objects are in it, what was written to, what looks otherwise, whether all is as it is said."""
_OTHERS = (Tensor, *objects.SCALARS, dict, set, frozenset, *objects.SEQUENCES)


class Looking(NamedTuple):
    """Who looks: what there is of records and of tensors, and what describes what a container holds."""

    records: Records
    memory: Memory
    describe: Callable[[Sequence[object]], list[Value]]


def look_again(by: Looking, values: Sequence[Any], seen: SeenRows) -> SeenRows | None:
    """What is to be said of them now; None where they are others."""
    read = seen.read(values)
    if read is None:
        return None
    now: SeenRows | None = seen
    for _ in range(_ROUNDS):
        if now is None or not (changed := now.find_changed(*read, by.memory)):
            return now
        now = _renew(by, values, now, read, changed)
    return None


def _renew(
    by: Looking,
    values: Sequence[Any],
    seen: SeenRows,
    read: tuple[list[int], tuple[Any, ...]],
    changed: Sequence[int],
) -> SeenRows | None:
    (sizes, parts), anew = read, dict[int, Row]()
    starts = [*accumulate(sizes, initial=0)]
    for number in changed:
        found = _cut(by.records, parts[starts[number] : starts[number + 1]], seen.rows[number].keys is not None)
        near = anew.get(number - 1) or seen.rows[number - 1]
        row = None if found is None else _make_row(by, values[number], *found, by.describe(found[0]), near)
        if row is None:
            return None
        anew[number] = row
    return seen.replace(sizes, parts, anew)


def remember(by: Looking, values: Sequence[Any], items: Sequence[Value]) -> SeenRows | None:
    """So that they are found again, of whom this was said; None of what cannot be looked at together."""
    kinds = [*map(type, values)]
    read = _reader_of(kinds[0])
    if read is None or any([_reader_of(kind) is not read for kind in kinds]):
        return None
    found = read_all(read, values, kinds)
    if found is None:
        return None
    sizes, parts = found
    starts, rows = [*accumulate(sizes, initial=0)], list[Row]()
    for number, (value, item) in enumerate(zip(values, items, strict=True)):
        cut = _cut(by.records, parts[starts[number] : starts[number + 1]], read is not read_sequences)
        row = None if cut is None else _make_row(by, value, *cut, _items_of(item, cut[0]))
        if row is None or row.record != item:
            return None
        rows.append(row)
    return SeenRows(read, kinds, sizes, parts, rows)


def _cut(
    records: Records, block: tuple[Any, ...], has_names: bool
) -> tuple[tuple[Any, ...], tuple[Any, ...], tuple[str, ...] | None] | None:
    """What one of them holds, the names of that, and these as they are written, None where there are none; None of what
    is to be looked at part by part."""
    names = block[len(block) // 2 :] if has_names else ()
    held = block[: len(block) - len(names)]
    keys = records.names(names) if has_names else None
    is_plain = all([type(part) is Tensor or id(type(part)) in LEAVES for part in held])
    return (held, names, keys) if is_plain and len(held) <= MAX_ITEMS and (keys is None) is not has_names else None


def _make_row(
    by: Looking,
    value: Any,
    held: Sequence[Any],
    names: tuple[Any, ...],
    keys: tuple[str, ...] | None,
    items: Sequence[Value],
    near: Row | None = None,
) -> Row | None:
    """None where its tensors are not what `items` say, or are none of which it can be said. Those of the one before it
    may look alike: then one question is for both."""
    places = tuple([place for place, part in enumerate(held) if type(part) is Tensor])
    tensors = [held[place] for place in places]
    like = near.check if near is not None and len(near.places) == len(places) else None
    check = make_check(tensors, like)  # first: what another thread changes meanwhile is noticed
    known = by.memory.recall(tensors) if check is not None else None
    if check is None or known is None or not all(map(is_, by.memory.values(known), [items[at] for at in places])):
        return None
    kept = (*[part for part in held if type(part) is not Tensor], *names)
    record = _record(by.records, value, keys, tuple(items), bool(places))
    return Row(record, len(held), keys, kept, places, check, known)


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


def _find_reader(kind: type) -> Read | None:
    if kind is tuple or kind is list:
        return read_sequences
    if kind is dict:
        return read_dicts
    is_other = issubclass(kind, _OTHERS) or objects.has_fields(kind) or objects.is_named(kind) or objects.slots(kind)
    return None if is_other else read_objects


_reader_of = PerType(_find_reader)
