"""A line of Python where a pass stands still, what it gave, and the lines before it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.message import Message
from textual.widgets import Input, Static

from ....records import Evaluated, Problem
from ....text import visible
from ...bars.prompt import PromptBox
from ...bars.stop_bar import describe
from ...completing_box import NAMES, find_common_start
from ...drawing.lines import LineView, Page
from ...drawing.problem import problem_lines
from ...drawing.styles import ACCENT, DIM
from ...drawing.values import Space, value_lines
from ...drawing.wrap import Line
from ...keys import bindings, frame_hints
from ..layer import Layer

_PURPOSE = "python"
_HINTS = {"accept": "Run", "complete": "Complete", "recall": "Before", "leave": "Close"}
_KEPT = 500
"""Lines of what was run and what it gave."""


class PythonBox(PromptBox):
    """Remembers what was run, and asks for what a line may go on to."""

    BINDINGS: ClassVar[list[BindingType]] = [*bindings("file")]

    class Asked(Message):
        """Tab was pressed."""

    def action_complete(self) -> None:
        self.post_message(self.Asked())


class PythonLine(Layer[None]):
    """Stays for another line.

    Args:
        place: Where it is, in words.
        name: Of a value there that a line may put another in the place of, "" for none.
        before: What was run before, the oldest first; what is run now is put there as well.
        run: Runs a line.
        complete: What a line may go on to.
        ascii: Draw with ASCII characters only.
    """

    help_page = "Python in a stopped pass"

    DEFAULT_CSS = """
    PythonLine { align: center bottom; }
    PythonLine > #layer { max-width: 100%; width: 100%; height: 50%; min-height: 8; margin-bottom: 3; }
    PythonLine LineView { height: 1fr; }
    PythonLine Static { height: auto; color: $foreground-muted; }
    """

    def __init__(
        self,
        place: str,
        name: str,
        before: list[str],
        run: Callable[[str], Awaitable[Evaluated | Problem]],
        complete: Callable[[str], Awaitable[tuple[str, ...]]],
        ascii: bool = False,
    ) -> None:
        super().__init__()
        self._place, self._name = place, name
        self._before = before
        self._run = run
        self._complete = complete
        self._lines: list[Line] = []
        self._completed = ""  # what the line was made by tab
        self._view = LineView(self._page)
        self._view.ascii = ascii
        self._names = Static("", id="names", markup=False)
        self._box = PythonBox("python")

    def compose(self) -> ComposeResult:
        with Vertical(id="layer") as frame:
            frame.border_title = Content(f"Python {visible(self._place)}")
            frame.border_subtitle = Content(frame_hints(_HINTS, typing=True))
            yield self._view
            yield self._names
            yield self._box

    def on_mount(self) -> None:
        for text in self._before:
            self._box.take(_PURPOSE, text)
        self._box.begin(_PURPOSE, "")
        self._box.focus()

    @on(Input.Changed)
    def _clear_names(self, event: Input.Changed) -> None:
        if event.value != self._completed:
            self._names.update("")

    @on(Input.Submitted)
    def _submitted(self, event: Input.Submitted) -> None:
        event.stop()
        text = event.value.strip()
        if text:
            self._before.append(text)
            self._box.take(_PURPOSE, text)
            self._box.clear()
            self._box.begin(_PURPOSE, "")
            self.run_worker(self._carry_out(text), name="run", group="run")

    async def _carry_out(self, text: str) -> None:
        found = await self._run(text)
        if self.is_shown:
            head = Line(Content.assemble(("> ", ACCENT), (visible(text), "bold")))
            lines = problem_lines(found) if isinstance(found, Problem) else self._lines_of(found)
            self._lines = [*self._lines, head, *lines][-_KEPT:]
            self._view.renew(max(len(self._lines) - len(lines) - 1, 0))

    def _lines_of(self, found: Evaluated) -> list[Line]:
        """What it gave; of a statement the names that mean something else now."""
        if found.problem is not None:
            return problem_lines(found.problem)
        if found.value is not None:
            return list(value_lines("", found.value, Space(max(self._view.size.width - 2, 20))))
        changed = [each for each in found.values if each.name in found.changed]
        return [Line(Content(describe(each))) for each in changed] or [Line(Content.styled("done", DIM))]

    def _page(self, width: int) -> Page:
        example = f": {self._name} = {self._name} * 2" if self._name else ""
        about = f"An expression, or a statement{visible(example)}. What it prints goes into the Log."
        return Page(self._lines or [Line(Content.styled(about, DIM))])

    @on(PythonBox.Asked)
    def _asked(self) -> None:
        self.run_worker(self._go_on(self._box.value[: self._box.cursor_position]), name="complete", exclusive=True)

    async def _go_on(self, begun: str) -> None:
        lines = await self._complete(begun)
        if not self.is_shown or not lines or self._box.value[: self._box.cursor_position] != begun:
            return
        agreed = find_common_start(lines)
        self._completed = agreed if len(agreed) > len(begun) else self._box.value
        if len(agreed) > len(begun):
            self._box.value = agreed
            self._box.cursor_position = len(agreed)
        if len(lines) > 1:
            start = max(begun.rfind(" "), begun.rfind("."), begun.rfind("(")) + 1
            more = f"  and {len(lines) - NAMES} more" if len(lines) > NAMES else ""
            names = "  ".join(visible(line[start:]) for line in lines[:NAMES]) + more
            self._names.update(Content(names))
