"""The line under the cursor of Source: in a row or two where there is little room, else in full."""

from __future__ import annotations

from dataclasses import replace
from typing import NamedTuple

from msgspec import structs
from textual.content import Content

from ...text import visible
from ..drawing.line_values import draw_in_full, draw_visit, head_line, sum_up
from ..drawing.lines import LineView, Page
from ..drawing.styles import DIM, draw_hints
from ..drawing.values import Space
from ..drawing.wrap import EMPTY, Line
from ..keys import key_of
from .expressions import Expression
from .outputs import say_missing
from .source_lines import ShownLines

TALL_ENOUGH = 12  # rows of the panel in which there is room for a line in full
_TALL = 12  # rows below in which a histogram takes two


def count_rows(height: int) -> int:
    """How many rows of a panel of so many say what its line made."""
    if height >= TALL_ENOUGH:
        return max(height * 2 // 5, 5)
    return 2 if height >= 8 else int(height >= 6)


class LineBelow(LineView, can_focus=False):
    """Keeps its rows while other lines are asked for, so that nothing moves."""

    DEFAULT_CSS = """
    LineBelow { border-top: solid $foreground-muted; display: none; }
    LineBelow.-short { border-top: none; background: $surface; overflow-y: hidden; }
    """

    def __init__(self) -> None:
        super().__init__(lambda width: self._said.page(width, self.ascii, self.size.height >= _TALL))
        self._said = _Said(ShownLines(), 0, False, 0)

    @property
    def rows_taken(self) -> int:
        return self._said.rows

    def draw(self, lines: ShownLines, line: int, height: int, has_keys: bool, expected: bool) -> None:
        """Show this line, in a panel of so many rows; `has_keys` where its keys are the panel's now, `expected` while
        lines are asked for."""
        says_why = bool(lines.reply.missing or lines.reply.note)
        rows = count_rows(height) if lines.are_known or (expected and self.rows_taken) or says_why else 0
        is_short = height < TALL_ENOUGH
        rows = min(rows, 1 if is_short else 2) if says_why and not lines.are_known else rows
        self._said = _Said(lines, line, has_keys, rows, is_short)
        self.display = rows > 0
        if self.display:
            self.set_class(is_short, "-short")
            self.styles.height = rows
            self.renew(0)


class _Said(NamedTuple):
    """What is said of a line, in so many rows."""

    lines: ShownLines
    line: int
    has_keys: bool
    rows: int
    is_short: bool = False

    def page(self, width: int, ascii: bool, tall: bool) -> Page:
        lines, line, reply = self.lines, self.line, self.lines.reply
        if not lines.are_known:
            why = visible(reply.note) or (say_missing(reply.missing, "fetch-lines") if reply.missing else "")
            return Page([Line(Content.styled(why, DIM))])
        run, visit, chosen = lines.run_of(line), lines.visit_of(line), lines.chosen_at(line)
        if run is None or visit is None:
            why = "not reached in this call" if line in reply.unreached else "no statement of this function"
            return Page([self._with_hints(Line(Content.styled(why, DIM)), width)])
        if chosen is not None:
            visit = structs.replace(visit, values=(), calls=(chosen.call,), error="")
        found = [self._with_hints(head_line(run, visit, self._name(chosen)), width)] if self.rows > 1 else []
        if self.is_short:
            found.append(Line(sum_up(visit, width)))
        else:
            space = Space(width, ascii, 1, tall=tall)
            found += draw_visit(visit, space) if chosen is None else draw_in_full(chosen.call, space)
        return Page([*found, Line(Content.styled(visible(reply.note), DIM))] if reply.note else found)

    def _name(self, chosen: Expression | None) -> list[str]:
        """Which expression of how many it is, and which of its calls."""
        place = self.lines.choice_at(self.line)
        if chosen is None or place is None:
            return []
        several = [f"call {chosen.number + 1} of {len(chosen.calls):,}"] * (len(chosen.calls) > 1)
        return [f"expression {place + 1} of {len(self.lines.expressions(self.line))}", *several]

    def _with_hints(self, line: Line, width: int) -> Line:
        """With as many keys beside it as there is room for."""
        return replace(line, aside=self._hints(width - line.body.cell_length - 1))

    def _hints(self, room: int) -> Content:
        lines, run = self.lines, self.lines.run_of(self.line)
        words = [
            {"expression-previous": "", "expression-next": "expressions"} if lines.expressions(self.line) else {},
            {"run-previous": "", "run-next": "other runs"} if run is not None and run.visits > 1 else {},
            {"enter-function": "go in"} if lines.helper_at(self.line) is not None else {},
            {"leave-function": "back"} if lines.frame else {},
        ]
        hints = [draw_hints(each) for each in words if each]
        if hints and not self.has_keys:
            hints = [Content.styled(f"{key_of('pane-next')}: its keys", DIM)]
        shown = EMPTY
        for each in hints:
            longer = Content("  ").join([*[shown] * bool(shown), each])
            shown = longer if longer.cell_length <= room else shown
        return shown
