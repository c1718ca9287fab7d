"""The function behind a hook."""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Vertical
from textual.content import Content

from ....records import Source
from ....shown_path import shown_path
from ....text import lines, visible
from ...drawing.colours import Colours
from ...drawing.lines import LineView, Page
from ...drawing.problem import label_line
from ...drawing.styles import DIM, WARN
from ...drawing.wrap import Line
from ...format import cut_start
from ...keys import frame_hints, key_like
from ...panels.source_text import dedent, explanation, number_lines
from ..layer import Layer

_KEYS = {"edit": "$EDITOR", "quit": "Close"}
FRAME = 2  # rows


class HookSource(Layer[None]):
    """Moves like every other pane; `e` opens the editor there.

    Args:
        source: What the engine found.
        edit: Opens a file at a line in the person's editor.
        ascii: Draw with ASCII characters only.
    """

    BINDINGS: ClassVar[list[BindingType]] = [key_like("edit", "edit")]

    help_page = "The source of a hook"

    DEFAULT_CSS = """
    HookSource > #layer { height: 90%; }
    """

    def __init__(self, source: Source, edit: Callable[[str, int], object], ascii: bool = False) -> None:
        super().__init__()
        self._source = source
        self._edit = edit
        self._code = dedent(lines(source.text.rstrip("\n"))) if source.text else []
        self._colours = Colours(self._code, source.language)
        self._view = LineView(self._page)
        self._view.ascii = ascii

    def compose(self) -> ComposeResult:
        with Vertical(id="layer") as frame:
            frame.border_title = Content(visible(self._source.title))
            frame.border_subtitle = frame_hints(_KEYS if self._source.file else {"quit": "Close"})
            rows = len(self._code) + len(self._head(80)) + 1
            frame.styles.height = max(rows, 4) + FRAME  # the style sheet keeps it on the screen
            frame.styles.max_height = "90%"
            yield self._view

    def on_mount(self) -> None:
        self._view.focus()

    def action_edit(self) -> None:
        if self._source.file:
            self._edit(self._source.file, self._source.focus or self._source.first_line)

    def _page(self, width: int) -> Page:
        if not self._code:
            return Page(explanation(self._source.notes), self._head(width, notes=False))
        code = number_lines(self._code, self._source.first_line, width)
        return Page(code, self._head(width), colours=self._colours)

    def _head(self, width: int, notes: bool = True) -> list[Line]:
        """Where it stands, and what there is to know of it."""
        source = self._source
        place = f"{visible(shown_path(source.file))}:{source.first_line}" if source.file else ""
        head = [Line(Content.styled(cut_start(place, width), DIM))] if place else []
        head += [label_line("note", note, WARN) for note in source.notes] if notes else []
        return [*head, Line()] if head else []
