"""The question that `q` asks where hooks or edits are in no file."""

from __future__ import annotations

from typing import ClassVar, Literal

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.widgets import Static

from ...records import Recipe
from ..keys import find_command, frame_hints, key_like
from .layer import Layer

Answer = Literal["leave", "write"]


class Leaving(Layer[Answer]):
    """Asks once: the key that asked is also the answer. None stays."""

    BINDINGS: ClassVar[list[BindingType]] = [
        key_like("quit", "answer('leave')", also=f"{find_command('yes').keys},{find_command('accept').keys}"),
        key_like("write", "answer('write')"),
        key_like("no", "close"),
    ]

    help_page = "Leaving"

    DEFAULT_CSS = """
    Leaving > #layer { max-width: 60; }
    """

    def __init__(self, recipe: Recipe) -> None:
        super().__init__()
        self._recipe = recipe

    def compose(self) -> ComposeResult:
        with Vertical(id="layer") as frame:
            frame.border_subtitle = Content(frame_hints({"quit": "Leave", "write": "Write them", "leave": "Stay"}))
            yield Static(ask_to_leave(self._recipe), markup=False)

    def action_answer(self, answer: Answer) -> None:
        self.dismiss(answer)


def ask_to_leave(recipe: Recipe) -> str:
    """What was not written, and what becomes of it."""
    one = len(recipe.hooks) + len(recipe.edits) == 1
    kept = "Kept for next time, and offered then." if recipe.text else "Too long to be kept for next time."
    return f"{recipe.words} {'is' if one else 'are'} not written to a file. {kept}"
