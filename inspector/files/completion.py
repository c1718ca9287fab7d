"""What the beginning of a file's name may go on to."""

from __future__ import annotations

import os
from itertools import islice

from .kinds import expand

MOST = 10_000
"""Entries of a folder that are looked at."""


def complete(begun: str) -> tuple[str, ...]:
    """The files and folders whose names begin so, as they would be typed; a folder ends in a slash. Hidden ones are
    meant where the name begins with a dot."""
    folder, slash, start = begun.rpartition("/")
    try:
        with os.scandir(expand(folder + slash or ".")) as entries:
            names = [_named(entry) for entry in islice(entries, MOST) if _is_meant(entry.name, start)]
    except (OSError, ValueError):
        return ()
    return tuple(f"{folder}{slash}{name}" for name in sorted(names))


def _is_meant(name: str, start: str) -> bool:
    return name.startswith(start) and name.isprintable() and (start.startswith(".") or not name.startswith("."))


def _named(entry: os.DirEntry[str]) -> str:
    return f"{entry.name}/" if entry.is_dir() else entry.name
