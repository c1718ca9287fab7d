"""Small forms: a frame with its keys, fields, and below them what can be chosen, and what is wrong."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.widget import Widget
from textual.widgets import Input, Static

from ...keys import find_command, frame_hints, key, key_like
from ..completing_layer import CompletingLayer
from ..fields import FieldScroll
from ..layer import Result


class SmallForm(CompletingLayer[Result]):
    """`fields` are what is asked, and `read` says what that is: with it the form is dismissed."""

    BINDINGS: ClassVar[list[BindingType]] = [
        key_like("accept", "submit", also=find_command("submit").keys),
        key("down", "app.focus_next"),
        key("up", "app.focus_previous"),
    ]

    heading: str = ""
    """What stands on the frame."""
    hints: ClassVar[Mapping[str, str]] = {}
    """The commands that the frame names, each with a word for what it does."""
    more_hints: ClassVar[str] = ""
    """Letters that do something, in a form that has no box to type in."""

    DEFAULT_CSS = """
    SmallForm > #layer { max-width: 76; }
    SmallForm FieldScroll { height: auto; max-height: 1fr; }
    SmallForm FieldScroll > Input { background: $surface; margin-bottom: 1; }
    SmallForm FieldScroll > .text { height: auto; }
    """

    def compose(self) -> ComposeResult:
        with Vertical(id="layer") as frame:
            frame.border_title = self.heading
            frame.border_subtitle = Content(frame_hints(self.hints, typing=not self.more_hints) + self.more_hints)
            with FieldScroll():
                yield from self.fields()
            yield from self.below()

    @abstractmethod
    def fields(self) -> ComposeResult:
        """What is asked."""

    @abstractmethod
    def read(self) -> Result:
        """What was typed and ticked. Raises `ValueError`, which says what is wrong with it."""

    def on_mount(self) -> None:
        next(each for each in self.query("FieldScroll *").results(Widget) if each.can_focus).focus()

    @on(Input.Submitted)
    def _submitted(self) -> None:
        self.action_submit()

    def action_submit(self) -> None:
        try:
            read = self.read()
        except ValueError as error:
            self.say_fault(str(error))
        else:
            self.take(read)

    def take(self, read: Result) -> None:
        """Do what was asked for."""
        self.dismiss(read)


def label(name: str, meaning: str = "") -> Static:
    """A line above a box: what is typed there, and what that does."""
    return Static(Content.assemble((name, "bold"), (f"  {meaning}" if meaning else "", "$foreground-muted")))


def text(words: str) -> Static:
    """Something to read, as long as it may be."""
    return Static(Content.styled(words, "$foreground-muted"), classes="text")
