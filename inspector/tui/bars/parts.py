"""The parts of a line that has less room than they would like."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from rich.cells import cell_len


class Part(NamedTuple):
    """Some words of the title. The highest rank goes first where there is no room; 0 always stays."""

    rank: int
    text: str
    style: str = "$foreground-muted"


def drop_parts(parts: Iterable[Part], width: int, dot: str) -> list[Part]:
    """The parts that fit `width` cells, joined by `dot`: the highest ranks go first, and one part always stays."""
    kept = list(parts)
    while len(kept) > 1 and cell_len(dot.join(part.text for part in kept)) > width:
        kept.remove(max(kept))
    return kept
