"""Which lines of a source are known, which of their runs is looked at, and which function was entered from where."""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import NamedTuple

from textual.content import Content

from ...records import CallLines, CodeSpan, LineCall, LineRuns, LineVisit
from ...value_text import find_odd
from ..drawing.cursor import CursorView
from ..drawing.lines import Page
from ..drawing.styles import DIM
from .expressions import Expression, list_expressions, mark_part

_NONE = CallLines(0, ())


class Anchor(NamedTuple):
    """A run of a line that a person looks at; other lines show the run that goes with it."""

    line: int
    visits: int
    number: int
    order: int


class ShownLines:
    """Of one call of the selected module; `frame` is of the function that is shown, 0 for the forward."""

    def __init__(self) -> None:
        self.reply = _NONE
        self.frame = 0
        self._runs: dict[int, LineRuns] = {}
        self._anchor: Anchor | None = None
        self._entered: list[tuple[int, int]] = []  # the frames that were left behind, and the line in each
        self._anchors: dict[int, Anchor | None] = {}  # of those
        self._turn: dict[tuple[int, int], int] = {}  # how often a line of a frame was entered from
        self._chosen: tuple[int, CodeSpan] | None = None  # the expression that is looked at, and the line it is of

    @property
    def are_known(self) -> bool:
        return bool(self._runs)

    def take(self, reply: CallLines) -> None:
        """The first bad run is looked at, else the last of each line."""
        self._chosen = self._chosen if reply.frame == self.frame else None
        self.reply, self.frame = reply, reply.frame
        self._runs = {run.line: run for run in reply.lines}
        bad = [(visit.order, run, visit) for run in reply.lines for visit in run.kept if _is_bad(visit)]
        self._anchor = self._anchors.pop(reply.frame, None)
        if bad and self._anchor is None:
            _, run, visit = min(bad, key=lambda each: each[0])
            self._anchor = Anchor(run.line, run.visits, visit.number, visit.order)

    def forget(self) -> None:
        self.__init__()  # type: ignore[misc]  # as new

    def first_line_of(self, line: int) -> int:
        """That of the statement which this line is of, where that ran; else the line itself."""
        return max((run.line for run in self._runs.values() if run.line <= line <= run.end_line), default=line)

    def run_of(self, line: int) -> LineRuns | None:
        return self._runs.get(line)

    def visit_of(self, line: int) -> LineVisit | None:
        """The run of this line that is looked at."""
        run, anchor = self._runs.get(line), self._anchor
        if run is None:
            return None
        if anchor is None:
            return run.kept[-1]
        if run.visits == anchor.visits:
            same = next((visit for visit in run.kept if visit.number == anchor.number), None)
            if same is not None:
                return same
        before = [visit for visit in run.kept if visit.order <= anchor.order]
        after = [visit for visit in run.kept if visit.order >= anchor.order]
        if line > anchor.line:
            return after[0] if after else run.kept[-1]
        return before[-1] if before else run.kept[0]

    def visits(self) -> dict[int, LineVisit]:
        return {line: visit for line in self._runs if (visit := self.visit_of(line)) is not None}

    def step(self, line: int, delta: int) -> None:
        """Another run of this line, or where it ran once, of the one that ran most often."""
        run = self._runs.get(line)
        if run is None or run.visits == 1:
            run = max(self._runs.values(), key=lambda each: each.visits)
        now = self.visit_of(run.line)
        place = next((n for n, visit in enumerate(run.kept) if visit is now), 0)
        visit = run.kept[min(max(place + delta, 0), len(run.kept) - 1)]
        self._anchor = Anchor(run.line, run.visits, visit.number, visit.order)

    def expressions(self, line: int) -> list[Expression]:
        """Those of the run of this line that is looked at."""
        return list_expressions(self.visit_of(line))

    def choice_at(self, line: int) -> int | None:
        """Which of them is looked at; None where it is the whole line."""
        spans = [(line, each.span) for each in self.expressions(line)]
        return spans.index(self._chosen) if self._chosen in spans else None

    def chosen_at(self, line: int) -> Expression | None:
        """The expression of this line that is looked at."""
        place = self.choice_at(line)
        return None if place is None else self.expressions(line)[place]

    def choose(self, line: int, delta: int) -> None:
        """Look at the next or previous expression of this line; before the first one is the whole line."""
        now, found = self.choice_at(line), self.expressions(line)
        place = min((-1 if now is None else now) + delta, len(found) - 1)
        self._chosen = (line, found[place].span) if place >= 0 else None

    def leave_line(self, line: int) -> None:
        """The cursor is on this line now: of another one no expression is looked at."""
        if self._chosen is not None and self._chosen[0] != line:
            self._chosen = None

    @property
    def repeats(self) -> bool:
        """Whether any line ran more than once."""
        return any(run.visits > 1 for run in self._runs.values())

    def helper_at(self, line: int) -> LineCall | None:
        """The function that is entered from this line next, or from the expression that is looked at, or what is in
        that: of several, one after the other."""
        visit, chosen = self.visit_of(line), self.chosen_at(line)
        found = [call for call in visit.calls if call.frame] if visit is not None else []
        if chosen is not None:
            found = [call for call in chosen.calls if call.frame] or [each for each in found if chosen.holds(each)]
        return found[self._turn.get((self.frame, line), 0) % len(found)] if found else None

    def enter(self, line: int) -> int | None:
        """The frame of that function, which is to be asked for; None where there is none."""
        helper = self.helper_at(line)
        if helper is None:
            return None
        place = self.frame, line
        self._turn[place] = self._turn.get(place, 0) + 1
        self._entered.append(place)
        self._anchors[self.frame] = self._anchor
        return helper.frame

    def leave(self) -> tuple[int, int] | None:
        """The frame that this one was entered from, and the line there; None for the forward."""
        return self._entered.pop() if self._entered else None


def _is_bad(visit: LineVisit) -> bool:
    return find_odd(*(each.value for each in visit.values)) in ("NaN", "Inf")


class SourceView(CursorView):
    """Lines of code; those that did not run are dim."""

    def __init__(self, build: Callable[[int], Page], moved: Callable[[], object]) -> None:
        super().__init__(build)
        self.dimmed: Collection[int] = ()
        self.chosen: dict[int, tuple[int, int]] = {}  # by line, the characters of the expression that is looked at
        self._tell = moved

    def go_to(self, stop: int) -> None:
        super().go_to(stop)
        self._tell()

    def style_line(self, line: int) -> str:
        if line == self.page.marked and not (self.has_focus and line == self.stop):
            return "on $primary-muted"
        return super().style_line(line)

    def draw_body(self, line: int) -> Content:
        if line in self.dimmed:
            return Content.styled(self.page.lines[line].body.plain, DIM)
        body, part = super().draw_body(line), self.chosen.get(line)
        return body if part is None else mark_part(body, part, self.ascii)
