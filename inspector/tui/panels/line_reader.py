"""What the lines of a shown forward made: asked for a little later than the source, and gone through by keys."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Literal

from ...records import CallLines, GetLines, Path, Source
from ..after import after
from ..drawing.annotations import same_file
from .expressions import find_parts
from .line_below import LineBelow
from .outputs import FETCHED
from .source_lines import ShownLines

if TYPE_CHECKING:
    from .source import SourcePanel

How = Literal["right", "left", "next", "previous", "enter", "leave", "fetch"]
"""Another expression of the line under the cursor; another iteration of the loop that it is in; into the function that
it calls, and back to what called that; the lines, although the pass takes long."""
REST = 0.3  # seconds that a module is selected before its lines are asked for
_ABOVE = 2  # lines that stay in sight above the cursor, in a function that was entered


class LineReader:
    """Of one panel. `shown` is what is known, `below` shows the line under the cursor.

    Args:
        panel: Asks what this wants, and shows its source.
    """

    def __init__(self, panel: SourcePanel) -> None:
        self.shown = ShownLines()
        self.below = LineBelow()
        self._panel = panel
        self._is_current = False  # the source is that of the selected module
        self._wanted: int | None = None  # the frame to ask for
        self._expected = False  # lines of the source that is shown are asked for, or will be at once
        self._forced = False  # however long that takes
        self._asking: asyncio.TimerHandle | None = None
        self._forward: Source | None = None  # while a function that it called is shown
        self._return_to = 0  # the line under the cursor where that was entered

    def wait(self) -> None:
        """Another source is coming."""
        self._is_current, self._wanted, self._forced = False, None, False

    def begin(self) -> None:
        """The source is there."""
        self._is_current, self._wanted, self._forward = True, None, None
        self._start()

    def begin_again(self) -> None:
        """Another call is looked at, or another pass."""
        self._go_back()
        self._start()

    def _start(self) -> None:
        self.shown.forget()
        self._ask_later()
        self.draw()

    def forget(self) -> None:
        """There is no source."""
        self._forward, self._expected = None, False
        self.shown.forget()
        self.draw()

    @property
    def is_waiting(self) -> bool:
        """Whether lines are asked for."""
        return self._is_current and self._wanted is not None

    def request(self, generation: int, path: Path, call: int | None) -> GetLines | None:
        """What to ask for, None for nothing; a function that was entered is of the call that is shown."""
        if not self.is_waiting:
            return None
        call = self.shown.reply.call if self._wanted or self.shown.are_known else call
        return GetLines(generation, path, call, self._wanted or 0, self._forced)

    def take(self, reply: CallLines) -> None:
        """They are there."""
        panel, moved = self._panel, reply.frame != self.shown.frame
        self._stop_asking()
        self._wanted, self._forced, self._expected = None, False, False
        self.shown.take(reply)
        if reply.source is not None:
            self._forward = self._forward or panel.source
            panel.take_source(reply.source)
        elif moved:
            self._go_back()
        if moved and panel.source is not None:
            panel.view.cursor, self._return_to = max(self._return_to - panel.source.first_line, 0), 0
        panel.view.renew(max(panel.view.cursor - _ABOVE, 0) if moved else None)
        self.draw()

    def _go_back(self) -> None:
        if self._forward is not None:
            self._panel.take_source(self._forward)
            self._forward = None

    def _ask_later(self) -> None:
        """Whoever goes on to another module wants none of this one."""
        self._stop_asking()
        self._expected = self._can_ask() and self._panel.is_on_screen
        if self._expected:
            self._asking = after(REST, self._panel, self._ask)

    def _stop_asking(self) -> None:
        if self._asking is not None:
            self._asking.cancel()

    def _can_ask(self) -> bool:
        """Whether the source is of a forward that ran."""
        panel = self._panel
        source = self._forward or panel.source
        is_forward = source is not None and source.part in ("forward", "class") and bool(panel.code)
        return self._is_current and is_forward and panel.model.is_model and panel.model.count_calls(panel.index) > 0

    def _ask(self, frame: int = 0) -> None:
        if self._can_ask():
            self._wanted = frame
            self._panel.post_message(self._panel.Again(self._panel))

    @property
    def line(self) -> int:
        """The number of the line under the cursor, in its file; within a statement that ran, of its first one."""
        source = self._panel.source
        return self.shown.first_line_of((source.first_line if source is not None else 0) + (self._panel.view.stop or 0))

    @property
    def are_shown(self) -> bool:
        """Whether what is known is of the source that is shown."""
        source = self._panel.source
        return self.shown.are_known and source is not None and same_file(self.shown.reply.file, source.file)

    def draw(self) -> None:
        """The line under the cursor is another one, or known now."""
        panel, view, rows = self._panel, self._panel.view, self.below.rows_taken
        self._mark()
        self.below.draw(self.shown, self.line, panel.size.height, view.has_focus, self._expected)
        in_sight = view.stop is not None and view.shows(view.stop)  # before there is less room
        if self.below.rows_taken > rows and view.has_focus and in_sight:
            panel.call_after_refresh(self._show_cursor, view.scroll_offset.y)
        panel.post_message(panel.KeysChanged())

    def _mark(self) -> None:
        """The expression that is looked at, in the code."""
        self.shown.leave_line(self.line)
        source, chosen = self._panel.source, self.shown.chosen_at(self.line) if self.are_shown else None
        parts = find_parts(chosen.span, source) if chosen is not None and source is not None else {}
        self._panel.view.chosen = parts

    def _show_cursor(self, top: int) -> None:
        """What opened below must not hide the line that it is about, unless somebody has scrolled on from `top`."""
        view = self._panel.view
        if view.stop is not None and view.scroll_offset.y == top:
            view.reveal(view.stop, view.stop)

    def read(self, how: How) -> None:
        """What a key does."""
        if how in ("right", "left"):
            self.shown.choose(self.line, 1 if how == "right" else -1)
            self._mark()
            self._panel.view.renew()
        elif how in ("next", "previous"):
            self._step(1 if how == "next" else -1)
        elif how == "enter":
            self._enter()
        elif how == "leave":
            self._leave()
        elif self.shown.reply.missing in FETCHED:
            self._forced = True
            self._ask()

    def _step(self, delta: int) -> None:
        if self.shown.repeats:
            self.shown.step(self.line, delta)
            self._panel.view.renew()
            self.draw()

    def _enter(self) -> None:
        frame = self.shown.enter(self.line)
        if frame is not None:
            self._ask(frame)

    def _leave(self) -> None:
        back = self.shown.leave()
        if back is not None:
            self._return_to = back[1]
            self._ask(back[0])

    def idle_commands(self) -> tuple[str, ...]:
        there_is = {
            "expression-next": bool(self.shown.expressions(self.line)),
            "run-next": self.shown.repeats,
            "enter-function": self.shown.helper_at(self.line) is not None,
            "leave-function": bool(self.shown.frame),
            "fetch-lines": self.shown.reply.missing in FETCHED,
        }
        return tuple(id for id, is_there in there_is.items() if not is_there)
