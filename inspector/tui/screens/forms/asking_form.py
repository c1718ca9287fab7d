"""Small forms that ask the engine, and show below the fields what it says: they stay, to ask again."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Awaitable, Callable
from typing import Generic, TypeVar

from textual.app import ComposeResult
from textual.content import Content

from ....records import Problem
from ...drawing.lines import LineView, Page
from ...drawing.problem import message, problem_lines
from ...drawing.styles import DIM
from ...drawing.wrap import Line
from ...keys import key_of
from .small_form import SmallForm

Wanted = TypeVar("Wanted")
Answer = TypeVar("Answer")


class AskingForm(SmallForm[Wanted], Generic[Wanted, Answer]):
    """Args:
    ask: Asks the engine.
    cancel: Stops what it was asked for.
    ascii: Draw with ASCII characters only.
    """

    keeps_room = False
    about: str = ""
    """What it is for, until something was asked."""

    VERTICAL_BREAKPOINTS = [(0, "-low"), (30, "-tall")]  # noqa: RUF012 (Textual's type)
    DEFAULT_CSS = """
    AskingForm > #layer { max-height: 90%; max-width: 100; }
    AskingForm LineView { height: auto; max-height: 1fr; min-height: 2; }
    AskingForm.-tall LineView { margin-top: 1; }
    """

    def __init__(
        self,
        ask: Callable[[Wanted], Awaitable[Answer | Problem]],
        cancel: Callable[[], object],
        ascii: bool = False,
    ) -> None:
        super().__init__()
        self._ask = ask
        self._cancel = cancel
        self._asking = False
        self._found: Answer | Problem | None = None
        self._asked: Wanted | None = None
        self._view = LineView(self._page)
        self._view.ascii = ascii

    @abstractmethod
    def show_answer(self, wanted: Wanted, answer: Answer, width: int) -> list[Line]:
        """What the engine said."""

    def below(self) -> ComposeResult:
        yield from super().below()
        yield self._view

    def action_leave(self) -> None:
        if self._asking:
            self._cancel()
        self.dismiss(None)

    def take(self, read: Wanted) -> None:
        self.say_fault("")
        if not self._asking:
            self._asking = True
            self._view.renew(0)
            self.run_worker(self._carry_out(read), name="ask")

    async def _carry_out(self, wanted: Wanted) -> None:
        try:
            self._found = await self._ask(wanted)
            self._asked = wanted
        finally:
            self._asking = False
        if self.is_shown:
            self._view.renew(0)

    def _page(self, width: int) -> Page:
        if self._asking:
            return Page(message(f"the engine is at it  {key_of('interrupt')} stops it"))
        if self._found is None or self._asked is None:
            return Page([Line(Content.styled(self.about, DIM))])
        if isinstance(self._found, Problem):
            return Page(problem_lines(self._found))
        return Page(self.show_answer(self._asked, self._found, width))
