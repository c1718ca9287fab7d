"""The source of the selected module, with what each line of its forward made beside it, and below in full."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType

from ...client.model import Model
from ...records import (
    AnyEvent,
    CallLines,
    CallRow,
    GetFrameSource,
    GetLines,
    GetSource,
    Path,
    Problem,
    Source,
    SourcePart,
    Stop,
)
from ...text import lines
from ..drawing.annotations import shapes_by_line
from ..drawing.colours import Colours
from ..drawing.line_values import brief_asides
from ..drawing.lines import Page
from ..drawing.problem import label_line
from ..drawing.styles import WARN
from ..drawing.wrap import Line
from ..keys import bindings
from .expressions import mark_part
from .line_below import TALL_ENOUGH
from .line_panel import LinePanel
from .line_reader import How, LineReader
from .source_lines import SourceView
from .source_text import dedent, draw_parts, draw_title, explanation, number_lines, put_beside

LINES_ABOVE = 2  # of the line in focus that stay in sight


class SourcePanel(LinePanel):
    """The class, the forward that runs, `__init__`, or the place in the parent's forward that calls the module."""

    TITLE = "Source"
    TAB = "Source"
    SHORT = "Src"
    STALE_AFTER_PASS = False
    CONTEXT = "source"
    REPLY_MAY_TAKE_A_PASS = True
    NAMES_OWN_KEYS = True
    BINDINGS: ClassVar[list[BindingType]] = [*bindings(CONTEXT)]

    view: SourceView

    def __init__(self) -> None:
        super().__init__()
        self.lines = LineReader(self)
        self.part: SourcePart = "auto"  # remembered from module to module
        self.source: Source | None = None
        self.code: list[str] = []
        self._pointed: tuple[Path, str, int] | None = None  # a line of a file, for one module
        self._frame: tuple[Path, int] | None = None  # of the stack, by its number, for one module
        self.stops: tuple[Stop, ...] = ()  # at lines, that are on
        self._colours: Colours | None = None
        self._calls: Sequence[CallRow] | None = None  # those the lines are annotated with
        self._call: int | None = None  # of the module, which one: its site and its lines are shown

    def make_view(self) -> SourceView:
        return SourceView(self.build, lambda: self.lines.draw())

    def compose(self) -> ComposeResult:
        yield self.view
        yield self.lines.below

    def draw_ascii(self) -> None:
        self.lines.below.ascii = True
        super().draw_ascii()

    def select(self, model: Model, index: int) -> None:
        super().select(model, index)
        looked_at = model.call_of(index)
        call = looked_at.in_step if looked_at is not None else None
        if self._calls is not model.calls or call != self._call:
            self._calls, self._call = model.calls, call
            self.view.renew()
            if self.part == "site":
                self.wait()
            self.lines.begin_again()

    def wait(self) -> None:
        self.lines.wait()
        super().wait()

    def request(self, generation: int, path: Path) -> GetSource | GetFrameSource | GetLines:
        if self._frame is not None and self._frame[0] == path:
            return GetFrameSource(generation, self._frame[1], path)
        site_call = (self._call or 0) if self.part == "site" else 0
        wanted = self.lines.request(generation, path, self._call)
        return wanted or GetSource(generation, path, self.part, site_call)

    def show(self, event: AnyEvent) -> None:
        if isinstance(event, CallLines):
            self.lines.take(event)
        elif isinstance(event, Source):
            self.take_source(event)
            self.view.cursor = max(self._focus, 0)
            self.draw_reply()
            self.lines.begin()

    def show_problem(self, problem: Problem) -> None:
        """That there are no lines is no reason to hide the source."""
        if self.lines.is_waiting:
            self.lines.take(CallLines(0, (), note=problem.what, frame=self.lines.shown.frame))
        else:
            super().show_problem(problem)

    def take_source(self, source: Source) -> None:
        """This is the text from now on."""
        self.source = source
        self.code = dedent(lines(source.text.rstrip("\n"))) if source.text else []
        self._colours = Colours(self.code, source.language) if self.code else None

    def action_lines(self, how: How) -> None:
        """Another expression or iteration, into a function or out of it, or fetch them."""
        self.lines.read(how)

    def idle_commands(self) -> tuple[str, ...]:
        return self.lines.idle_commands()

    def forget(self) -> None:
        self.source, self.code, self._colours = None, [], None
        self.lines.forget()

    def start_line(self) -> int:
        return max(self._focus - LINES_ABOVE, 0)

    def point_at(self, path: Path, file: str, line: int) -> None:
        """Mark this line, as long as the source of this module is shown; the next request asks for its forward."""
        self._pointed = path, file, line
        self._show_part("forward")

    def point_at_frame(self, frame: tuple[Path, int] | None) -> None:
        """Show the function of a frame of the stack, by its number, as long as this module is selected and no other
        part is chosen; without one, the module again."""
        if self._frame != frame:
            self._frame = frame
            self.wait()
            self.post_message(self.Again(self))

    @property
    def _focus(self) -> int:
        """The line to bring into sight, from the first of the code; -1 for none."""
        source = self.source
        if source is None:
            return -1
        if (
            source.part != "frame"
            and (pointed := self._pointed) is not None
            and pointed[:2] == (source.path, source.file)
        ):
            return pointed[2] - source.first_line if 0 <= pointed[2] - source.first_line < len(self.code) else -1
        return source.focus - source.first_line if source.focus else -1

    def action_next_part(self) -> None:
        """Show the next of class, forward and `__init__`."""
        shown = self.source.part if self.part == "auto" and self.source is not None else self.part
        following: dict[SourcePart, SourcePart] = {"forward": "class", "class": "init"}
        self._show_part(following.get(shown, "forward"))

    def show_site(self) -> None:
        """Show where the parent calls the module, in the call that is looked at; the next request asks for it."""
        self._pointed = None
        self._show_part("site")

    def follow_calls(self) -> None:
        """Show of any module from now on where it was called."""
        if self.part != "site" or self._frame is not None:
            self.show_site()

    def _show_part(self, part: SourcePart) -> None:
        self.part, self._frame = part, None
        self.wait()
        self.post_message(self.Again(self))

    def page(self, width: int) -> Page | None:
        source = self.source
        self.lines.draw()
        if source is None:
            return None
        if not self.model.is_model:
            return Page(explanation(source.notes))
        head = [draw_title(source, width), draw_parts(source, width)]
        if not self.code:
            return Page(explanation(source.notes), [*head, Line()])
        notes = [label_line("note", note, WARN) for note in source.notes]
        marked = self._focus if source.part in ("site", "frame") or self._pointed is not None else -1
        head += [*notes, *[Line()] * (self.size.height >= TALL_ENOUGH)]
        first = source.first_line
        self.view.dimmed = {n - first for n in self.lines.shown.reply.unreached} if self.lines.are_shown else ()
        stops = [range(n, n + 1) for n in range(len(self.code))]
        return Page(self._code(source, width), head, stops, colours=self._colours, marked=marked)

    def _code(self, source: Source, width: int) -> list[Line]:
        here = (stop for stop in self.stops if stop.everywhere or stop.path == (source.runs_in or source.path))
        stops = {stop.line for stop in here if stop.file == source.file}
        lines = number_lines(self.code, source.first_line, width, stops)
        for number, part in self.view.chosen.items() if self.ascii else ():
            lines[number] = replace(lines[number], body=mark_part(lines[number].body, part, ascii=True))
        if self.lines.are_shown:
            asides = brief_asides(lines, source.first_line, width, self.lines.shown.visits())
        else:
            asides = shapes_by_line(self.model, source, room=width // 3 if width >= 56 else 9)
        return put_beside(lines, source.first_line, asides)

    def copy_text(self) -> str:
        return "\n".join(self.code) if self.code else super().copy_text()

    def location(self) -> tuple[str, int] | None:
        """The line under the cursor where it is in sight, else the topmost line in sight."""
        source = self.source
        if source is None or not source.file:
            return None
        if not self.code:
            return source.file, source.focus or source.first_line
        line = self.view.stop or 0
        return source.file, source.first_line + (line if self.view.shows(line) else self.view.top_line)
