"""A form in whose boxes a word can be completed: what there is to choose from stands below them."""

from __future__ import annotations

from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.content import Content
from textual.widgets import Input, Static

from ..completing_box import CompletingBox, list_choices
from .layer import Layer, Result


class CompletingLayer(Layer[Result]):
    """Has a line for what may be chosen, and one for what is wrong, which `below` makes."""

    keeps_room: ClassVar[bool] = True
    """For these lines, also while nothing is said there: a frame that is as high as what is in it would move."""

    DEFAULT_CSS = """
    CompletingLayer #names { color: $foreground-muted; height: auto; }
    CompletingLayer #fault { color: $text-error; height: auto; }
    """

    def below(self) -> ComposeResult:
        """The last lines of the form."""
        for id in ("names", "fault"):
            line = Static("", id=id, markup=False)
            line.display = self.keeps_room
            yield line

    def _say(self, id: str, words: str) -> None:
        line = self.query_one(f"#{id}", Static)
        line.update(Content(words))
        line.display = self.keeps_room or bool(words)

    def say_fault(self, words: str) -> None:
        """What is wrong with what was typed, "" for nothing."""
        self._say("fault", words)

    def without(self, names: tuple[str, ...]) -> str:
        """What all the names begin with that need not be shown."""
        return ""

    @on(CompletingBox.Completed)
    def _show_names(self, event: CompletingBox.Completed) -> None:
        event.stop()
        self._say("names", list_choices(event, self.without(event.names)))

    @on(Input.Changed)
    def _clear_names(self) -> None:
        self._say("names", "")
