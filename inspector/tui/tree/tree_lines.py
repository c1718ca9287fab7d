"""The lines of the module tree: one per shown row of the module list."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence, Set
from dataclasses import replace
from itertools import islice

from rich.cells import cell_len

from ...client.call_table import ALTERED, ODD, RAISED, CallTable
from ...client.model import OBSERVED, Model
from ...records import Brief, ModuleRow
from ...records.badges import badge_word, explain_uncalled, has_badge
from ...text import visible
from .. import format as fmt
from .cells import Cells, Piece, share_line
from .columns import CLASS_LIMIT, INDENT, MEASURED, NAME_LIMIT, Columns, Widths
from .costs import cost_cells
from .lines import Badge, DisplayOptions, Lines, module_badges
from .matching import Names, highlights
from .outline import Outline

_LOOKED_AT = 1_000  # modules with badges, measured for the width of those
_PARAMETERS = 5  # "11.7M"


class TreeLines(Lines):
    """Rows of the module list, below each other as the outline has them."""

    def __init__(self, model: Model, options: DisplayOptions, names: Names) -> None:
        super().__init__(model, options, names)
        self._outline = Outline(model)
        self._edited: frozenset[int] = frozenset()
        self._output_words = 0  # cells of the longest word that is known to stand in place of a shape
        self._name_at: dict[int, int] = {}  # length of a path -> cells of the longest name there, indented

    @property
    def outline(self) -> Outline:
        return self._outline

    def widths(self) -> Widths:
        shown = [cells for depth, cells in self._name_at.items() if depth <= self.outline.depth]
        mark = self.natural.mark if self.model.is_model else 0
        shape = max(self.natural.shape, self._output_words) if self.options.ran else self.natural.shape
        return replace(self.natural, name=min(max(shown, default=0), NAME_LIMIT), mark=mark, shape=shape)

    @property
    def ids(self) -> Sequence[int]:
        return self.outline.lines

    def position(self, id: int) -> int:
        return self.outline.position(id)

    def row_of(self, id: int) -> int:
        return id

    def indent(self, index: int, columns: Columns) -> int:
        """Cells before the arrow of this row; what is deeper than half the column goes no further right."""
        return min(_level(self.model, index) * INDENT, max(columns.name // 2 // INDENT * INDENT, 0))

    def measure_rows(self, rows: Sequence[ModuleRow]) -> None:
        """Rows were appended to the model."""
        widths = self.natural
        for row in rows[: max(MEASURED - rows[0].index, 0)] if rows else ():
            name = INDENT * _level(self.model, row.index) + 2 + cell_len(fmt.key(row.key, NAME_LIMIT))
            depth = self.model.rows.depths[row.index]
            self._name_at[depth] = max(self._name_at.get(depth, 0), name)
            if row.badges or row.alias_of >= 0:
                self.measure_badges(_row_badges(row))
            if has_badge(row.badges, "no forward"):
                self._output_words = len(fmt.NO_FORWARD.word)
        classes = {row.class_name for row in rows if row.parent >= 0}
        longest = max((cell_len(fmt.cut(visible(name), CLASS_LIMIT)) for name in classes), default=0)
        widths.class_name = max(widths.class_name, longest)
        self.measure_briefs({Brief(row.shape) for row in rows if row.shape is not None})
        if any(row.parameters for row in rows):
            widths.number = _PARAMETERS

    def measure_marks(self) -> None:
        super().measure_marks()
        self._edited = frozenset(self.model.marks.edited)
        for index in (*self._edited, *self.options.stops):
            if index < len(self.model.rows):
                self.measure_badges(self._badges(index))

    def measure_calls(self, calls: CallTable, seen: int) -> None:
        """Calls were appended to the `seen` ones."""
        self.measure_briefs(calls.briefs())
        self.measure_heat(calls.distances(max(seen, len(calls) - MEASURED)))
        again = calls.most  # of this step alone
        self.natural.calls = max(self.natural.calls, len(f"×{again}") if again > 1 else 0)
        for index in islice(calls.called(ODD), _LOOKED_AT):
            self.measure_badges(self._badges(index))

    def find_lines(self, text: str) -> Sequence[int]:
        text = text.lower()
        if not text:
            return []
        among = self.outline.lines if self.outline.narrowed else range(len(self.model.rows))
        paths, classes = self.names.paths, self.names.classes
        return [
            i
            for i in among
            if text in classes[i] or (text in paths[i] and _reaches(text, paths[i], self.model.rows.key(i)))
        ]

    def name_marks(self) -> dict[int, str]:
        """What badges and marks say, in lower case, by row; rows of which nothing is said are left out."""
        said = {index: self._say_marks(index) for index in _list_marked(self.model, self.options, self._edited)}
        return {index: words.lower() for index, words in said.items() if words}

    def _say_marks(self, index: int) -> str:
        at, marks = self.model.object_of(index), self.model.marks
        flags = self.model.flags_of(index)
        words = [word for _, word in self._badges(index)] if self._has_badges(index, flags) else []
        if marks.added.get(at) or flags & ALTERED:
            words.append("altered")
        if marks.foreign.get(at):
            words.append("foreign")
        if self._was_passed_over(index):
            words.append(self._mark_uncalled(index).word)
        return " ".join(words)

    def _has_badges(self, index: int, flags: int) -> bool:
        rows, edited = self.model.rows, self.model.object_of(index) in self._edited
        stops = self.model.object_of(index) in self.options.stops
        return bool(rows.badges(index)) or rows.is_alias(index) or edited or stops or bool(flags & ODD)

    def pieces(self, id: int, columns: Columns) -> list[Piece]:
        row = self.model.rows[id]
        cells = self.list_cells(id, columns, fmt.count(row.parameters))
        return self._line(row, columns, cells, self.role_of(id))

    def list_cells(self, id: int, columns: Columns, number: str) -> Cells:
        """What stands behind the name and the class of a module with this number."""
        count, role = self.model.count_calls(id), self.role_of(id)
        return [
            [(" " * columns.gap, "class")],
            self.number_piece(number, columns.number, role or "number"),
            *cost_cells(self.model, self.options, columns, id, role),
            self._output(id, columns, role),
            self.heat_piece(self.model.distance_of(id), columns.heat, role),
            self.number_piece(f"×{count}" if count > 1 else "", columns.calls, role or "calls"),
            self.mark_pieces(id, columns.mark, bool(self.model.flags_of(id) & ALTERED)),
            self.badge_pieces(self._badges(id), columns),
        ]

    def role_of(self, index: int) -> str:
        """The role of the whole line, empty where each column has its own."""
        if self.model.flags_of(index) & RAISED:
            return "error"
        above_a_match = self.options.filter and not _is_among(self.options.matches, index)
        return "quiet" if above_a_match or self._was_passed_over(index) else ""

    def _was_passed_over(self, index: int) -> bool:
        """It was observed in the last pass, and no call was seen: without a hook nobody can know."""
        index = self.model.object_of(index)
        then = self.options.observed_then
        called = self.model.count_calls(index)
        return self.options.ran and not called and index < len(then) and then[index] == OBSERVED

    def _line(self, row: ModuleRow, columns: Columns, cells: Cells, role: str) -> list[Piece]:
        """Guides, arrow, name and class, and the other columns. The root's name is its class, and may use both."""
        guides = fmt.cut(write_guides(_level(self.model, row.index), self.indent(row.index, columns)), columns.name)
        arrow = fmt.cut(write_arrow(self.outline, row.index), columns.name - cell_len(guides))
        before = cell_len(guides) + cell_len(arrow)
        pieces = [(self.plain(guides), "guide"), (self.plain(arrow), "arrow")]
        root = row.parent < 0
        columns = columns.join_head() if root else columns
        name, class_name = (visible(row.class_name), "") if root else (fmt.key(row.key), visible(row.class_name))
        wanted = before + cell_len(name), cell_len(class_name)
        name_cells, class_cells, others = share_line(columns, *wanted, cells)
        found = set() if root else self._find_marked(row.index, name)
        pieces += self.name_pieces(name, name_cells - before, role or ("root" if root else "name"), found)
        return [*pieces, *self.class_pieces(class_name, class_cells, role or "class"), *others]

    def _find_marked(self, index: int, name: str) -> set[int]:
        """Offsets in the name that the search, or else the filter, found."""
        path, search = self.names.path(index), self.options.search.lower()
        if search and path.endswith(name.lower()):
            shift = len(path) - len(name)
            starts = _starts(path, search)
            return {i - shift for start in starts for i in range(start, start + len(search)) if i >= shift}
        if self.options.filter and _is_among(self.options.matches, index):
            return highlights(self.options.filter, path, name)
        return set()

    def _output(self, index: int, columns: Columns, role: str) -> list[Piece]:
        shape, last = self.model.rows[index].shape, self.model.last_call(index)
        if shape is not None:
            return self.shape_piece(Brief(shape), columns.shape, role or "shape")
        if last is not None:
            return self.shape_piece(last.brief, columns.shape, role or "shape")
        if not self._was_passed_over(index):
            return self.output_piece("", columns.shape, "shape")
        mark = self._mark_uncalled(index)
        return self.output_piece(mark.word if len(mark.word) <= columns.shape else mark.sign, columns.shape, "quiet")

    def _mark_uncalled(self, index: int) -> fmt.Mark:
        badges = self.model.rows.badges(index)
        return fmt.UNCALLED[explain_uncalled(badges, self.model.ran_unseen(index))]

    def _call_badges(self, index: int) -> list[Badge]:
        """Those of all its calls."""
        if not self.model.flags_of(index) & ODD:
            return []
        return module_badges(self.model.calls, index, index in self.options.made_by)

    def _badges(self, index: int) -> list[Badge]:
        at = self.model.object_of(index)
        stops = [(fmt.STOP, fmt.STOP.word)] if at in self.options.stops else []
        edited = [(fmt.EDITED, fmt.EDITED.word)] if at in self._edited else []
        return stops + self._call_badges(at) + edited + _row_badges(self.model.rows[index])


