"""A form in whose boxes a word can be completed: what there is to choose from stands below them."""

from __future__ import annotations

from textual import on
from textual.app import ComposeResult
from textual.content import Content
from textual.widgets import Input, Static

from ..completing_box import CompletingBox, list_choices
from .layer import Layer, Result


class CompletingLayer(Layer[Result]):
    """Has a line for what may be chosen, and one for what is wrong, which `below` makes."""

    DEFAULT_CSS = """
    CompletingLayer #names { color: $foreground-muted; height: auto; }
    CompletingLayer #fault { color: $text-error; height: auto; }
    """

    def below(self) -> ComposeResult:
        """The last lines of the form."""
        yield Static("", id="names", markup=False)
        yield Static("", id="fault", markup=False)

    def say_fault(self, words: str) -> None:
        """What is wrong with what was typed, "" for nothing."""
        self.query_one("#fault", Static).update(Content(words))

    def without(self, names: tuple[str, ...]) -> str:
        """What all the names begin with that need not be shown."""
        return ""

    @on(CompletingBox.Completed)
    def _show_names(self, event: CompletingBox.Completed) -> None:
        event.stop()
        self.query_one("#names", Static).update(Content(list_choices(event, self.without(event.names))))

    @on(Input.Changed)
    def _clear_names(self) -> None:
        self.query_one("#names", Static).update("")
