"""The frames of what was raised, or of what stands still, and the variables of the one under the cursor."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import PurePath
from typing import ClassVar

from textual import events, on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal
from textual.content import Content
from textual.message import Message

from ...records import (
    CodeLine,
    FrameRow,
    LocalRow,
    Locals,
    MappingValue,
    Path,
    Problem,
    SequenceValue,
    Stack,
    TensorValue,
    Value,
)
from ...text import lines as visible_lines
from ...text import visible
from ...value_text import shape_text
from .. import format
from ..drawing.compare import children
from ..drawing.cursor import CursorView
from ..drawing.lines import LineView, Page
from ..drawing.problem import problem_lines
from ..drawing.styles import ACCENT, DIM, ERROR, WARN
from ..drawing.values import Space, is_short, name_column, names_of, value_kind
from ..drawing.wrap import Line
from ..keys import Context, bindings, frame_hints, key_of

_KEYS = {"frame-call": "Call", "all-frames": "All", "stack": "Close"}
_WRITTEN: tuple[str, ...] = ("yours", "package")
_WITH_LIBRARIES = (*_WRITTEN, "torch", "library")
_ALL = (*_WITH_LIBRARIES, "plumbing")
_BORDER, _HIGHEST = 2, 16
_PLACE = 14
"""Cells that a file and line have beside a long name: their end, with the line."""
_DEEPEST = 2
"""Levels of a value that are shown below its name."""


class FramesView(CursorView):
    """Says when its cursor stands on another frame."""

    class Moved(Message):
        """The cursor was moved."""

    def go_to(self, stop: int) -> None:
        before = self.cursor
        super().go_to(stop)
        if self.cursor != before:
            self.post_message(self.Moved())


class StackPane(Horizontal):
    """Two lists, away while there is no stack: the frames, the innermost first, and variables."""

    TITLE: ClassVar[str] = "Stack"
    CONTEXT: ClassVar[Context] = "stack"
    ALLOW_SELECT = False
    BINDINGS: ClassVar[list[BindingType]] = [*bindings(CONTEXT)]

    class Chosen(Message):
        """The cursor stands on this frame now."""

        def __init__(self, row: FrameRow) -> None:
            self.row = row
            super().__init__()

    class Entered(Chosen):
        """The call that this frame is in is to be looked at."""

    def __init__(self, *, id: str, ascii: bool) -> None:
        super().__init__(id=id)
        self.stack = Stack()
        self.locals: Locals | None = None
        self.problem: Problem | None = None
        self.leads = True  # tree and source follow its cursor
        self.every = False  # also the frames that nobody comes to look at
        self.frames = FramesView(self._frames_page)
        self.variables = LineView(self._variables_page)
        self.frames.ascii = self.variables.ascii = ascii
        self._height = 0  # rows that were wanted so far
        self._closed_at: Problem | None = None  # what was raised when a person closed it
        self.display = False

    def compose(self) -> ComposeResult:
        yield self.frames
        yield self.variables

    def show(self, stack: Stack, leads: bool = True) -> None:
        """Another stack, the cursor on the frame where it starts; an empty one takes the pane away. Where it does not
        lead, tree and source stay where they are until the pane has the keyboard. One of the same error as when a
        person closed it stays closed."""
        had_focus = self.has_focus_within
        stays_closed = stack.raised is not None and stack.raised == self._closed_at
        self.stack, self.locals, self.problem, self.every = stack, None, None, False
        self.display, self.leads = bool(stack.frames) and not stays_closed, leads or self.frames.has_focus
        self._height = 0
        if had_focus and not self.display:
            self.screen.focus_next()
        self._draw_title()
        self._list_again(self.start)

    def toggle(self) -> bool:
        """Close it, or open it again; whether there is anything to be seen in it."""
        self.display = bool(self.stack.frames) and not self.display
        self._closed_at = None if self.display else self.stack.raised
        return bool(self.stack.frames)

    def show_locals(self, found: Locals) -> None:
        """The variables of the frame under the cursor; of another one they come too late."""
        if self.row is not None and found.number == self.row.number:
            self.locals, self.problem = found, None
            self.variables.renew(0)
            self.call_after_refresh(self._fit)

    def show_problem(self, problem: Problem) -> None:
        """Why there are no variables."""
        self.locals, self.problem = None, problem
        self.variables.renew(0)
        self.call_after_refresh(self._fit)

    def _fit(self) -> None:
        """As high as what is in it: the rest is for the source. Of one stack it gets no lower again."""
        self._height = max(self._height, len(self.frames.rows), len(self.variables.rows))
        self.styles.height = min(self._height + _BORDER, _HIGHEST)

    @property
    def rows(self) -> list[FrameRow]:
        """Those that are listed, the innermost first."""
        frames, kinds = self.stack.frames, {row.origin for row in self.stack.frames}
        shown = next((known for known in (_WRITTEN, _WITH_LIBRARIES) if kinds.intersection(known)), _ALL)
        return [row for row in frames if self.every or row.origin in shown or row == self.start][::-1]

    @property
    def row(self) -> FrameRow | None:
        """The frame under the cursor."""
        rows = self.rows
        return rows[min(self.frames.cursor, len(rows) - 1)] if rows else None

    @property
    def start(self) -> FrameRow | None:
        """The frame to see first."""
        return self.stack.frames[self.stack.start] if self.stack.frames else None

    @property
    def _at_start(self) -> bool:
        """The cursor stands where something was raised."""
        return self.stack.raised is not None and self.row == self.start

    @property
    def path(self) -> Path | None:
        """Of the module to look at; None where none is known."""
        path = self.row.path if self.row is not None else None
        raised = self.stack.raised if self._at_start else None
        return raised.path if path is None and raised is not None else path

    @property
    def made(self) -> CodeLine | None:
        """Where a backward pass goes back to, while the cursor stands where it failed."""
        return self.stack.made if self._at_start and self.path is not None else None

    def action_go_to_call(self) -> None:
        """Look at the call of the frame under the cursor."""
        if self.row is not None:
            self.post_message(self.Entered(self.row))

    def action_all_frames(self) -> None:
        """List the frames of torch and of Python too, or not; the cursor stays on its frame."""
        row, self.every = self.row, not self.every
        self._list_again(row)

    def _list_again(self, row: FrameRow | None) -> None:
        rows = self.rows
        at = row.number if row is not None else 0
        self.frames.cursor = next((place for place, each in enumerate(rows) if each.number <= at), 0)
        self.frames.renew(max(self.frames.cursor - 1, 0))
        self._choose()

    @on(events.DescendantFocus)
    def _begin_to_lead(self) -> None:
        if not self.leads and self.frames.has_focus:
            self.leads = True
            self._choose()

    @on(FramesView.Moved)
    def _choose(self) -> None:
        if self.row is not None:
            self.post_message(self.Chosen(self.row))

    def _draw_title(self) -> None:
        stack = self.stack
        what = ("", "")
        if stack.raised is not None:
            what = f"  {visible(stack.raised.what)}", ERROR
        elif self.start is not None:
            what = f"  stands still in {visible(self.start.function)}", ACCENT
        self.border_title = Content.assemble(f"{key_of('stack')} {self.TITLE}", what)
        self.border_subtitle = Content(frame_hints(_KEYS))

    def _frames_page(self, width: int) -> Page:
        lines = [_frame_line(row, width) for row in self.rows]
        return Page(lines, stops=[range(place, place + 1) for place in range(len(lines))])

    def _variables_page(self, width: int) -> Page:
        if self.problem is not None:
            return Page(problem_lines(self.problem))
        if self.locals is None:
            return Page([Line(Content.styled("asking the engine …", DIM))])
        if not self.locals.rows:
            return Page([Line(Content.styled(visible(self.locals.note), DIM))])
        why = visible_lines(self.stack.raised.why) if self.stack.raised is not None and self._at_start else []
        column = name_column([visible(row.name) for row in self.locals.rows], Space(width))
        lines = [Line(Content.styled(text, WARN)) for text in why if text]
        lines += [line for row in self.locals.rows for line in _variable_lines(row, column)]
        more = self.locals.total - len(self.locals.rows)
        return Page(lines + [Line(Content.styled(f"and {more:,} more", DIM))] * (more > 0))


def _frame_line(row: FrameRow, width: int) -> Line:
    place = f"{PurePath(visible(row.file)).name}:{row.line}"
    place = format.cut_start(place, max(width - len(row.function) - 2, min(_PLACE, width // 2)))
    name = format.cut(visible(row.function), max(width - len(place) - 2, 8))
    return Line(Content.styled(name, "" if row.origin in _WRITTEN else DIM), aside=Content.styled(place, DIM))


def _variable_lines(row: LocalRow, column: int) -> Iterator[Line]:
    """A line for each, and for what is in it, as far as that is looked into."""
    name = visible(row.name)
    if row.path is not None:
        kind = visible(getattr(row.value, "type", ""))
        yield _line(0, name, column, Content.assemble(format.path(row.path), (f"  {kind}", DIM)))
    else:
        yield from _value_lines(name, row.value, column, 0)


def _value_lines(name: str, value: Value, column: int, depth: int) -> Iterator[Line]:
    yield _line(depth, name, column, _describe(value))
    if isinstance(value, SequenceValue | MappingValue) and not is_short(value) and depth < _DEEPEST:
        names = names_of(value)
        inner = min(max(map(len, names), default=0), 20)
        for each, part in zip(names, children(value), strict=False):
            yield from _value_lines(each, part, inner, depth + 1)


def _line(depth: int, name: str, column: int, text: Content) -> Line:
    pad = "  " * depth
    return Line(Content.assemble(pad, (format.fit(name, column), DIM), "  ", text), indent=len(pad) + column + 2)


def _describe(value: Value) -> Content:
    """A tensor on one line, with its range and whatever is bad in it."""
    if not isinstance(value, TensorValue):
        return value_kind(value)
    device = "" if value.device == "cpu" else f" {value.device}"
    parts: list[tuple[str, str]] = [(shape_text(value.shape), ACCENT), (visible(f"  {value.dtype}{device}"), DIM)]
    found = value.statistics
    if found is not None:
        if found.min is not None:
            parts.append((f"  {format.number(found.min)} … {format.number(found.max)}", ""))
        bad = [f"{count:,} {word}" for count, word in ((found.nan, "NaN"), (found.inf, "Inf")) if count]
        parts.append((f"  {', '.join(bad)}", f"{WARN} bold") if bad else ("", ""))
    elif value.why:
        parts.append((f"  {visible(value.why)}", DIM))
    return Content.assemble(*parts)
