"""Hooks and edits of last time, shown before they are put on again."""

from __future__ import annotations

from typing import ClassVar, Literal

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.widgets import Static

from ...records import Recipe
from ...text import visible
from ..format import cut
from ..keys import frame_hints, key_like, key_of
from .layer import Layer

MOST = 8
"""Lines of hooks and edits that are shown."""
_WIDTH = 96

_KEYS = {"accept": "Apply", "delete-hook": "Forget", "leave": "Not now"}

Answer = Literal["apply", "forget"]


class LastHooksOffer(Layer[Answer]):
    """They go on only when the person says so; None leaves them for later."""

    BINDINGS: ClassVar[list[BindingType]] = [
        key_like("accept", "answer('apply')"),
        key_like("delete-hook", "answer('forget')"),
    ]

    help_page = "Hooks of last time"

    DEFAULT_CSS = """
    LastHooksOffer > #layer { width: auto; min-width: 52; max-width: 90%; }
    LastHooksOffer Static { width: auto; }
    """

    def __init__(self, recipe: Recipe) -> None:
        super().__init__()
        self._recipe = recipe

    def compose(self) -> ComposeResult:
        with Vertical(id="layer") as frame:
            frame.border_title = Content(f"{self._recipe.words} of last time")
            frame.border_subtitle = Content(frame_hints(_KEYS))
            yield Static(Content("\n").join(list_lines(self._recipe)))
            later = f"Not applied yet; {key_of('last-hooks')} asks again later."
            yield Static(Content.styled(f"\n{later}", "$foreground-muted"))

    def action_answer(self, answer: Answer) -> None:
        self.dismiss(answer)


def list_lines(recipe: Recipe) -> list[Content]:
    """One for each, edits first, as they are put on; of many the first."""
    lines = [("edit  ", line) for line in recipe.edits] + [("hook  ", line) for line in recipe.hooks]
    shown = [Content.assemble((what, "$foreground-muted"), cut(visible(line), _WIDTH)) for what, line in lines[:MOST]]
    more = len(lines) - MOST
    return [*shown, Content.styled(f"and {more:,} more", "$foreground-muted")] if more > 0 else shown
