"""The lines of the call tree: each call below the one that made it, in the order in which they began."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

from msgspec.structs import replace as replace_record
from rich.cells import cell_len

from ....client.call_table import CallTable
from ....client.call_tree import CallTree, Order
from ....client.flagged import Flagged
from ....client.model import Model
from ....records import CallRow
from ....text import visible
from ... import format as fmt
from ..cells import Cells, Piece, share_line
from ..columns import INDENT, NAME_LIMIT, Columns, Widths
from ..costs import WARM
from ..heat import BARS, SHADES
from ..lines import DisplayOptions
from ..matching import Names
from ..tree_lines import write_arrow, write_guides
from .call_lines import MILLISECONDS, CallLines
from .outline import CallOutline, Expansion

_LOOKED_AT = 250  # lines measured for the width of the names
_BAR = 2  # cells, before the time


_NONE = CallTable()
"""What is shown of calls while their tree is being made."""


class NestedCallLines(CallLines):
    """Calls of the last pass by their places in `Model.calls`, as a tree that is made once it is looked at."""

    def __init__(self, model: Model, options: DisplayOptions, names: Names) -> None:
        super().__init__(model, options, names)
        self.natural.number = MILLISECONDS + _BAR
        self.room = 0  # lines that can be seen
        self._narrowed_to: Sequence[int] | None = None  # rows that the outline was narrowed to
        self._outline = CallOutline(model, CallTree(_NONE))
        self._before: tuple[Sequence[int], Expansion] = (), ((), None)  # modules that were called, and what somebody
        # chose to be expanded of those calls
        self._measured = (self._outline, -1, 0)  # which version of it, and cells of the longest name there

    @property
    def outline(self) -> CallOutline:
        """Of the calls that are there now. Where a pass made the same calls as the one before, the same ones are
        expanded."""
        calls = _NONE if self.model.orders_due and self.calls is self.model.calls else self.calls
        if self._outline.calls.calls is not calls:
            if self._outline.chosen:
                self._before = self._outline.calls.calls.modules, self._outline.expansion
            tree = self.model.call_tree if calls is self.model.calls else CallTree(calls)
            self._outline = CallOutline(self.model, tree)
        elif self._outline.known != len(calls):
            self._outline.extend()
        else:
            if self._narrowed_to is not self._matches:
                self._narrow()
            return self._outline
        self._narrow()
        modules, expanded = self._before
        if modules == calls.modules:
            self._outline.expand_as(expanded)
        self._outline.expand_default(self.room)
        return self._outline

    @property
    def ids(self) -> Sequence[int]:
        return self.outline.lines

    def position(self, id: int) -> int:
        return self.outline.position(id) if id < len(self.outline.calls) else max(len(self.ids) - 1, 0)

    def order(self, id: int) -> Order:
        return self.outline.calls.key(id)

    def widths(self) -> Widths:
        outline = self.outline
        if self._measured[:2] != (outline, outline.version):
            longest = max(map(self._measure, outline.lines[:_LOOKED_AT]), default=0)
            self._measured = outline, outline.version, min(longest, NAME_LIMIT)
        return replace(self.natural, name=self._measured[2])

    def _measure(self, id: int) -> int:
        call = self.calls[id]
        return INDENT * _level(self.outline, id) + 2 + cell_len(self._key(id)) + len(self.number(call))

    def _narrow(self) -> None:
        self._narrowed_to = self._matches
        if self._matches is not None:
            self._outline.narrow(self.model.rows.objects_of(self._matches))
        elif self._outline.narrowed:
            self._outline.narrow(None)

    def first_call(self, index: int) -> int | None:
        places = self.calls.places(self.model.object_of(index))
        return places[0] if places and self.ids else None

    def find_lines(self, text: str) -> Sequence[int]:
        shown = self.outline.lines
        modules = self.find_modules(text)
        if not modules:
            return ()
        found = self.outline.calls.order.find(modules)
        return found.among(shown) if isinstance(shown, Flagged) else found

    # what stands on a line

    def pieces(self, id: int, columns: Columns) -> list[Piece]:
        call = self.calls[id]
        role = "error" if call.status == "raised" else ""
        cells = self.list_cells(call, columns, role, self._time(id, columns.number, role))
        return self._line_of(id, call, columns, cells, role)

    def _time(self, id: int, width: int, role: str) -> list[Piece]:
        """The call's own time, with that of the calls that are folded into the line, and as a bar which part of all the
        time that is: what stands in the column adds up to all."""
        if not width:
            return []
        outline = self.outline
        own = outline.calls.own_ms[id] if outline.is_open(id) else self.calls.ms[id]
        share = own / outline.calls.ms if outline.calls.ms > 0 else 0.0
        bars = SHADES if self.options.ascii else BARS
        bar = bars[min(max(math.ceil(share * (len(bars) - 1) - 0.01), 0), len(bars) - 1)]
        text = fmt.fit(fmt.ms(own), width - _BAR + 1, right=True)
        return [(f" {bar}", role or ("cost-warm" if share >= WARM else "cost")), (text, role or "number")]

    def _line_of(self, id: int, call: CallRow, columns: Columns, cells: Cells, role: str) -> list[Piece]:
        """Guides, arrow, name, which of several calls it is, class and the other columns."""
        level = _level(self.outline, id)
        before = fmt.cut(write_guides(level, self.indent(id, columns)), columns.name)
        sign = fmt.cut(write_arrow(self.outline, id), columns.name - cell_len(before))
        taken = cell_len(before) + cell_len(sign)
        key, number, class_name = self._key(id), self.number(call), self.model.rows.class_names[call.module]
        wanted = taken + cell_len(key) + len(number), cell_len(visible(class_name))
        room, class_cells, others = share_line(columns, *wanted, cells)
        name = fmt.cut_start(key, max(room - taken - len(number), 0))
        rest = fmt.fit(number, room - taken - cell_len(name))
        return [
            (self.plain(before), "guide"),
            (self.plain(sign), "arrow"),
            *self.name_pieces(name, cell_len(name), role or ("name" if call.module else "root"), self.find_in(name)),
            (rest, role or "calls"),
            *self.class_pieces(class_name, class_cells, role or "class"),
            *others,
        ]

    def number(self, call: CallRow) -> str:
        """Below the call that it was made in, its thread is known."""
        return super().number(call if call.caller < 0 else replace_record(call, thread=0))

    def indent(self, id: int, columns: Columns) -> int:
        """Cells before the arrow; what is deeper than half the column goes no further right."""
        return min(_level(self.outline, id) * INDENT, max(columns.name // 2 // INDENT * INDENT, 0))

    def _key(self, id: int) -> str:
        """The path from the caller's on, where it is in the caller; else all of it."""
        path, caller = self.model.paths[self.calls.modules[id]], self.outline.parent(id)
        above = self.model.paths[self.calls.modules[caller]] if caller >= 0 else ()
        inside = len(path) > len(above) and path[: len(above)] == above
        return fmt.path(path[len(above) :] if inside else path)


def _level(outline: CallOutline, id: int) -> int:
    """Steps of indentation: what the model calls stands below it, not behind it, as in the tree of modules."""
    return max(outline.calls.depth(id) - 1, 0)
