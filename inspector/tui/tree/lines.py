"""What stands on a line of the tree: pieces of text with their roles, column by column. No widget, no style.

A line is known by its id, a row index or a position in `Model.calls`; the ids that are shown are ascending in the order
of the lines, so that a line is found by bisection.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Sequence, Set
from dataclasses import dataclass, field
from typing import Any

from rich.cells import cell_len

from ...client.call_table import INF, LIVE, NAN, RAISED, RECOMPUTED, UNFINISHED, ZEROS, CallTable
from ...client.model import OBSERVED, REFUSED, Model
from ...records import Brief, CallRow
from ...report.findings import DEAD, name_oddities
from ...text import visible
from .. import format as fmt
from .cells import Piece
from .columns import BADGE_LIMIT, SHAPE_LIMIT, Columns, Widths
from .heat import BOUNDS, NONE, Bounds, heat, short
from .matching import Names, occurrences
from .outline import Outline

Badge = tuple[fmt.Mark, str]
"""A mark and the word that goes with it where there is room."""


@dataclass
class DisplayOptions:
    """What beside the model decides how lines are drawn; shared by both kinds of lines."""

    ascii: bool = False
    filter: str = ""
    matches: list[int] = field(default_factory=list)  # rows the filter matches, ascending
    search: str = ""
    ran: bool = False  # a pass has ended
    observed_then: bytes = b""  # the hook marks of that pass
    bounds: Bounds = BOUNDS  # of distances from the baseline
    costs: tuple[str, ...] = ()  # the ids of their columns that are chosen
    stops: frozenset[int] = frozenset()  # rows that a pass stops at
    producers: frozenset[int] = frozenset()  # the `start` of its calls that made NaN or Inf
    made_by: frozenset[int] = frozenset()  # the modules of these


class Lines(ABC):
    """The lines of one model in one order."""

    def __init__(self, model: Model, options: DisplayOptions, names: Names) -> None:
        self.model = model
        self.options = options
        self.names = names
        self.natural = Widths()

    def widths(self) -> Widths:
        """The widest entries of what can be seen without another key."""
        return self.natural

    @property
    @abstractmethod
    def ids(self) -> Sequence[int]:
        """What is shown, top to bottom."""

    @abstractmethod
    def position(self, id: int) -> int:
        """The line where this id is shown, or the nearest to it."""

    def shows(self, id: int) -> bool:
        ids = self.ids
        return bool(ids) and ids[self.position(id)] == id

    @property
    def outline(self) -> Outline | None:
        """What is expanded, where lines stand below each other."""
        return None

    def indent(self, id: int, columns: Columns) -> int:
        """Cells before the arrow of a line."""
        return 0

    def order(self, id: int) -> Any:
        """Of two ids, the one with less stands above."""
        return id

    @abstractmethod
    def row_of(self, id: int) -> int:
        """The row index of the module on this line."""

    @abstractmethod
    def pieces(self, id: int, columns: Columns) -> list[Piece]:
        """The line, in as many cells as the columns together."""

    @abstractmethod
    def find_lines(self, text: str) -> Sequence[int]:
        """Ids of the lines, hidden ones of the same order included, whose name or class has `text`; ascending."""

    def plain(self, text: str) -> str:
        return fmt.ascii_only(text) if self.options.ascii else text

    def measure_marks(self) -> None:
        """The hook marks have changed."""
        foreign = max(self.model.marks.foreign.values(), default=0)
        self.natural.mark = 1 + (len(f"+{foreign}") if foreign else 0)

    def measure_briefs(self, briefs: Iterable[Brief]) -> None:
        widths = self.natural
        for brief in briefs:
            short = fmt.short_brief(brief, self.options.ascii)
            widths.shape = max(widths.shape, min(cell_len(fmt.brief(brief)), SHAPE_LIMIT))
            widths.short_shape = max(widths.short_shape, min(cell_len(short), SHAPE_LIMIT))

    def forget_heat(self) -> None:
        """Another pass has begun: whether there is a baseline to compare with, its calls tell."""
        self.natural.heat = 0

    def measure_heat(self, distances: Iterable[float]) -> None:
        widest = max((len(short(distance)) for distance in distances), default=-2)
        self.natural.heat = max(self.natural.heat, widest + 2)

    def measure_badges(self, badges: Sequence[Badge]) -> None:
        words = sum(cell_len(_spell(badge)) + 1 for badge in badges) - 1
        self.natural.words = max(self.natural.words, min(words, BADGE_LIMIT))
        self.natural.signs = max(self.natural.signs, min(len(badges), BADGE_LIMIT))

    def class_pieces(self, class_name: str, width: int, role: str) -> list[Piece]:
        if not width:
            return []
        name = visible(class_name)
        return [(" ", role), *self.name_pieces(name, width, role, occurrences(self.options.search, name))]

    def name_pieces(self, name: str, width: int, role: str, matched: set[int]) -> list[Piece]:
        """`name` in exactly `width` cells, with the letters at the offsets `matched` in the role of a match."""
        cut = fmt.fit(name, width)
        matched = {offset for offset in matched if offset < len(cut) and cut[offset] == name[offset]}
        return [(self.plain(text), role) for text, role in _runs(cut, matched, role)]

    def shape_piece(self, brief: Brief, width: int, role: str) -> list[Piece]:
        in_full = width >= self.natural.shape  # all of them, or none: in one column two forms cannot be compared
        return self.output_piece(fmt.fit_brief(brief, width, self.options.ascii, in_full), width, role)

    def output_piece(self, text: str, width: int, role: str) -> list[Piece]:
        """What stands in the column of shapes."""
        return [("  " + self.plain(fmt.fit(text, width)), role)] if width else []

    def number_piece(self, number: str, width: int, role: str) -> list[Piece]:
        return [(" " + self.plain(fmt.fit(number, width, right=True)), role)] if width else []

    def heat_piece(self, distance: float | None, width: int, role: str) -> list[Piece]:
        """How far an output is from the baseline."""
        if not width:
            return []
        if distance is None:
            return [(" " * (width + 1), role or NONE)]
        text, own = heat(distance, self.options.ascii, self.options.bounds)
        return [(f" {fmt.fit(text, width)}", role or own)]

    def mark_pieces(self, index: int, width: int, altered: bool) -> list[Piece]:
        """`○`, `●` or `◉`, and how many hooks are not ours."""
        if not width:
            return []
        mark, role = self._mark(index, altered)
        foreign = self.model.marks.foreign.get(self.model.object_of(index), 0)
        return [(self.plain(f" {mark.sign}"), role), (fmt.fit(f"+{foreign}" if foreign else "", width - 1), "foreign")]

    def _mark(self, index: int, altered: bool) -> tuple[fmt.Mark, str]:
        observed = self.model.mark_of(index)
        if altered or self.model.marks.added.get(self.model.object_of(index)):
            mark = fmt.ALTERED if observed == OBSERVED else fmt.ALTERED_UNSEEN
            return mark, "altered" if altered else "observed"
        mark = {OBSERVED: fmt.OBSERVED, REFUSED: fmt.REFUSED}.get(observed, fmt.NO_HOOK)
        return mark, "observed" if observed == OBSERVED else "unobserved"

    def badge_pieces(self, badges: Sequence[Badge], columns: Columns) -> list[Piece]:
        room = columns.badges
        if not room:
            return []
        pieces: list[Piece] = [(" ", "badge")]
        for badge in badges:
            text = _spell(badge) if columns.words else badge[0].sign
            text = fmt.cut(" " + text if columns.words and len(pieces) > 1 else text, room)
            room -= cell_len(text)
            pieces.append((self.plain(text), _badge_role(badge[0])))
        return [*pieces, (" " * room, "badge")]


def call_badges(calls: Sequence[CallRow], producers: Set[int]) -> list[Badge]:
    """What went wrong in any of these calls, the worst first, and what else is to know of them.

    `producers` are the `start` of those that made NaN or Inf.
    """
    odd = name_oddities(calls)
    dead = odd == [DEAD]
    raised, unfinished = (any(call.status == status for call in calls) for status in ("raised", "unfinished"))
    made, recomputed = any(call.start in producers for call in calls), any(call.recomputed for call in calls)
    return _list_badges(raised, unfinished, [] if dead else odd, made, dead, recomputed)


def module_badges(calls: CallTable, module: int, made: bool) -> list[Badge]:
    """Likewise, of all its calls, of which there may be a million. In any it `made` NaN or Inf."""
    seen = calls.seen(module)
    odd = [word for word, flag in (("NaN", NAN), ("Inf", INF)) if seen & flag]
    dead = not odd and bool(seen & ZEROS) and not seen & LIVE
    raised = bool(calls.flags(module) & RAISED)
    return _list_badges(raised, bool(seen & UNFINISHED), odd, made, dead, bool(seen & RECOMPUTED))


def _list_badges(
    raised: bool, unfinished: bool, odd: Sequence[str], made: bool, dead: bool, recomputed: bool
) -> list[Badge]:
    found = (
        (fmt.RAISED, fmt.RAISED.word, raised),
        (fmt.UNFINISHED, fmt.UNFINISHED.word, unfinished),
        (fmt.MADE_NAN if made else fmt.GIVEN_NAN, " ".join(odd), odd),
        (fmt.DEAD, fmt.DEAD.word, dead),
        (fmt.RECOMPUTED, fmt.RECOMPUTED.word, recomputed),
    )
    return [(mark, word) for mark, word, there in found if there]


def _spell(badge: Badge) -> str:
    mark, word = badge
    return f"{mark.sign} {word}"


def _badge_role(mark: fmt.Mark) -> str:
    if mark in (fmt.RAISED, fmt.UNFINISHED):
        return "error"
    return "warning" if mark in (fmt.MADE_NAN, fmt.GIVEN_NAN, fmt.DEAD, fmt.STOP, fmt.EDITED) else "badge"


def _runs(text: str, matched: set[int], role: str) -> Iterator[Piece]:
    """`text` in pieces that are marked or not."""
    start = 0
    for offset in range(1, len(text) + 1):
        if offset == len(text) or (offset in matched) != (start in matched):
            yield text[start:offset], "match" if start in matched else role
            start = offset
