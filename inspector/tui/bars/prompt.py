"""One line to type into at the bottom, in place of the footer: what to search or to filter for, acted on as typed."""

from __future__ import annotations

from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal
from textual.content import Content
from textual.message import Message
from textual.widgets import Input, Static

from ..keys import bindings, key_like, key_while_typing
from ..line_box import LineBox

MOST = 50
"""Texts that are remembered for each purpose."""


class PromptBox(LineBox):
    """Remembers what was taken, for each purpose apart."""

    BINDINGS: ClassVar[list[BindingType]] = [*bindings("prompt")]

    def __init__(self, id: str) -> None:
        super().__init__(select_on_focus=False, id=id)
        self._taken: dict[str, list[str]] = {}  # by purpose, the latest last
        self._texts: list[str] = []  # what can be recalled now, and what was there at first
        self._at = 0

    def begin(self, purpose: str, text: str) -> None:
        """Something is asked for: from here on its texts are recalled."""
        self._texts = [*(each for each in self._taken.get(purpose, ()) if each != text), text]
        self._at = len(self._texts) - 1

    def take(self, purpose: str, text: str) -> None:
        """This was wanted."""
        if text:
            taken = self._taken.setdefault(purpose, [])
            taken[:] = [*(each for each in taken if each != text), text][-MOST:]

    def action_recall(self, delta: int) -> None:
        """Put what was typed earlier (-1) or later into the line."""
        self._at = min(max(self._at + delta, 0), len(self._texts) - 1)
        self.value = self._texts[self._at]
        self.cursor_position = len(self.value)


class PromptBar(Horizontal):
    """Hidden until `ask`; hides itself when the person is done or gives up."""

    DEFAULT_CSS = """
    PromptBar { height: 1; padding: 0 1; display: none; }
    PromptBar.-open { display: block; }
    PromptBar Static { width: auto; }
    PromptBar #prompt-name { color: $text-primary; text-style: bold; }
    PromptBar #prompt-hint { color: $text-muted; padding-left: 2; }
    PromptBar Input { width: 1fr; }
    """

    BINDINGS: ClassVar[list[BindingType]] = [key_like("interrupt", "give_up", also="escape")]

    class Typed(Message):
        """The text is this now."""

        def __init__(self, purpose: str, text: str) -> None:
            self.purpose = purpose
            self.text = text
            super().__init__()

    class Ended(Message):
        """The person pressed enter, or gave up (`text` is then None)."""

        def __init__(self, purpose: str, text: str | None) -> None:
            self.purpose = purpose
            self.text = text
            super().__init__()

    def __init__(self, *, id: str) -> None:
        super().__init__(id=id)
        self.purpose = ""

    @property
    def is_open(self) -> bool:
        return self.has_class("-open")

    def compose(self) -> ComposeResult:
        yield Static("", id="prompt-name", markup=False)
        yield PromptBox(id="prompt-text")
        yield Static("", id="prompt-hint", markup=False)

    def ask(self, purpose: str, text: str = "") -> None:
        """Open for `purpose` ("search", "filter"), starting from `text`."""
        self.purpose = purpose
        self.query_one("#prompt-name", Static).update(Content(f"{purpose} "))
        help = key_while_typing("help")
        self.hint(f"{help} Help" if help else "")
        box = self.query_one(PromptBox)
        box.begin(purpose, text)
        with box.prevent(Input.Changed):
            box.value = text
        box.cursor_position = len(text)
        self.add_class("-open")
        box.focus()

    def hint(self, words: str) -> None:
        """Say something beside the text: how many matches there are."""
        self.query_one("#prompt-hint", Static).update(Content(words))

    @on(Input.Changed)
    def _typed(self, event: Input.Changed) -> None:
        event.stop()
        self.post_message(self.Typed(self.purpose, event.value))

    @on(Input.Submitted)
    def _submitted(self, event: Input.Submitted) -> None:
        event.stop()
        self.query_one(PromptBox).take(self.purpose, event.value)
        self._end(event.value)

    def action_give_up(self) -> None:
        self._end(None)

    def _end(self, text: str | None) -> None:
        self.remove_class("-open")
        self.post_message(self.Ended(self.purpose, text))
