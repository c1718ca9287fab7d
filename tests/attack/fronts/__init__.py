"""The fronts: a file each, and a line here."""

from __future__ import annotations

from ..case import Front
from . import bytes, keys

FRONTS: dict[str, Front] = {
    "keys": keys.FRONT,
    "bytes": bytes.FRONT,
}
