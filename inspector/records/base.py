"""What every record is."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta, Struct

PROTOCOL = 5
"""Version of this vocabulary; two processes with different versions refuse each other."""

Path = tuple[str, ...]

Count = Annotated[int, Meta(ge=0)]
"""A number of things, or the place of one among them."""
Place = Annotated[int, Meta(ge=0, le=1 << 40)]
"""Where a page of a listing begins, or how long it is at most."""
Milliseconds = Annotated[float, Meta(ge=-1e15, le=1e15)]
"""A time, which may be a little below 0 where it is a difference, and is never infinite or not a number."""


class Record(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """Base of everything that crosses the channel by name."""


class Row(Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    """Base of what crosses the channel by the thousand: encoded by position."""
