"""Where something lies that a model reaches, and how that is said."""

from __future__ import annotations

from typing import Any, NamedTuple, Optional, Protocol

from ...text import encodable

ITEM = "[…]"
"""An item of a container, whichever."""

_PIECES = 8
"""Said of a place that lies deeper: the first ones and the last."""


class Place(NamedTuple):
    """A module by its dotted path, a class or a file where `above` is None; else what is at `piece` in `above`."""

    above: Optional[Place]  # noqa: UP045 (evaluated)
    piece: str

    def place_of(self, owner: Any) -> Place:
        """This one."""
        return self


class Finder(Protocol):
    """Knows where each of very many things lies, and makes a place of that when it is asked for."""

    def place_of(self, owner: Any) -> Place: ...


def say(place: Place, piece: str = "") -> str:
    """In words: "layer1.0: cache.keys"; of `piece` at this place. Of an item the container is said."""
    root, rest = _split(place, piece)
    rest = rest.removesuffix(ITEM)
    return f"{encodable(root, 120) or '(root)'}: {rest}" if rest else encodable(root, 120)


def name_of(place: Place) -> str:
    """As the name of a tensor: "layer1.0.cache.keys[…]"."""
    root, rest = _split(place, "")
    return f"{encodable(root, 200)}.{rest}" if root and rest else encodable(root, 200) or rest


def _split(place: Place, piece: str) -> tuple[str, str]:
    pieces = [piece] if piece else []
    while place.above is not None:
        pieces.append(place.piece)
        place = place.above
    return place.piece, _join(pieces[::-1])


def _join(pieces: list[str]) -> str:
    if len(pieces) > _PIECES:
        pieces = [*pieces[: _PIECES // 2], "…", *pieces[-_PIECES // 2 :]]
    joined = ""
    for piece in pieces:
        if piece != ITEM:
            joined += f".{encodable(piece, 80)}" if joined else encodable(piece, 80)
        elif not joined.endswith(ITEM):
            joined += ITEM
    return joined
