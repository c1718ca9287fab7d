"""Keys of a state dict under other names."""

from __future__ import annotations

from collections.abc import Iterable, Sequence


def rename_key(key: str, old: str, new: str) -> str:
    """The key with `new` in the place of `old`, which are one or more whole names: "fc" is not in "fc2.weight".

    Args:
        key: "module.layer1.0.conv1.weight".
        old: What the key begins with; with a dot in front of it, what comes anywhere behind another name. Empty:
            every key begins with it.
        new: Empty: `old` is left out.
    """
    first, put = old.strip("."), new.strip(".")
    if old.startswith("."):
        return ".".join(_replace_behind(key.split("."), first.split("."), put.split(".") if put else []))
    if not first:
        return f"{put}.{key}" if put else key
    if key != first and not key.startswith(f"{first}."):
        return key
    return f"{put}{key[len(first) :]}" if put else key[len(first) + 1 :]


def _replace_behind(parts: list[str], olds: list[str], news: list[str]) -> list[str]:
    made, at = parts[:1], 1
    while at < len(parts):
        found = parts[at : at + len(olds)] == olds
        made += news if found else parts[at : at + 1]
        at += len(olds) if found else 1
    return made


def rename_keys(keys: Iterable[str], renames: Sequence[tuple[str, str]]) -> dict[str, str]:
    """What each key is called after all of `renames`, pairs of old and new, one after the other.

    Raises:
        ValueError: Two keys would have one name.
    """
    names = {key: key for key in keys}
    for old, new in renames:
        inside = old.strip(".")
        names = {key: rename_key(name, old, new) if inside in name else name for key, name in names.items()}
    if len(set(names.values())) < len(names):
        first: dict[str, str] = {}
        for key, name in names.items():
            if first.setdefault(name, key) != key:
                raise ValueError(f"{first[name]} and {key} would both be {name}")
    return names
