"""Messages that are almost what they should be: any record with one field of it replaced. For both directions."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from random import Random
from typing import Any

import msgspec
from msgspec import inspect

NASTY: tuple[Any, ...] = (
    None, True, -1, 0, 1, 7, 2**31, 2**63 - 1, -(2**63), 2**64 - 1, 0.5, -1.0, float("nan"), float("inf"),
    float("-inf"), 1e308, "", "x", "\x1b[2J", "[/red]", "\n" * 100, "\u202e", "é" * 5_000, "x" * 200_000, b"",
    b"\xff" * 100, [], {}, [[]], [None], ["x"] * 1_000, [0] * 1_000, {"x": 1}, {"type": "Nothing"}, [["a"] * 3] * 3,
)  # fmt: skip
"""What a field may hold that nobody expects there."""


_TEXTS = ("", "0", "fc", "*", "scale(2)", "1x3", "\x1b[2J", "[/red]", "x" * 3_000, "/dev/null", "é")


def make_record(kind: type, random: Random) -> Any:
    """A valid record of this kind, with anything in its fields; optional ones are left out half of the time."""
    return msgspec.convert(_make(inspect.type_info(kind), random), kind)


def _make(kind: inspect.Type, random: Random) -> Any:
    match kind:
        case inspect.StructType():
            fields = [field for field in kind.fields if field.required or random.random() < 0.5]
            values = {field.encode_name: _make(field.type, random) for field in fields}
            if kind.array_like:
                return [_make(field.type, random) for field in kind.fields]
            return {kind.tag_field: kind.tag, **values} if kind.tag_field is not None else values
        case inspect.UnionType():
            return _make(random.choice(kind.types), random)
        case inspect.VarTupleType() | inspect.ListType():
            return [_make(kind.item_type, random) for _ in range(random.randint(0, 2))]
        case inspect.TupleType():
            return [_make(each, random) for each in kind.item_types]
        case inspect.DictType():
            return {_make(kind.key_type, random): _make(kind.value_type, random) for _ in range(random.randint(0, 2))}
        case inspect.LiteralType():
            return random.choice(kind.values)
        case inspect.IntType():
            number = random.choice((0, 1, 2, 3, 5, 1_000, 2**31, 2**63 - 1))
            return max(min(number, kind.le or 2**63 - 1), kind.ge or 0)
        case inspect.FloatType():
            share = random.choice((0.0, 0.5, -3.25, 1e14))
            return max(min(share, kind.le if kind.le is not None else share), kind.ge if kind.ge is not None else share)
        case inspect.StrType():
            return random.choice(_TEXTS)
        case inspect.BoolType():
            return random.random() < 0.5
        case inspect.BytesType():
            return b"\x01\x00"
        case _:
            return None


def mutate(message: msgspec.Struct, random: Random) -> bytes:
    """The body of `message` with one or two places changed; of any type, so that it may not be readable."""
    plain = msgspec.msgpack.decode(msgspec.msgpack.encode(message))
    for _ in range(random.choice((1, 1, 2))):
        _mutate_place(plain, random)
    return msgspec.msgpack.encode(plain)


def _mutate_place(plain: Any, random: Random) -> None:
    holder, key = random.choice(list(_list_places(plain)))
    deed = random.random()
    if deed < 0.6:
        holder[key] = copy.deepcopy(random.choice(NASTY))
    elif deed < 0.7:
        del holder[key]
    elif deed < 0.85 and isinstance(holder, list):
        holder.insert(key, copy.deepcopy(holder[key]))
    elif isinstance(holder[key], int | float):
        holder[key] = max(-(2**63), min(holder[key] + random.choice((-1, 1, 2**32)), 2**63 - 1))
    elif isinstance(holder[key], list):
        random.shuffle(holder[key])


def _list_places(plain: Any) -> Iterator[tuple[Any, Any]]:
    """Every place in nested lists and dicts, as what holds it and the key."""
    keys = range(len(plain)) if isinstance(plain, list) else list(plain) if isinstance(plain, dict) else ()
    for key in keys:
        yield plain, key
        yield from _list_places(plain[key])
