"""Renamings of a state dict's keys as they are typed, `OLD=>NEW`, and carried out."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from ...errors import UsageError
from ...text import encodable
from ..values.renaming import rename_key, rename_keys
from .files.state import with_metadata

Rename = tuple[str, str]
"""Old and new, as `rename_key` takes them."""

ARROW = "=>"
_HINT = "write OLD=>NEW: 'module.=>' leaves a first name out, '=>net.' puts one in front, '.gamma=>.weight' is anywhere"


def parse_renames(texts: Iterable[str]) -> tuple[Rename, ...]:
    """Raises `UsageError` where one is no `OLD=>NEW`."""
    return tuple(_parse(text) for text in texts)


def _parse(text: str) -> Rename:
    old, arrow, new = (part.strip() for part in text.partition(ARROW))
    inside = old.startswith(".")
    if not arrow or old.strip(".") == new.strip(".") or (inside and not old.strip(".")) or " " in f"{old}{new}":
        raise UsageError(encodable(f"{text!r} renames no keys", 300), hint=_HINT)
    return old, new


def write_rename(rename: Rename) -> str:
    """As it is typed."""
    return f"{rename[0]}{ARROW}{rename[1]}"


def describe_renames(renames: Sequence[Rename]) -> str:
    """ "without module., fc as head"; "" for none."""
    return ", ".join(_describe(old, new) for old, new in renames)


def _describe(old: str, new: str) -> str:
    if not new.strip("."):
        return f"without {old}"
    if not old.strip("."):
        return f"with {new} in front"
    return f"{old} as {new}"


def rename_state(state: Mapping[str, Any], renames: Sequence[Rename]) -> Mapping[str, Any]:
    """The same values under their new names, and what the file says of each module under the module's new name.

    Raises:
        UsageError: Two keys would have one name.
    """
    if not renames:
        return state
    try:
        names = rename_keys((key for key in state if isinstance(key, str)), renames)
    except ValueError as error:
        raise UsageError(encodable(f"the keys cannot be renamed so: {error}", 500), hint=_HINT) from None
    renamed = with_metadata({names.get(key, key): value for key, value in state.items()}, state)
    metadata = getattr(state, "_metadata", None)
    if metadata:
        vars(renamed)["_metadata"] = {_rename_module(path, renames): held for path, held in metadata.items()}
    return renamed


def find_idle(keys: Sequence[str], renames: Sequence[Rename]) -> list[Rename]:
    """Which renamings change no key."""
    idle: list[Rename] = []
    for number, rename in enumerate(renames):
        now = list(rename_keys(keys, renames[:number]).values())
        if all(rename_key(name, *rename) == name for name in now):
            idle.append(rename)
    return idle


def describe_idle(rename: Rename) -> str:
    """Why it changes no key."""
    what = "is no name in any key" if rename[0].startswith(".") else "is how no key begins"
    return f"{write_rename(rename)} renames nothing: {rename[0].strip('.')!r} {what}"


def _rename_module(path: str, renames: Sequence[Rename]) -> str:
    for old, new in renames:
        path = rename_key(path, old, new).strip(".")
    return path
