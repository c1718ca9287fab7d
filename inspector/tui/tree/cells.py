"""The cells of one line: what is too long for its column takes the blanks that the other columns have on that line."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from .columns import Columns

Piece = tuple[str, str]
"""Text and its role, one of `roles.ROLES`."""

WORTH_MOVING = 4
"""Cells for which columns move on a line whose name is cut all the same."""

Cells = Sequence[Sequence[Piece]]
"""What stands behind the class, column by column, each with the blanks before it."""


def share_line(columns: Columns, name: int, class_name: int, cells: Cells) -> tuple[int, int, list[Piece]]:
    """The cells of the name and the class on a line where they would like so many, and the pieces of the others."""
    both = columns.name + columns.class_name
    longer = max(name - columns.name, 0)
    if columns.class_name:
        longer += max(class_name - columns.class_name, 0)
    else:
        class_name = 0
    # The first blanks are free: to take them moves nothing. More are taken only for what would be cut.
    free = sum(map(_leading, cells[:2]))
    lent, rest = _take(cells, max(min(longer, free), name + class_name - both))
    return *share_head(columns, name, class_name, lent), rest


def share_head(columns: Columns, name: int, class_name: int, lent: int = 0) -> tuple[int, int]:
    """Cells of the name and the class, which have their columns and `lent` more together."""
    both = columns.name + columns.class_name + lent
    if not columns.class_name:
        return both, 0
    if name + class_name <= both:
        cells = max(name, min(columns.name, both - class_name))
    elif class_name <= columns.class_name:
        cells = both - class_name
    elif name <= columns.name:
        cells = name
    else:
        half = max(lent // 2, lent - (class_name - columns.class_name))
        cells = min(columns.name + half, name)
    return cells, both - cells


def _take(cells: Cells, wanted: int) -> tuple[int, list[Piece]]:
    """Take so many blanks out, or as many as there are, those nearest to the left first."""
    taken, rest = 0, []
    for cell in cells:
        kept = list(_without_blanks(cell, wanted - taken))
        taken += _length(cell) - _length(kept)
        rest += kept
    return taken, rest


def _without_blanks(cell: Sequence[Piece], most: int) -> Iterator[Piece]:
    """The cell with fewer blanks; one stays before what is written in it. That moves out of its column, with what
    stands before it, for all that is wanted or for several letters more, and not for one or two."""
    leading = min(_leading(cell), most)
    trailing = min(_trailing(cell), most - leading)
    if trailing < min(WORTH_MOVING, most - leading):
        trailing = 0
    end = _length(cell) - trailing
    at = 0
    for text, role in cell:
        kept = text[max(leading - at, 0) : max(end - at, 0)]
        at += len(text)
        if kept:
            yield kept, role


def _leading(cell: Sequence[Piece]) -> int:
    text = _text(cell)
    written = text.lstrip(" ")
    return max(len(text) - len(written) - bool(written), 0)


def _trailing(cell: Sequence[Piece]) -> int:
    text = _text(cell)
    return len(text) - len(text.rstrip(" ")) if text.strip(" ") else 0


def _text(cell: Sequence[Piece]) -> str:
    return "".join(text for text, _ in cell)


def _length(cell: Sequence[Piece]) -> int:
    return sum(len(text) for text, _ in cell)