def _level(model: Model, index: int) -> int:
    """Steps of indentation: the root's children stand below the root, not behind it."""
    return max(model.rows.depths[index] - 1, 0)


def _reaches(text: str, path: str, key: str) -> bool:
    """`text` is in the path and not only in what stands before its last key: that is another row's name."""
    return path.rfind(text) + len(text) > len(path) - max(len(key), 1)


def _list_marked(model: Model, options: DisplayOptions, edited: Set[int]) -> list[int]:
    """Every row of which a mark or a badge may say something."""
    then = options.observed_then if options.ran else b""
    marks = {*model.marks.added, *model.marks.foreign, *edited, *options.stops, *model.calls.called(ALTERED | ODD)}
    marks.update(i for i, mark in enumerate(then) if mark == OBSERVED and not model.calls.count(i))
    return sorted(model.rows.list_odd() | marks)


def write_arrow(outline: Outline, index: int) -> str:
    """Before the name of what others stand below."""
    if not outline.has_children(index):
        return "  "
    return "▾ " if outline.is_open(index) else "▸ "


def write_guides(level: int, indent: int) -> str:
    """Before what stands this deep, in so many cells."""
    cut = indent < level * INDENT
    return "… " + "│ " * (indent // INDENT - 1) if cut and indent else "│ " * (indent // INDENT)


def _is_among(matches: Sequence[int], index: int) -> bool:
    at = bisect_left(matches, index)
    return at < len(matches) and matches[at] == index


def _row_badges(row: ModuleRow) -> list[Badge]:
    alias = [(fmt.ALIAS, fmt.ALIAS.word)] if row.alias_of >= 0 else []
    return alias + [(fmt.badge_mark(b), visible(badge_word(b))) for b in row.badges if b.name != "no forward"]


def _starts(text: str, part: str) -> list[int]:
    found, at = [], text.find(part)
    while at >= 0:
        found.append(at)
        at = text.find(part, at + len(part))
    return found
