"""A list to choose from, narrowed by typing: what to open, or which of the things in a file."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.fuzzy import Matcher
from textual.widgets import Input
from textual.widgets.option_list import Option

from ...records import Choice
from ...target_kinds import PROMPT
from ...text import visible
from ..format import cut, fit
from ..keys import key
from ..line_box import LineBox
from .layer import Layer
from .options import Options

DETAIL_LIMIT = 60


class Picker(Layer[str | None]):
    """Gives the chosen name, or what was typed where `free` allows that.

    The text box has the keyboard; the arrows move in the list from there. In the list, `j` and `k` do.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        key("down,ctrl+n", "move(1)"),
        key("up,ctrl+p", "move(-1)"),
        key("j", "move(1)"),
        key("k", "move(-1)"),
        key("pagedown,ctrl+f", "move(10)"),
        key("pageup", "move(-10)"),
        key("slash", "type"),
        key("enter", "take"),
    ]

    VERB = "Open"
    NAME_COLUMN = 36

    DEFAULT_CSS = """
    Picker > #layer { height: 80%; }
    Picker Options { height: 1fr; border: none; background: transparent; padding: 0; scrollbar-size-vertical: 1; }
    Picker Options:focus { border: none; }
    """

    def __init__(self, title: str, choices: Sequence[Choice], *, free: bool = False, waiting: bool = False) -> None:
        super().__init__()
        self._title = title
        self._choices = list(choices)
        self._free = free
        self._waiting = waiting
        self._shown: list[str] = []

    def compose(self) -> ComposeResult:
        with Vertical(id="layer") as frame:
            frame.border_title = Content(visible(self._title))
            frame.border_subtitle = f"enter {self.VERB}  esc Close"
            yield LineBox(placeholder=self._placeholder())
            yield Options(markup=False)

    def on_mount(self) -> None:
        self.query_one(Input).focus()
        self._narrow("")

    def add(self, choices: Iterable[Choice]) -> None:
        """More to choose from; the choice under the cursor stays there."""
        known = {choice.name for choice in self._choices}
        self._choices += [choice for choice in choices if choice.name not in known]
        self._waiting = False
        self._narrow(self.query_one(Input).value, keep=True)

    def action_move(self, delta: int) -> None:
        listing = self.query_one(Options)
        if listing.option_count:
            now = listing.highlighted
            listing.highlighted = 0 if now is None else min(max(now + delta, 0), listing.option_count - 1)

    def action_type(self) -> None:
        self.query_one(Input).focus()

    def action_take(self) -> None:
        self._take()

    @on(Input.Changed)
    def _typed(self, event: Input.Changed) -> None:
        self._narrow(event.value)

    @on(Input.Submitted)
    def _submitted(self) -> None:
        self._take()

    @on(Options.OptionSelected)
    def _clicked(self) -> None:
        self._take()

    def _take(self) -> None:
        index = self.query_one(Options).highlighted
        if index is not None and index < len(self._shown):
            self.dismiss(self._shown[index])

    def _placeholder(self) -> str:
        if self._free:
            return PROMPT
        return "type to narrow the list"

    def _narrow(self, text: str, keep: bool = False) -> None:
        listing = self.query_one(Options)
        before = listing.highlighted or 0
        found = narrow_choices(self._choices, text)
        typed = text.strip()
        options = [Option(row(choice, self.NAME_COLUMN)) for choice in found]
        self._shown = [choice.name for choice in found]
        if self._free and typed and typed not in self._shown:
            options.append(Option(Content.assemble(visible(typed), ("  open as typed", "$foreground-muted"))))
            self._shown.append(typed)
        if self._waiting:
            options.append(Option(Content.styled("more names are on their way …", "$foreground-muted"), disabled=True))
        listing.clear_options().add_options(options)
        if self._shown:
            listing.highlighted = min(before, len(self._shown) - 1) if keep else 0


def narrow_choices(choices: Sequence[Choice], text: str) -> list[Choice]:
    """The choices that match, best first; in their own order where nothing is typed."""
    typed = text.strip()
    if not typed:
        return list(choices)
    matcher = Matcher(typed)
    scored = [(matcher.match(choice.name), number) for number, choice in enumerate(choices)]
    best = sorted((-score, len(choices[number].name), number) for score, number in scored if score > 0)
    return [choices[number] for _, _, number in best]


def row(choice: Choice, column: int) -> Content:
    """One line: the name, then what it is."""
    about = "  ".join(part for part in (visible(choice.kind), visible(choice.detail)) if part)
    return Content.assemble(fit(visible(choice.name), column), ("  " + cut(about, DETAIL_LIMIT), "$foreground-muted"))
