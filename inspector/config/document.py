"""A TOML file as data, and on which line each thing in it stands."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import tomlkit
from tomlkit.exceptions import ParseError, TOMLKitError

from ..errors import UsageError
from ..files import read_file
from ..files.purposes import CONFIG
from ..text import encodable

Key = tuple[str, ...]
"""Where something stands: ("targets", "resnet18", "input")."""

_WORD = r"(?:\"(?:[^\"\\]|\\.)*\"|'[^']*'|[\w-]+)"
_DOTTED = rf"{_WORD}(?:\s*\.\s*{_WORD})*"
_TABLE = re.compile(rf"\s*\[\[?\s*({_DOTTED})\s*\]\]?")
_SETTING = re.compile(rf"\s*({_DOTTED})\s*=")


@dataclass(frozen=True)
class Document:
    """A file that was read. An empty `file` stands for none."""

    file: str = ""
    data: dict[str, Any] = field(default_factory=dict)
    lines: dict[Key, int] = field(default_factory=dict)

    def refuse(self, key: Key, what: str, hint: str) -> UsageError:
        """The error that something here is wrong, with its line, or that of what it is in."""
        known = (key[:length] for length in range(len(key), 0, -1))
        line = next((self.lines[part] for part in known if part in self.lines), 0)
        return UsageError(encodable(what, 500), where=_place(self.file, line), hint=encodable(hint, 500))


def read_document(file: str) -> Document:
    """Raises `UsageError` where the file cannot be read, or is no TOML."""
    data = read_file(file, CONFIG)
    try:
        text = data.decode("utf-8")
        return Document(file, tomlkit.parse(text).unwrap(), dict(_number_lines(text)))
    except UnicodeDecodeError:
        raise UsageError(
            "a configuration is text in UTF-8", where=encodable(file, 300), hint="save it as that"
        ) from None
    except ParseError as error:
        what = f"this is no TOML: {str(error).partition(' at line ')[0]}"
        raise UsageError(
            encodable(what, 500), where=_place(file, error.line), hint="https://toml.io says how"
        ) from None
    except (TOMLKitError, RecursionError) as error:
        what = encodable(f"this is no TOML: {error}", 500)
        raise UsageError(what, where=encodable(file, 300), hint="https://toml.io says how") from None


def _place(file: str, line: int) -> str:
    return encodable(f"{file}, line {line}" if line else file, 400)


def _number_lines(text: str) -> Iterator[tuple[Key, int]]:
    """Where each table and each setting begins, counted from 1."""
    table: Key = ()
    for number, line in enumerate(text.splitlines(), 1):
        if head := _TABLE.match(line):
            table = _split(head[1])
            yield table, number
        elif setting := _SETTING.match(line):
            yield (*table, *_split(setting[1])), number


def _split(dotted: str) -> Key:
    return tuple(word[1:-1] if word[0] in "\"'" else word for word in re.findall(_WORD, dotted))
