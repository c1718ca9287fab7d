"""A question with two answers."""

from __future__ import annotations

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.widgets import Static

from ..keys import frame_hints, key_like
from .layer import Layer


class Confirm(Layer[bool]):
    """True for yes. Everything else is no."""

    BINDINGS: ClassVar[list[BindingType]] = [
        key_like("yes", "yes"),
        key_like("no", "close"),
    ]

    help_page = "A question"

    DEFAULT_CSS = """
    Confirm > #layer { max-width: 60; }
    """

    def __init__(self, question: str, yes: str) -> None:
        super().__init__()
        self._question = question
        self._yes = yes

    def compose(self) -> ComposeResult:
        with Vertical(id="layer") as frame:
            frame.border_subtitle = Content(frame_hints({"yes": self._yes, "no": "Leave it"}))
            yield Static(self._question, markup=False)

    def action_yes(self) -> None:
        self.dismiss(True)
