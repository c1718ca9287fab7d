"""What every record is."""

from __future__ import annotations

from msgspec import Struct

PROTOCOL = 2
"""Version of this vocabulary; two processes with different versions refuse each other."""

Path = tuple[str, ...]


class Record(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """Base of everything that crosses the channel by name."""


class Row(Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    """Base of what crosses the channel by the thousand: encoded by position."""
