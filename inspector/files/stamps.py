"""What tells that a file was written to."""

from __future__ import annotations

import os
from collections.abc import Iterable

Stamp = tuple[int, int, int]


def read_stamps(names: Iterable[str]) -> dict[str, Stamp | None]:
    """By name; None for a file that is not there, as for a moment while an editor saves it."""
    return {name: _read_stamp(name) for name in names}


def _read_stamp(name: str) -> Stamp | None:
    try:
        found = os.stat(name)
    except (OSError, ValueError):
        return None
    return found.st_mtime_ns, found.st_size, found.st_ino
