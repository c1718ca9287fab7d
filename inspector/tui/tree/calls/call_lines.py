"""The lines of the call order: one per call of the last pass, in the order in which forward hooks fire."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence

from rich.cells import cell_len

from ....client.call_table import ODD
from ....client.model import Model
from ....records import CallRow
from ....report.findings import say_thread
from ....text import visible
from ... import format as fmt
from ..cells import Cells, Piece, share_line
from ..columns import CLASS_LIMIT, MEASURED, NAME_LIMIT, Columns
from ..costs import cost_cells
from ..heat import worst
from ..lines import DisplayOptions, Lines, call_badges
from ..matching import Names, occurrences

MILLISECONDS = 7  # "23.4 ms"


class CallLines(Lines):
    """Calls of the last pass; ids are positions in `Model.calls`."""

    def __init__(self, model: Model, options: DisplayOptions, names: Names) -> None:
        super().__init__(model, options, names)
        self.natural.number = MILLISECONDS
        self.calls = model.calls  # not always the model's: a pass may have begun since
        self._matches: Sequence[int] | None = None  # rows that the filter keeps
        self._kept: Sequence[int] | None = None  # calls of these
        self._kept_in = model.calls, 0  # which calls were looked through

    @property
    def ids(self) -> Sequence[int]:
        if self._matches is None:
            return range(len(self.calls))
        if self._kept is None or self._kept_in != (self.calls, len(self.calls)):
            self._kept = self.calls.find(self.model.rows.objects_of(self._matches))
            self._kept_in = self.calls, len(self.calls)
        return self._kept

    def position(self, id: int) -> int:
        return max(min(bisect_left(self.ids, id), len(self.ids) - 1), 0)

    def row_of(self, id: int) -> int:
        return self.calls.modules[id]

    def narrow(self, matches: Sequence[int] | None) -> None:
        """Keep only calls of these rows, looked for when they are asked for; None keeps all."""
        self._matches, self._kept = matches, None

    def first_call(self, index: int) -> int | None:
        """The first shown call of this module."""
        places = self.calls.places(self.model.object_of(index))
        if not places:
            return None
        id = places[0]
        at = bisect_left(self.ids, id)
        return id if at < len(self.ids) and self.ids[at] == id else None

    def measure_calls(self, seen: int) -> None:
        """Calls were appended to the `seen` ones."""
        calls, widths = self.calls, self.natural
        self.measure_briefs(calls.briefs())
        self.measure_heat(calls.distances(max(seen, len(calls) - MEASURED)))
        modules = list(calls.called())
        threads = calls.count_threads()
        more = 4 + (len(f" thread {threads}") if threads > 1 else 0)
        longest = max(map(self.names.cells.__getitem__, modules), default=-more)
        widths.name = max(widths.name, min(longest + more, NAME_LIMIT))
        classes = set(map(self.model.rows.class_names.__getitem__, modules))
        widths.class_name = max(
            [widths.class_name, *(cell_len(fmt.cut(visible(name), CLASS_LIMIT)) for name in classes)]
        )
        for call in calls.examples(ODD):
            self.measure_badges(call_badges((call,), {call.start} if self.options.producers else set()))

    def find_lines(self, text: str) -> Sequence[int]:
        modules = self.find_modules(text)
        if self._matches is not None:
            modules &= self.model.rows.objects_of(self._matches)
        return self.calls.find(modules) if modules else ()

    def find_modules(self, text: str) -> set[int]:
        """Those of which the path or the class has `text`; none for an empty one."""
        return set(self.names.find_rows(text.lower()))

    def pieces(self, id: int, columns: Columns) -> list[Piece]:
        call = self.calls[id]
        role = "error" if call.status == "raised" else ""
        time = self.number_piece(fmt.ms(call.ms), columns.number, role or "number")
        return self._line(call, columns, self.list_cells(call, columns, role, time), role)

    def list_cells(self, call: CallRow, columns: Columns, role: str, time: list[Piece]) -> Cells:
        """What stands behind the name and the class of a call that took this time."""
        return [
            [(" " * columns.gap, "class")],
            time,
            *cost_cells(self.model, self.options, columns, call.module, role, call),
            self.shape_piece(call.brief, columns.shape, role or "shape"),
            self.heat_piece(worst((call.delta,)), columns.heat, role),
            self.number_piece("", columns.calls, "calls"),
            self.mark_pieces(call.module, columns.mark, call.altered),
            self.badge_pieces(call_badges((call,), self.options.producers), columns),
        ]

    def _line(self, call: CallRow, columns: Columns, cells: Cells, role: str) -> list[Piece]:
        """The path, cut where it starts, which of several calls it is, the class and the other columns."""
        number = self.number(call)
        path, class_name = self._name(call.module), self.model.rows.class_names[call.module]
        wanted = cell_len(path) + len(number), cell_len(visible(class_name))
        room, class_cells, others = share_line(columns, *wanted, cells)
        name = fmt.cut_start(path, max(room - len(number), 0))
        rest = fmt.fit(number, room - cell_len(name))
        return [
            *self.name_pieces(name, cell_len(name), role or ("name" if call.depth else "root"), self.find_in(name)),
            (rest, role or "calls"),
            *self.class_pieces(class_name, class_cells, role or "class"),
            *others,
        ]

    def number(self, call: CallRow) -> str:
        """Which of several calls of its module it is, and of which thread where it is not the first."""
        which = f" #{call.in_step}" if self.model.count_calls(call.module) > 1 else ""
        return which + (f" {say_thread(call)}" if call.thread else "")

    def find_in(self, name: str) -> set[int]:
        """Offsets of what is searched for."""
        return occurrences(self.options.search, name)

    def _name(self, index: int) -> str:
        return fmt.path(self.model.paths[index])
