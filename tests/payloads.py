"""Text that does something where it is not kept from it, and records that have it in every place for text."""

from __future__ import annotations

import typing
import unicodedata
from collections.abc import Iterator
from typing import Any, Literal, get_args, get_origin

import msgspec

from inspector.records import CallRow
from inspector.records.call_columns import CallColumns

PAYLOADS = {
    "markup that closes nothing": "[/]",
    "markup": "[red]not red[/red] [bold",
    "an action": "[@click=app.exit]x[/]",
    "an odd tag": 'A[a="bB',
    "a list": "list[int] \\[x] $var {x} %s",
    "clear screen": "\x1b[2J\x1b[H\x1b[?1049l",
    "clipboard": "\x1b]52;c;cHduZWQ=\x07",
    "title": "\x1b]0;owned\x1b\\",
    "a device control string": "\x1bP+q544e\x1b\\",
    "C1": "\x9b31mred\x9d0;owned\x9c\x90q\x9c",
    "bidi": "\u202egnp.exe\u202c \u2066x\u2069",
    "zero width": "a\u200bb\u2060c\ufeffd\u00ade",
    "combining": "e" + "\u0301" * 300,
    "lines": "one\ntwo\r\nthree\rfour\vfive\fsix\u2028seven\u2029eight\x85nine",
    "tabs": "\ta\tb\t",
    "NUL and friends": "\x00\x01\x07\x08\x7f",
    "a lone surrogate": "\\ud800 as the engine sends it",
    "wide": "漢字👩\u200d👩\u200d👧 ﷽",
    "long": "x" * 20_000,
    "tags": "\U000e0041\U000e0042\U000e007f",
    "private": "\ue000\U0010fffd\uffff",
    "nothing": "",
    "spaces": "   ",
}


def hidden(text: str) -> list[str]:
    """The characters of `text` that do something other than show themselves."""
    return [c for c in text if c != "\u200d" and unicodedata.category(c) in ("Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp")]


def poisoned(record: Any, payload: str, numbered: bool = False) -> Any:
    """`record` with `payload` in every string that is free text. Numbered, equal strings stay equal and others differ,
    so that keys stay keys."""
    return _Poison(payload, numbered).of(record, type(record))


class _Poison:
    def __init__(self, payload: str, numbered: bool) -> None:
        self._payload = payload
        self._numbered = numbered

    def text(self, text: str) -> str:
        return f"{self._payload}{text}" if self._numbered and text else self._payload

    def of(self, value: Any, hint: Any) -> Any:
        if get_origin(hint) is Literal:
            return value
        if isinstance(value, str):
            return self.text(value)
        if isinstance(value, tuple):
            return tuple(self.of(item, _item_hint(hint)) for item in value)
        if isinstance(value, dict):
            return {self.of(key, str) if isinstance(key, str) else key: self.of(v, Any) for key, v in value.items()}
        if isinstance(value, CallColumns):  # the names of its columns are not text
            return CallColumns.of(self.of(row, CallRow) for row in value)
        if isinstance(value, msgspec.Struct):
            return type(value)(**dict(self._fields(value)))
        return value

    def _fields(self, record: msgspec.Struct) -> Iterator[tuple[str, Any]]:
        hints = typing.get_type_hints(type(record))
        for name in record.__struct_fields__:
            yield name, self.of(getattr(record, name), hints.get(name))


def _item_hint(hint: Any) -> Any:
    arguments = get_args(hint)
    return arguments[0] if arguments else None
