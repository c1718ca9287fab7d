"""The fronts: a file each, and a line here."""

from __future__ import annotations

from ..case import Front
from . import bytes, engines, files, keys, mutants, specs, states

FRONTS: dict[str, Front] = {
    "keys": keys.FRONT,
    "bytes": bytes.FRONT,
    "specs": specs.FRONT,
    "files": files.FRONT,
    "mutants": mutants.FRONT,
    "engines": engines.FRONT,
    "states": states.FRONT,
}
