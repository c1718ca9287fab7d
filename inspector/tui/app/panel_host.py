"""The right side: one panel at a time, its tabs in the border, and the request that fills it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import TypeVar

from textual import on
from textual.app import ComposeResult
from textual.containers import Container
from textual.content import Content
from textual.message import Message
from textual.widgets import ContentSwitcher

from ...client.model import Model
from ...records import AnyEvent, AnyRequest, CallLines, Calls, Failed, Look
from .. import format
from ..bars.tabs import Tab, draw_tabs
from ..panels.base import Panel
from ..panels.line_panel import LinePanel
from ..panels.source import SourcePanel

Kind = TypeVar("Kind", bound=Panel)

Ask = Callable[[AnyRequest], Awaitable[AnyEvent]]

_BORDER = 4  # cells of it that no tab can have
_ANY_WIDTH = 999  # before the first layout


class PanelHost(Container):
    """Keeps the showing panel up to date with the selection.

    At most one request is under way. Whatever changes meanwhile asks once more when its reply is there, and a reply
    that was overtaken is not shown: holding a key down costs the engine no more than it can answer.

    Args:
        panels: In the order of their tabs.
        ask: The engine's `ask`.
    """

    ALLOW_SELECT = False  # of its border, which can be dragged

    class Switched(Message):
        """Another panel is showing."""

    def __init__(self, panels: Sequence[Panel], ask: Ask, *, id: str) -> None:
        super().__init__(id=id)
        self.members = tuple(panels)
        self._ask = ask
        self._model = Model(awaited=True)
        self._index: int | None = None
        self._showing = 0
        self._wanted = False
        self._asking = False
        self._refilled = asyncio.Event()
        self._looks: tuple[list[Tab], int, int] | None = None
        for number, panel in enumerate(self.members):
            panel.id = panel_id(number)

    def compose(self) -> ComposeResult:
        with ContentSwitcher(initial=panel_id(0)):
            yield from self.members

    def on_mount(self) -> None:
        self._draw_tabs()

    def on_resize(self) -> None:
        self._draw_tabs()

    @property
    def current(self) -> Panel:
        return self.members[self._showing]

    @property
    def showing(self) -> int:
        return self._showing

    def find(self, kind: type[Kind]) -> Kind:
        """The panel of this class."""
        return next(panel for panel in self.members if isinstance(panel, kind))

    def show(self, kind: type[Panel]) -> None:
        """Switch to the panel of this class."""
        self.show_number(self.members.index(self.find(kind)))

    def show_called(self, title: str) -> None:
        """Switch to the panel with this title, where there is one."""
        self._show_first(lambda panel: title == panel.TITLE)

    def show_context(self, context: str) -> None:
        """Switch to the panel that has the keys of this context, where there is one."""
        self._show_first(lambda panel: context == panel.CONTEXT)

    def _show_first(self, is_meant: Callable[[Panel], bool]) -> None:
        number = next((n for n, panel in enumerate(self.members) if is_meant(panel)), self._showing)
        if number != self._showing:
            self.show_number(number)

    def show_number(self, number: int) -> None:
        """Switch to a panel; its number wraps around."""
        had_focus = self.has_focus_within
        self._showing = number % len(self.members)
        self.query_one(ContentSwitcher).current = panel_id(self._showing)
        self._draw_tabs()
        if had_focus:
            self.current.focus()
        self.refill()
        self.post_message(self.Switched())

    def choose(self, number: int) -> None:
        """Switch to the panel whose tab has this number, where there is one."""
        if number <= len(self.members):
            self.show_number(number - 1)

    def step(self, delta: int) -> None:
        """Switch to the next or previous panel, round the ends."""
        self.show_number(self._showing + delta)

    def scroll(self, delta: int) -> None:
        """Scroll the showing panel by rows, wherever the keyboard is."""
        if isinstance(self.current, LinePanel):
            self.current.scroll_body(delta)

    def show_site(self) -> None:
        """Show where the parent calls the selected module."""
        self.show_called(SourcePanel.TITLE)
        self.find(SourcePanel).show_site()

    def select(self, model: Model, index: int) -> None:
        """This module is selected now. It is asked about once the moved cursor is on the screen: a quick reply would
        make the key wait for the panel to be drawn."""
        self._model, self._index = model, index
        self.draw_place()
        self.call_after_refresh(self.refill)

    def draw_place(self) -> None:
        """The selected module on the frame, where the tree is away and does not say which it is."""
        zoomed = self.has_class("-zoomed") and self._index is not None and self._index < len(self._model.rows)
        place = format.path(self._model.paths[self._index or 0]) if zoomed else ""
        self.border_subtitle = Content(format.cut_start(place, max(self.size.width - _BORDER, 0)))

    def clear(self, model: Model) -> None:
        """This is the model now, and nothing in it is selected."""
        self._model, self._index = model, None
        self.draw_place()
        for panel in self.members:
            panel.clear(model)
        self._draw_tabs()

    def end_pass(self) -> None:
        """Bring the showing panel up to date. Hidden ones ask when they are shown."""
        self._draw_tabs()
        if self.current.STALE_AFTER_PASS:
            self.refill()
        elif self._index is not None and self._index < len(self._model.rows):
            self.current.select(self._model, self._index)

    def refill(self) -> None:
        """Select in the showing panel and ask what it wants to know."""
        self._draw_tabs()
        if self._index is None:
            self.current.clear(self._model)
        if self._index is None or self._index >= len(self._model.rows):
            return
        self.current.select(self._model, self._index)
        self._wanted = True
        self._refilled.set()
        if not self._asking:
            self._asking = True
            self.run_worker(self._fill(), name="fill the panel", exit_on_error=True)

    async def _fill(self) -> None:
        try:
            while self._wanted:
                self._wanted = False
                self._refilled.clear()
                await self._fill_once()
        finally:
            self._asking = False

    async def _fill_once(self) -> None:
        panel, model, index = self.current, self._model, self._index
        if index is None or index >= len(model.rows):
            return
        request = panel.request(model.generation, model.paths[index])
        if request is None:
            return
        reply = await self._answer(panel, request)
        if reply is None or self._wanted or model is not self._model:
            return
        if isinstance(reply, Failed):
            panel.show_problem(reply.problem)
        else:
            panel.show(reply)

    async def _answer(self, panel: Panel, request: AnyRequest) -> AnyEvent | None:
        """The reply, or None where one that takes a pass was overtaken: the engine drops what nobody waits for."""
        reply = asyncio.ensure_future(self._ask(request))
        if not panel.REPLY_MAY_TAKE_A_PASS or isinstance(request, Look):
            return await reply
        overtaken = asyncio.ensure_future(self._refilled.wait())
        await asyncio.wait({reply, overtaken}, return_when=asyncio.FIRST_COMPLETED)
        overtaken.cancel()
        return reply.result() if reply.done() else None

    def offer(self, event: Calls | CallLines) -> None:
        """What the engine knows already of the reply that it is still working on."""
        index = self._index
        if index is None or not self._asking or index >= len(self._model.rows):
            return
        if event.path in (self._model.paths[index], self._model.paths[self._model.object_of(index)]):
            self.current.show(event)

    @on(Panel.TabChanged)
    def _draw_tabs(self) -> None:
        """What the tabs are now; drawn only where that is something else than before."""
        self.current.see()
        tabs = [self._tab(panel) for panel in self.members]
        width = self.size.width - _BORDER if self.size.width else _ANY_WIDTH
        looks = tabs, self._showing, width
        if looks != self._looks:
            self._looks = looks
            self.border_title = draw_tabs(*looks)

    def _tab(self, panel: Panel) -> Tab:
        model, index = self._model, self._index or 0
        if panel.OF_MODULE and (self._index is None or index >= len(model.rows)):
            return Tab(panel.TAB or panel.TITLE, panel.SHORT, full=False)
        full, mark = panel.holds_anything(model, index), panel.tab_mark(model, index)
        return Tab(panel.TAB or panel.TITLE, panel.SHORT, full, mark)


def panel_id(number: int) -> str:
    return f"panel-{number + 1}"
