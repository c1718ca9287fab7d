"""Messages that are almost what they should be: any record with one field of it replaced. For both directions."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from random import Random
from typing import Any

import msgspec

NASTY: tuple[Any, ...] = (
    None, True, -1, 0, 1, 7, 2**31, 2**63 - 1, -(2**63), 2**64 - 1, 0.5, -1.0, float("nan"), float("inf"),
    float("-inf"), 1e308, "", "x", "\x1b[2J", "[/red]", "\n" * 100, "\u202e", "é" * 5_000, "x" * 200_000, b"",
    b"\xff" * 100, [], {}, [[]], [None], ["x"] * 1_000, [0] * 1_000, {"x": 1}, {"type": "Nothing"}, [["a"] * 3] * 3,
)  # fmt: skip
"""What a field may hold that nobody expects there."""


def mutate(message: msgspec.Struct, random: Random) -> bytes:
    """The body of `message` with one or two places changed; of any type, so that it may not be readable."""
    plain = msgspec.msgpack.decode(msgspec.msgpack.encode(message))
    for _ in range(random.choice((1, 1, 2))):
        _mutate_place(plain, random)
    return msgspec.msgpack.encode(plain)


def mutate_everything(message: msgspec.Struct) -> Iterator[bytes]:
    """Every place of the body of `message` with everything in it."""
    plain = msgspec.msgpack.decode(msgspec.msgpack.encode(message))
    for number in range(len(list(_list_places(plain)))):
        for value in NASTY:
            mutant = copy.deepcopy(plain)
            holder, key = list(_list_places(mutant))[number]
            holder[key] = copy.deepcopy(value)
            yield msgspec.msgpack.encode(mutant)


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
        holder[key] += random.choice((-1, 1, 2**32))
    elif isinstance(holder[key], list):
        random.shuffle(holder[key])


def _list_places(plain: Any) -> Iterator[tuple[Any, Any]]:
    """Every place in nested lists and dicts, as what holds it and the key."""
    keys = range(len(plain)) if isinstance(plain, list) else list(plain) if isinstance(plain, dict) else ()
    for key in keys:
        yield plain, key
        yield from _list_places(plain[key])
