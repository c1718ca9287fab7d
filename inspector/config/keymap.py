"""The keys of a configuration: names of keys, commands that there are, and none that means two things at once."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from ..tui.key_names import name_key, print_key
from ..tui.keys import COMMANDS, Command
from .document import Document
from .nearest import nearest

TABLE = "keys"
_EVERYWHERE = frozenset({"app", "move", "tree"})
_IN_LAYERS = frozenset({"line", "prompt", "file", "layer"})
_OF_LAYERS = frozenset({"quit", "leave", "interrupt", "help", "redraw"})
"""Commands of the app whose keys work in every layer."""
_NEEDED = frozenset({"quit", "palette"})
"""With these, everything else can be done."""


def read_keys(document: Document) -> dict[str, str]:
    """The keys of the commands that are named, as `keys.change_keys` takes them. Raises `UsageError`."""
    given = document.data.get(TABLE, {})
    keys = {id: ",".join(_read_one(document, id, value)) for id, value in given.items()}
    for id, other, key in find_clashes(keys):
        line = document.lines.get((TABLE, other), 0)
        also = f" (line {line})" if line else ""
        raise document.refuse(
            (TABLE, id), f"{print_key(key)} is the key of {id} and of {other}{also}", f"give {other} another key, too"
        )
    return keys


def _read_one(document: Document, id: str, value: Any) -> list[str]:
    place = (TABLE, id)
    if id not in {command.id for command in COMMANDS}:
        raise document.refuse(place, f"no command is called {id}", nearest(id, [c.id for c in COMMANDS], "keys."))
    words = _split(value)
    if words is None:
        raise document.refuse(place, f"keys.{id} is no key", f'{id} = "x", or {id} = ["x", "f5"]')
    if not words and id in _NEEDED:
        raise document.refuse(place, f"{id} needs a key", "without it nobody gets on")
    try:
        return [name_key(word) for word in words]
    except ValueError as error:
        raise document.refuse(
            place, f"keys.{id}: {error}", "such as: x, G, ?, ^x, alt+x, f5, space, enter, PgDn"
        ) from None


def _split(value: Any) -> list[str] | None:
    """Several keys are a list, or stand with commas between them; None for what is neither."""
    if isinstance(value, str):
        return [word.strip() for word in value.split(",")] if len(value) > 1 else [value] * len(value)
    if isinstance(value, list) and all(isinstance(word, str) for word in value):
        return value
    return None


def find_clashes(keys: Mapping[str, str]) -> Iterator[tuple[str, str, str]]:
    """A command whose key was changed, another one that has it at the same time, and the key. What clashes without
    any change is meant so: a panel has some keys of the tree for itself."""
    for command in COMMANDS:
        mine = set(filter(None, keys.get(command.id, "").split(",")))
        for other in COMMANDS if mine else ():
            both = mine & set(keys.get(other.id, other.default_keys).split(","))
            both -= set(command.default_keys.split(",")) & set(other.default_keys.split(","))
            if other is not command and both and _work_together(command, other):
                yield command.id, other.id, min(both)


def _work_together(one: Command, other: Command) -> bool:
    contexts = {one.context, other.context}
    if contexts & _IN_LAYERS:
        return contexts <= _IN_LAYERS or bool({one.id, other.id} & _OF_LAYERS)
    return len(contexts) == 1 or bool(contexts & _EVERYWHERE)
