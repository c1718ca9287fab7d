"""The modules that are marked with a letter, and the next key says which letter is meant."""

from __future__ import annotations

import string
from collections.abc import Mapping
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import VerticalScroll
from textual.content import Content
from textual.widgets import Static

from ...records import Path
from .. import format
from ..keys import frame_hints, key
from .layer import Layer

LETTERS = [letter for letter in string.ascii_letters + string.digits if letter != "q"]


class Letters(Layer[str]):
    """Gives the letter.

    Args:
        title: What it is for.
        marked: The modules that have one.
        unmarked: What is said where no module has one.
    """

    BINDINGS: ClassVar[list[BindingType]] = [key(letter, f"take('{letter}')") for letter in LETTERS]

    help_page = "A letter"

    DEFAULT_CSS = """
    Letters > #layer { max-width: 70; scrollbar-size-vertical: 1; }
    """

    def __init__(self, title: str, marked: Mapping[str, Path], unmarked: str) -> None:
        super().__init__()
        self._title = title
        self._marked = dict(marked)
        self._unmarked = unmarked

    def compose(self) -> ComposeResult:
        with VerticalScroll(id="layer") as frame:
            frame.border_title = Content(self._title)
            frame.border_subtitle = Content(f"a letter, or {frame_hints({'leave': 'Close'})}")
            yield Static(list_marked(self._marked) if self._marked else Content(self._unmarked))

    def action_take(self, letter: str) -> None:
        self.dismiss(letter)


def list_marked(marked: Mapping[str, Path]) -> Content:
    """A line for each letter."""
    return Content("\n").join(
        Content.assemble((letter, "bold"), "  ", format.path(path)) for letter, path in sorted(marked.items())
    )
