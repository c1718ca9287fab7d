"""The line under the cursor of Source: in a row or two where there is little room, else in full."""

from __future__ import annotations

from collections.abc import Iterator

from textual.content import Content

from ...records import LineRuns, LineVisit
from ...text import visible
from ..drawing.line_values import draw_visit, head_line, sum_up
from ..drawing.lines import LineView, Page
from ..drawing.styles import DIM, draw_hints
from ..drawing.values import Space
from ..drawing.wrap import Line
from ..keys import key_of
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
        super().__init__(self._page)
        self._lines = ShownLines()
        self._line = 0
        self._has_keys = False
        self.rows_taken = 0

    def draw(self, lines: ShownLines, line: int, height: int, has_keys: bool, expected: bool) -> None:
        """Show this line, in a panel of so many rows; `has_keys` where its keys are the panel's now, `expected` while
        lines are asked for."""
        self._lines, self._line, self._has_keys = lines, line, has_keys
        is_short = height < TALL_ENOUGH
        says_why = bool(lines.reply.missing or lines.reply.note)
        wanted = count_rows(height) if lines.are_known or (expected and self.rows_taken) or says_why else 0
        self.rows_taken = min(wanted, 1 if is_short else 2) if says_why and not lines.are_known else wanted
        self.display = self.rows_taken > 0
        if self.display:
            self.set_class(is_short, "-short")
            self.styles.height = self.rows_taken
            self.renew(0)

    def _page(self, width: int) -> Page:
        lines, line = self._lines, self._line
        reply = lines.reply
        if not lines.are_known:
            why = visible(reply.note) or (say_missing(reply.missing, "fetch-lines") if reply.missing else "")
            return Page([Line(Content.styled(why, DIM))])
        run, visit = lines.run_of(line), lines.visit_of(line)
        if run is None or visit is None:
            why = "not reached in this call" if line in reply.unreached else "no code of this function"
            return Page([Line(Content.styled(why, DIM), aside=self._hints(False))])
        found = list(self._visit_lines(run, visit, width))
        return Page([*found, Line(Content.styled(visible(reply.note), DIM))] if reply.note else found)

    def _visit_lines(self, run: LineRuns, visit: LineVisit, width: int) -> Iterator[Line]:
        hints = self._hints(run.visits > 1)
        if not self.has_class("-short"):
            space = Space(width, self.ascii, 1, tall=self.size.height >= _TALL)
            yield from draw_visit(run, visit, space, hints)
            return
        if self.rows_taken > 1:
            yield head_line(run, visit, hints)
        yield Line(sum_up(visit, width))

    def _hints(self, repeats: bool) -> Content:
        helper = self._lines.helper_at(self._line)
        words = {"run-previous": "", "run-next": "other runs"} if repeats else {}
        words |= {"enter-function": "go in"} if helper is not None else {}
        words |= {"leave-function": "back"} if self._lines.frame else {}
        if not words:
            return Content("")
        return draw_hints(words) if self._has_keys else Content.styled(f"{key_of('pane-next')}: its keys", DIM)
