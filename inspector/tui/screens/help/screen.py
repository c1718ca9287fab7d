"""The help: a page for each pane, from the one that had the keyboard on, and a search over all of it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Vertical
from textual.content import Content

from ...bars.prompt import PromptBar
from ...drawing.lines import LineView, Page
from ...drawing.styles import ACCENT, DIM
from ...drawing.wrap import Line
from ...keys import bind_own, find_command, key_like, list_hints
from ..layer import Layer
from .layer_pages import LAYER_PAGES
from .pages import ALL, PAGES, TITLE, page_lines, title_lines


class Help(Layer[None]):
    """Scrolls like every other pane."""

    is_read = True

    BINDINGS: ClassVar[list[BindingType]] = [
        *bind_own("help"),
        key_like("pane-next", "turn(1)", also=find_command("panel-next").keys),
        key_like("pane-previous", "turn(-1)", also=find_command("panel-previous").keys),
        key_like("search", "search"),
        key_like("next", "search_next(1)"),
        key_like("previous", "search_next(-1)"),
    ]

    DEFAULT_CSS = """
    Help > #layer { height: 90%; max-height: 44; max-width: 130; }
    """

    def __init__(self, ascii: bool = False, title: str = ALL, words: Sequence[tuple[str, str]] = ()) -> None:
        """Begin with the page of this title; that of a layer is there only for whoever comes from it. `words` stand in
        the app's title, each with what it means."""
        super().__init__()
        here = [page for page in LAYER_PAGES if page.title == title]
        pages = here or PAGES
        self._titles = [*(page.title for page in pages), ALL]
        self._tabs = [*(page.tab for page in pages), ALL]
        self.page = self._titles.index(title)
        self._ascii = ascii
        self._words = words
        self.view = LineView(self._build)
        self.view.ascii = ascii
        self.prompt = PromptBar(id="prompt")

    def compose(self) -> ComposeResult:
        with Vertical(id="layer") as frame:
            frame.border_title = "Help"
            to_title = {"help": "Title"} if TITLE in self._titles else {}
            hints = {"search": "Search", "pane-next": "Page", **to_title, "quit": "Close"}
            frame.border_subtitle = Content(list_hints(hints, "  "))
            yield self.view
            yield self.prompt

    def on_mount(self) -> None:
        self.view.focus()

    @property
    def title_shown(self) -> str:
        """Of the page that shows."""
        return self._titles[self.page]

    def _build(self, width: int) -> Page:
        in_title = self.title_shown == TITLE
        lines = title_lines(self._words, self._ascii) if in_title else page_lines(self.title_shown, self._ascii)
        return Page(lines, head=(Line(self._draw_tabs()), Line()))

    def _draw_tabs(self) -> Content:
        styles = (f"bold reverse {ACCENT}" if at == self.page else DIM for at in range(len(self._tabs)))
        return Content(" ").join(Content.styled(tab, style) for tab, style in zip(self._tabs, styles, strict=True))

    def _show_page(self, page: int) -> None:
        self.page = page % len(self._titles)
        self.view.renew(to=0)

    def action_help(self) -> None:
        """The words of the title; there, and over a layer, close."""
        if self.title_shown == TITLE or TITLE not in self._titles:
            self.dismiss(None)
        else:
            self._show_page(self._titles.index(TITLE))

    def action_turn(self, delta: int) -> None:
        if not self.prompt.is_open:
            self._show_page(self.page + delta)

    def action_search(self) -> None:
        """Over everything, whichever page shows."""
        self._show_page(len(self._titles) - 1)
        self.prompt.ask("search")

    def action_search_next(self, delta: int) -> None:
        self.view.search_next(delta)

    @on(PromptBar.Typed)
    def _typed(self, event: PromptBar.Typed) -> None:
        """From the top again: what was found for fewer letters may lie behind what is meant."""
        self.view.action_to_start()
        found = self.view.search(event.text)
        self.prompt.hint(f"{found} found" if event.text else "")

    @on(PromptBar.Ended)
    def _ended(self, event: PromptBar.Ended) -> None:
        if event.text is None:
            self.view.search("")
        self.view.focus()
