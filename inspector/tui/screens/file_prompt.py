"""Asks for a file, and stays until what shall be done with it is done."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from textual import on
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.content import Content
from textual.widgets import Input, Static

from ...records import Problem
from ...text import lines
from ..completing_box import list_choices
from ..file_box import FileBox
from ..keys import frame_hints
from .submitting import SubmittingLayer


class FilePrompt(SubmittingLayer):
    """True when it was done.

    Args:
        title: What for.
        about: What may be typed.
        verb: What enter does.
        value: To start from.
        carry_out: Does it; gives what was wrong.
        optional: Whether the name may be left empty.
    """

    help_page = "A file"

    DEFAULT_CSS = """
    FilePrompt > #layer { max-width: 76; }
    FilePrompt Input { background: $surface; margin: 1 0; }
    FilePrompt #names { color: $foreground-muted; height: auto; }
    FilePrompt #about { color: $foreground-muted; height: auto; }
    FilePrompt #fault { color: $text-error; height: auto; }
    """

    def __init__(
        self,
        title: str,
        about: str,
        verb: str,
        value: str,
        carry_out: Callable[[str], Awaitable[Problem | None]],
        optional: bool = False,
    ) -> None:
        super().__init__()
        self._title = title
        self._about = about
        self._verb = verb
        self._value = value
        self._carry_out = carry_out
        self._optional = optional

    def compose(self) -> ComposeResult:
        with Vertical(id="layer") as frame:
            frame.border_title = self._title
            frame.border_subtitle = frame_hints(
                {"accept": self._verb, "complete": "Complete", "leave": "Leave it"}, typing=True
            )
            yield Static(self._about, id="about", markup=False)
            yield FileBox(value=self._value, placeholder="a file", select_on_focus=False)
            yield Static("", id="names", markup=False)
            yield Static("", id="fault", markup=False)

    def on_mount(self) -> None:
        box = self.query_one(Input)
        box.focus()
        box.cursor_position = len(self._value.rpartition(".")[0] or self._value)

    @on(FileBox.Completed)
    def _show_names(self, event: FileBox.Completed) -> None:
        """Those to choose from, each without its folder."""
        event.stop()
        folder, slash, _ = event.begun.rpartition("/")
        words = list_choices(event, folder + slash) if event.names else "no file begins so"
        self.query_one("#names", Static).update(Content(words))

    @on(Input.Changed)
    def _typed(self) -> None:
        self.query_one("#names", Static).update("")

    @on(Input.Submitted)
    def _submitted(self, event: Input.Submitted) -> None:
        event.stop()
        file = event.value.strip()
        if not file and not self._optional:
            self._say("a file name is needed")
        elif not self.submitting:
            self.submit(self._carry_out(file), file)

    def show_refusal(self, what: str, problem: Problem) -> None:
        self._say(f"{problem.what}\n{problem.hint}" if problem.hint else problem.what)

    def _say(self, words: str) -> None:
        self.query_one("#fault", Static).update(Content("\n".join(lines(words))))
