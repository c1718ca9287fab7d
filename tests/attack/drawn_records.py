"""Records that the channel lets through, with anything in them: drawn from their types."""

from __future__ import annotations

import types
import typing
from random import Random
from typing import Annotated, Any, Literal, Union, get_args, get_origin

import msgspec

from tests.payloads import PAYLOADS

_NUMBERS = (0, 0, 1, 1, 1, 2, 3, 5, -1, -2, 255, 2**31, 2**63 - 1, -(2**63))
_FLOATS = (0.0, 1.5, -1.0, float("nan"), float("inf"), -float("inf"), 1e308, 5e-324)
_TEXTS = (
    "",
    "",
    "0",
    "1",
    "0.weight",
    "stem",
    "forward",
    "scale(2)",
    "zero()",
    "weight",
    "x" * 3000,
    *PAYLOADS.values(),
)
_DEEPEST = 6


def draw(random: Random, hint: Any, depth: int = 0) -> Any:
    """Any value of this type."""
    origin, arguments = get_origin(hint), get_args(hint)
    if origin is Annotated:
        return _draw_within(random, arguments, depth)
    if origin is Literal:
        return random.choice(arguments)
    if origin in (Union, types.UnionType):
        return draw(random, random.choice(arguments), depth)
    if origin in (tuple, list):
        return origin(_draw_items(random, arguments, depth))
    if origin is dict:
        keys = (draw(random, arguments[0], depth + 1) for _ in range(random.choice((0, 1, 2))))
        return {key: draw(random, arguments[1], depth + 1) for key in keys}
    if isinstance(hint, type) and issubclass(hint, msgspec.Struct):
        return draw_record(random, hint, depth)
    return _draw_plain(random, hint)


def _draw_within(random: Random, arguments: tuple[Any, ...], depth: int) -> Any:
    """Seldom one that the channel refuses: the conversation is over then."""
    value = draw(random, arguments[0], depth)
    for meta in arguments[1:]:
        if random.random() < 0.99 and isinstance(value, int | float) and isinstance(meta, msgspec.Meta):
            value = value if meta.ge is None else max(value, meta.ge)
            value = value if meta.le is None else min(value, meta.le)
    return value


def _draw_plain(random: Random, hint: Any) -> Any:
    if hint is int:
        return random.choice(_NUMBERS)
    if hint is float:
        return random.choice(_FLOATS)
    if hint is str:
        return random.choice(_TEXTS)
    if hint is bytes:
        return random.randbytes(random.choice((0, 3, 5, 300)))
    return random.random() < 0.5 if hint is bool else None


def _draw_items(random: Random, arguments: tuple[Any, ...], depth: int) -> list[Any]:
    if len(arguments) == 2 and arguments[1] is Ellipsis:
        count = 0 if depth > _DEEPEST else random.choice((0, 1, 1, 2, 3, 7))
        return [draw(random, arguments[0], depth + 1) for _ in range(count)]
    return [draw(random, argument, depth + 1) for argument in arguments if argument != ()]


def draw_record(random: Random, kind: type[Any], depth: int = 0) -> Any:
    """Any record of this kind. Those within a record that is deep already have what they have by default."""
    hints = typing.get_type_hints(kind, include_extras=True)
    values = {}
    for field in msgspec.structs.fields(kind):
        required = field.default is msgspec.NODEFAULT and field.default_factory is msgspec.NODEFAULT
        if required or (depth <= _DEEPEST and random.random() < 0.5):
            values[field.name] = draw(random, hints[field.name], depth + 1)
    return kind(**values)


def change(random: Random, record: Any) -> Any:
    """`record` with one field, of it or of a record within it, that is another."""
    names = record.__struct_fields__
    if not names:
        return record
    name = random.choice(names)
    value = getattr(record, name)
    if isinstance(value, msgspec.Struct) and random.random() < 0.6:
        return msgspec.structs.replace(record, **{name: change(random, value)})
    if isinstance(value, tuple) and value and random.random() < 0.7:
        return msgspec.structs.replace(record, **{name: _change_items(random, value)})
    hint = typing.get_type_hints(type(record), include_extras=True)[name]
    return msgspec.structs.replace(record, **{name: draw(random, hint)})


def _change_items(random: Random, items: tuple[Any, ...]) -> tuple[Any, ...]:
    at = random.randrange(len(items))
    one = change(random, items[at]) if isinstance(items[at], msgspec.Struct) else items[at]
    return random.choice((items[::-1], items[:at], items + items, items[at:], (*items[:at], one, *items[at + 1 :])))
