"""One model as the tree widget lists it: which lines there are, and on which one the cursor is. No widget."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Sequence
from dataclasses import replace
from itertools import islice

from ...client.call_table import BAD
from ...client.costs import KnownCosts
from ...client.model import Model
from ...records import CallRow, PassSummary
from ...report.findings import find_producers
from .calls.call_lines import CallLines
from .calls.nested_lines import NestedCallLines
from .columns import Columns
from .costs import widths_of
from .lines import DisplayOptions, Lines
from .matching import Names, find, step
from .sorted_lines import SortedLines
from .sorting import SORTS, Sort
from .tree_lines import TreeLines
from .words import explain_piece

_MOST_BAD = 2_000
"""The first calls with NaN or Inf, of which it is said whether they made it: what is in a call ends before it."""


class Listing:
    """All orders of a model, its filter and search, and the cursor.

    `row` is the selected module and survives what hides its line; `at` is the id of the line under the cursor, in
    the order that is shown.
    """

    def __init__(self, model: Model, options: DisplayOptions, by_calls: bool, nested: bool = False) -> None:
        self.model = model
        self.options = options
        self.by_calls = by_calls
        self.nested = nested  # where it is by calls, those below each other
        self.row = -1
        self.at: int | None = None
        self.names = Names()
        self.modules = TreeLines(model, options, self.names)
        self.in_order = CallLines(model, options, self.names)
        self.call_tree = NestedCallLines(model, options, self.names)
        self.sorted = SortedLines(self.modules)
        self._rows_seen = self._calls_seen = 0
        self._summary: PassSummary | None = None
        self._costs: KnownCosts | None = None
        self._found: Sequence[int] = ()  # by the search
        self._marks: dict[int, str] | None = None  # what they say, for the filter; None where that has to be read anew
        self._looked_through = 0  # rows, by filter and search
        options.ran, options.observed_then, options.matches = False, b"", []

    @property
    def lines(self) -> Lines:
        if self.sorted.sort is not None:
            return self.sorted
        return self.calls if self.by_calls else self.modules

    @property
    def calls(self) -> CallLines:
        """The calls in the order that is chosen for them."""
        return self.call_tree if self.nested else self.in_order

    @property
    def in_tree(self) -> bool:
        """Whether the modules are shown below each other as they hold each other."""
        return self.lines is self.modules

    @property
    def place(self) -> int | None:
        """Where the selected call is among the calls; None where the lines are modules."""
        return self.at if self.by_calls and self.at is not None and self.calls.shows(self.at) else None

    @property
    def call(self) -> CallRow | None:
        """The selected call."""
        return None if self.place is None else self.calls.calls[self.place]

    @property
    def line(self) -> int:
        return 0 if self.at is None else self.lines.position(self.at)

    def update(self, room: int) -> None:
        """Take in what has changed in the model; `room` is how many lines can be seen."""
        self._marks = None
        self._take_rows(room)
        self._take_calls()
        self.call_tree.room = room
        for lines in (self.modules, self.in_order, self.call_tree):
            lines.measure_marks()
            lines.natural.costs = widths_of(self.options.costs, self.model)
        if self._is_due():
            if self.options.filter:
                self.filter(self.options.filter)
            self.search(self.options.search)
        self.settle()

    def _is_due(self) -> bool:
        """Whether all rows are filtered and searched again: while very many come, once there are twice as many, or all.
        With each chunk of them it would take minutes."""
        rows, info = len(self.model.rows), self.model.info
        if info is not None and self._looked_through < rows < min(2 * self._looked_through, info.rows):
            return False
        self._looked_through = rows
        return True

    def _take_rows(self, room: int) -> None:
        new = self.model.rows[self._rows_seen :]
        if not new:
            return
        self._rows_seen += len(new)
        self.names.extend(self.model)
        self.modules.measure_rows(new)
        self.modules.outline.extend()
        self.modules.outline.expand_default(room)

    def _take_calls(self) -> None:
        model = self.model
        if model.calls is not self.in_order.calls:
            self.in_order.calls = self.call_tree.calls = model.calls
            self._calls_seen = 0
            for lines in (self.modules, self.in_order, self.call_tree):
                lines.forget_heat()
        seen, self._calls_seen = self._calls_seen, len(model.calls)
        if seen < len(model.calls):
            bad = list(islice(model.calls.select(BAD), _MOST_BAD))
            self.options.producers = producers = frozenset(find_producers(bad))
            self.options.made_by = frozenset(call.module for call in bad if call.start in producers)
            self.modules.measure_calls(model.calls, seen)
            self.in_order.measure_calls(seen)
            number = self.call_tree.natural.number  # all else is as wide in both
            self.call_tree.natural = replace(self.in_order.natural, number=number)
        if model.costs is not self._costs:
            self._costs = model.costs
            self._sort_by(self.sorted.sort)
        if model.summary is not self._summary:
            self._summary = model.summary
            self._sort_by(self.sorted.sort)
            self.options.ran, self.options.observed_then = model.summary is not None, model.marks.observed

    def show_calls(self, by_calls: bool, nested: bool = False) -> None:
        """Change the order, staying on the same call, or on the module where it has a line."""
        self.at = self.place if by_calls else None
        self.by_calls, self.nested = by_calls, nested
        if by_calls and self.row >= 0:
            self._stay_on(self._id_of(self.row) if self.at is None else self.at)
        self._sort_by(None)
        self.search(self.options.search)
        self.settle()

    def sort_next(self) -> None:
        """Sort by the next measure that is known, and after the last one show the tree again."""
        now = self.sorted.sort
        left = SORTS[SORTS.index(now) + 1 :] if now is not None else SORTS
        self.by_calls, self.at = False, None
        if any(self._sort_by(sort) for sort in left):
            self.go_to(0)  # the most is what is looked for
        else:
            self._sort_by(None)
        self.search(self.options.search)
        self.settle()

    def _sort_by(self, sort: Sort | None) -> bool:
        """False where nothing is known by which to sort; the tree is shown then."""
        found = self.sorted.take(sort) or self.sorted.take(None)
        self.sorted.narrow(self.options.matches if self.options.filter else None)
        return found

    def settle(self) -> None:
        """Lines were added, removed or moved: stay on the module, or as near as can be."""
        self.at = self._nearest()
        if self.at is not None and self.lines.shows(self.at):
            self.row = self.lines.row_of(self.at)

    def _nearest(self) -> int | None:
        lines, row = self.lines, self.row
        if not lines.ids:
            return self.at
        if self.in_tree:
            return lines.ids[lines.position(row)] if row >= 0 else lines.ids[0]
        if self.at is not None and self.at < len(self.calls.calls) and lines.row_of(self.at) == row:
            if self.lines is self.call_tree:
                return lines.ids[lines.position(self.at)]
            if lines.shows(self.at):
                return self.at
        id = self._id_of(row) if row >= 0 else None
        return lines.ids[0] if id is None else id

    def _stay_on(self, id: int | None) -> None:
        self.at = id
        if id is not None:
            self._reveal(id)

    def show_call(self, place: int | None) -> int | None:
        """The line of a call, revealed; None where a filter hides it, and where the lines are modules."""
        if not self.by_calls or place is None or place >= len(self.calls.calls) or not self._reveal(place):
            return None
        return self.calls.position(place)

    def _id_of(self, row: int) -> int | None:
        """Of the line of this module, where it has one and the tree is not shown."""
        return self.sorted.rank_of(row) if self.sorted.sort is not None else self.calls.first_call(row)

    def go_to(self, line: int) -> None:
        """Put the cursor on this line, or on the first or last one."""
        ids = self.lines.ids
        if ids:
            self.at = ids[max(0, min(line, len(ids) - 1))]
            self.row = self.lines.row_of(self.at)

    def line_of(self, index: int) -> int | None:
        """The line that shows this module, expanding what hides it; None where it cannot be shown."""
        if not 0 <= index < len(self.model.rows):
            return None
        id = index if self.in_tree else self._id_of(index)
        return self.lines.position(id) if id is not None and self._reveal(id) else None

    def _reveal(self, id: int) -> bool:
        outline = self.lines.outline
        return bool(self.lines.ids) and (self.lines.shows(id) or (outline is not None and outline.reveal(id)))

    # filter and search

    def filter(self, text: str) -> None:
        """Keep only what matches; empty shows all again. `settle` has to follow."""
        self.options.filter = text.strip()
        if self._marks is None:
            self._marks = self.modules.name_marks() if self.options.filter else None
        self.options.matches = find(text, self.names, self._marks or {}) if self.options.filter else []
        kept = self.options.matches if self.options.filter else None
        self.modules.outline.narrow(kept)
        self.in_order.narrow(kept)
        self.call_tree.narrow(kept)
        self.sorted.narrow(kept)

    def refilter(self, text: str) -> None:
        """The filter was changed by hand: go to a match, and stay on it when the filter is gone."""
        self.filter(text)
        matches = self.options.matches
        if not self.options.filter and self.row >= 0:
            self.line_of(self.row)
        elif matches and self.row not in matches:
            self.row, self.at = matches[0], None
        self.search(self.options.search)
        if not (self.options.filter or self.options.search):
            self.names.forget()
        self.settle()

    def search(self, text: str) -> int:
        """The number of lines whose name or class has `text`, collapsed ones included."""
        self.options.search = text
        self._found = self.lines.find_lines(text)
        return len(self._found)

    def match(self, delta: int) -> int | None:
        """The line of the match `delta` matches from the cursor, 0 for the first from here on; revealed."""
        if not self._found:
            return None
        id = step(self._found, self.at or 0, delta, self.lines.order)
        self._reveal(id)
        return self.lines.position(id)

    def place_of_match(self) -> str:
        """Which of the matches the cursor is on: `3 of 9`."""
        order = self.lines.order
        return f"{bisect_left(self._found, order(self.at or 0), key=order) + 1} of {len(self._found)}"

    # expanded modules

    def expand_only(self, indices: Iterable[int]) -> None:
        self.modules.outline.expand_only(index for index in indices if 0 <= index < len(self.model.rows))
        self.settle()

    def toggle(self) -> None:
        """Expand what the cursor is on, or collapse it."""
        if self.lines.outline is not None and self.at is not None:
            self.lines.outline.toggle(self.at)
        self.settle()

    def fold_all(self, open: bool) -> None:
        """Expand all, or collapse all but the root."""
        (self.lines.outline or self.modules.outline).fold_all(open)
        self.settle()

    def below(self) -> int | None:
        """The line of the first that stands below the cursor's, None where that is not open."""
        outline = self.lines.outline
        return self.line + 1 if outline is not None and self.at is not None and outline.is_open(self.at) else None

    def into(self) -> int | None:
        """The line of the first call that the selected one made, revealed; None where there is none to show."""
        if self.lines is not self.call_tree or self.at is None:
            return None
        if self.call_tree.outline.narrowed:
            return self.below()
        child = next(self.call_tree.outline.children(self.at), None)
        return None if child is None else self.show_call(child)

    def above(self) -> int | None:
        """The line that the cursor's stands below, None for a root."""
        outline = self.lines.outline
        parent = outline.parent(self.at) if outline is not None and self.at is not None else -1
        return self.lines.position(parent) if parent >= 0 else None

    def can_collapse(self) -> bool:
        outline = self.lines.outline
        return outline is not None and self.at is not None and outline.is_open(self.at) and not outline.narrowed

    # words

    def title(self, room: int) -> str:
        """What is shown, and by what it is sorted; the words for Δ where they fit into `room` cells too."""
        calls = "Call tree · own time" if self.nested else "Calls"
        title = calls if self.by_calls else "Modules" if self.model.is_model else "Names"
        if self.sorted.sort is not None:
            title += f" by {self.sorted.sort.title}"
        old = "old" if self.lines.widths().costs and self.model.costs_are_old else ""
        title = " · ".join(filter(None, (title, self.model.step_words, old)))
        if not self.lines.widths().heat or "Δ" in title:
            return title
        whole = f"{title} · Δ from the baseline"
        return whole if len(whole) <= room else f"{title} · Δ"

    def count(self) -> str:
        """How much is shown: `12 of 68 shown`."""
        shown, of = len(self.lines.ids), len(self.model.calls if self.by_calls else self.model.rows)
        if not of:
            return ""
        if self.by_calls:
            cold = ", cold" if self.model.summary is not None and self.model.summary.number == 1 else ""
            return f"{shown} of {of} calls{cold}"
        return f"{len(self.options.matches)} of {of} match" if self.options.filter else f"{shown} of {of} shown"

    def explain(self, line: int, x: int, columns: Columns) -> str:
        """What stands in this cell of a line means."""
        ids = self.lines.ids
        pieces = self.lines.pieces(ids[line], columns) if 0 <= line < len(ids) and x >= 0 else []
        return self.lines.plain(explain_piece(pieces, x))

    def is_on_arrow(self, x: int, columns: Columns) -> bool:
        """Whether the arrow of the line under the cursor stands in this column."""
        outline = self.lines.outline
        if self.at is None or outline is None:
            return False
        start = self.lines.indent(self.at, columns)
        return start <= x < start + 2 and outline.has_children(self.at)
