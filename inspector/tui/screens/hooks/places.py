"""Which modules a hook goes on, as a form says it: "layer1,layer1.*"."""

from __future__ import annotations


def with_all_below(where: str) -> str:
    """The module and everything in it; the root is in every other."""
    return f"{where},{where}.*" if where else "*"


def names_modules(filter: str) -> bool:
    """Whether a filter of the tree means the same as a place for hooks: one glob, or a class."""
    word = filter.strip()
    return bool(word) and not word.split()[1:] and (word.startswith("class:") or any(c in word for c in "*?["))
