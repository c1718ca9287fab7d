"""What the detail panels have in common: one view of lines, a reply that is waited for, searching and copying."""

from __future__ import annotations

import asyncio
from abc import abstractmethod
from collections.abc import Sequence
from typing import ClassVar, TypeVar

from textual import events, on
from textual.app import ComposeResult
from textual.message import Message

from ...client.model import Model
from ...records import Problem
from ..after import after
from ..drawing.lines import LineView, Page
from ..drawing.problem import message, problem_lines
from ..drawing.wrap import Line
from ..keys import key_of
from .base import Panel

PATIENCE = 0.25  # seconds for which the module selected before stays on the screen: no flicker while moving on
NO_INDEX = -1  # of a module, while none is selected
UNSEEN_WIDTH = 100  # cells, for text that is copied from a panel that was never shown

Self = TypeVar("Self", bound="LinePanel")


class LinePanel(Panel):
    """A panel that is one page of lines, made from the reply to its request."""

    DEFAULT_CSS = """
    LinePanel { height: 1fr; padding: 0 0 0 1; }
    """

    NAMES_OWN_KEYS: ClassVar[bool] = False
    """Whether its page names keys that do something else while the tree has the keyboard."""

    class Again(Message):
        """`request` would now ask something else; the app asks again."""

        def __init__(self, panel: LinePanel) -> None:
            self.panel = panel
            super().__init__()

        @property
        def control(self) -> LinePanel:
            return self.panel

    def __init__(self) -> None:
        super().__init__()
        self.model = Model(awaited=True)
        self.index = NO_INDEX
        self.problem: Problem | None = None
        self.view = self.make_view()
        self._moved = True  # the next reply belongs to another module than the one on the screen
        self._patience: asyncio.TimerHandle | None = None

    def make_view(self) -> LineView:
        """The view that shows the page."""
        return LineView(self.build)

    def compose(self) -> ComposeResult:
        yield self.view

    @property
    def ascii(self) -> bool:
        """Whether everything is drawn with ASCII characters only."""
        return self.view.ascii

    def draw_ascii(self) -> None:
        self.view.ascii = True
        self.view.renew()

    @abstractmethod
    def page(self, width: int) -> Page | None:
        """What to show at this width; None while there is no reply."""

    @abstractmethod
    def forget(self) -> None:
        """Drop the reply: it belongs to a module that is no longer selected."""

    def start_line(self) -> int:
        """The line that a page of another module is scrolled to."""
        return 0

    def select(self, model: Model, index: int) -> None:
        if model is not self.model or index != self.index:
            self.model, self.index = model, index
            self.wait()

    def wait(self) -> None:
        """Another reply is coming. What is there stays for a moment, then gives way to a line that says so."""
        self._moved = True
        self._stop_waiting()
        if self.is_on_screen:
            self._patience = after(PATIENCE, self, self._give_up)
        else:
            self._give_up()

    def draw_reply(self, problem: Problem | None = None) -> None:
        """The reply is there, or `problem` instead: draw it."""
        self._stop_waiting()
        self.problem = problem
        moved, self._moved = self._moved, False
        self.view.renew(self.start_line() if moved else None)
        self.post_message(self.KeysChanged())

    def show_problem(self, problem: Problem) -> None:
        self.forget()
        self.draw_reply(problem)

    def clear(self, model: Model) -> None:
        self._stop_waiting()
        self.model, self.index = model, NO_INDEX
        self._give_up()

    def _give_up(self) -> None:
        self.forget()
        self.problem = None
        self.view.renew(0)
        self.post_message(self.KeysChanged())

    def _stop_waiting(self) -> None:
        if self._patience is not None:
            self._patience.cancel()
            self._patience = None

    def build(self, width: int) -> Page:
        """The page, the problem, or why there is neither."""
        if self.problem is not None:
            return Page(problem_lines(self.problem))
        return self.page(width) or Page(self._nothing())

    def _nothing(self) -> Sequence[Line]:
        if self.model.rows:
            return message("asking the engine …")
        if self.model.awaited:
            return message("no model yet: it is being loaded", f"press {key_of('interrupt')} to stop that")
        return message("no model yet", f"press {key_of('open')} to open one")

    def focus(self: Self, scroll_visible: bool = True) -> Self:
        """Give the keyboard to the view inside."""
        self.view.focus(scroll_visible)
        return self

    @on(events.DescendantFocus)
    @on(events.DescendantBlur)
    def _name_keys(self) -> None:
        if self.NAMES_OWN_KEYS:
            self.view.renew()

    def scroll_body(self, delta: int) -> None:
        """Scroll by rows while another pane has the keyboard."""
        self.view.action_scroll_rows(delta)

    def search(self, text: str) -> int:
        """Highlight `text`, go to the first match and count them; an empty text ends the search."""
        return self.view.search(text)

    def search_next(self, delta: int) -> str:
        """Go to the next or previous match, and say which that is; "" where there is none."""
        return self.view.search_next(delta)

    def copy_text(self) -> str:
        """What is shown, as plain text."""
        page = self.build(self.view.size.width or UNSEEN_WIDTH)
        return "\n".join(plain(line) for line in (*page.head, *page.lines))

    def location(self) -> tuple[str, int] | None:
        """File and line of what is shown, for an editor."""
        return None


def say_way(panel: Panel, hint: str) -> str:
    """A hint of keys that are the panel's while it has the keyboard; before it, the key that gives it that."""
    return hint if panel.has_focus_within else f"{key_of('pane-next')}, {hint}"


def plain(line: Line) -> str:
    """All of one line as text."""
    aside = f"  {line.aside.plain}" if line.aside else ""
    return f"{line.gutter.plain}{line.copied or line.body.plain}{aside}".rstrip()
