"""How wide each column of the tree is: what the content would like, and what the width allows."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

INDENT = 2
NAME_LIMIT, CLASS_LIMIT, SHAPE_LIMIT, BADGE_LIMIT = 200, 100, 26, 24
MEASURED = 10_000  # lines measured for the widths of columns; more hardly bring a longer name, and take time
_LONG_CLASS, _SHORT_CLASS, _SHORT_SHAPE = 24, 9, 7


@dataclass
class Widths:
    """The widest entry of each column in cells, over all rows and not just those in view, so that columns stand
    still while scrolling. Zero is a column with nothing in it."""

    name: int = 0
    class_name: int = 0
    number: int = 0  # parameters, or milliseconds
    shape: int = 0
    short_shape: int = 0
    heat: int = 0  # how far the output is from the baseline
    calls: int = 0
    mark: int = 1
    words: int = 0  # badges written out
    signs: int = 0  # badges as signs
    costs: tuple[int, ...] = ()
    by_number: bool = False  # lines are sorted by the number, which gives way last


class Columns(NamedTuple):
    """Cells of each column, from left to right, without the spaces before it; 0 for a column that gave way."""

    name: int
    class_name: int
    gap: int  # between what is aligned left and what is aligned right
    number: int
    shape: int
    heat: int
    calls: int
    mark: int
    badges: int
    words: bool  # badges are written out
    costs: tuple[int, ...] = ()  # behind the number

    def join_head(self) -> Columns:
        """For a line that has no class: the name has both columns."""
        return self._replace(name=self.name + self.class_name + bool(self.class_name), class_name=0)


def lay_out(width: int, natural: Widths, long_names: bool = False) -> Columns:
    """Share `width` cells out. What gives way first: badge words, the spelled-out shape, class, number, shape, then
    heat, calls and badges, and last the costs, from the right; the name takes what is left. With `long_names` they
    matter more than the classes. Words and shapes that can be said in less give way to any name and to any class up
    to half of the width; a number that lines are sorted by, to nothing."""
    need = min(natural.name, max(14, width * 2 // 5 if long_names else width // 3))
    whole = max(need, min(natural.name, width // 2))
    rest = 0
    for columns in _variants(natural):
        rest = width - _taken(columns)
        in_less = columns.words or columns.shape > natural.short_shape
        more = min(natural.class_name, width // 2) - columns.class_name
        if rest >= (whole + max(more, 0) if in_less else need):
            break
    return _spread(columns, max(rest, 0), natural)


def _variants(natural: Widths) -> Iterator[Columns]:
    """From everything to the name alone."""
    columns = Columns(
        name=0,
        class_name=min(natural.class_name, _LONG_CLASS),
        gap=0,
        number=natural.number,
        shape=natural.shape,
        heat=natural.heat,
        calls=natural.calls,
        mark=natural.mark,
        badges=natural.words,
        words=True,
        costs=natural.costs,
    )
    yield columns
    yield (columns := columns._replace(badges=natural.signs, words=False))
    yield (columns := columns._replace(shape=natural.short_shape))
    yield (columns := columns._replace(class_name=min(natural.class_name, _SHORT_CLASS)))
    yield (columns := columns._replace(class_name=0))
    yield (columns := columns._replace(number=natural.number if natural.by_number else 0))
    yield (columns := columns._replace(shape=min(natural.short_shape, _SHORT_SHAPE)))
    yield (columns := columns._replace(shape=0))
    yield (columns := columns._replace(calls=0, badges=0, mark=0))
    yield (columns := columns._replace(heat=0))
    for kept in reversed(range(len(natural.costs))):
        yield columns._replace(costs=natural.costs[:kept])


def _taken(columns: Columns) -> int:
    """Cells of everything but the name, each column with the space before it; the shape has two."""
    parts = (columns.class_name, columns.number, columns.shape, columns.heat, columns.calls, columns.mark)
    return sum(cells + 1 for cells in (*parts, columns.badges, *columns.costs) if cells) + bool(columns.shape)


def _spread(columns: Columns, rest: int, natural: Widths) -> Columns:
    """Give the name what it would like, then the class, and leave the remainder as a gap."""
    name = min(rest, natural.name)
    rest -= name
    more = min(rest, natural.class_name - columns.class_name) if columns.class_name else 0
    return columns._replace(name=name, class_name=columns.class_name + more, gap=rest - more)
