"""A list to choose from, narrowed by typing: what to open, or which of the things in a file."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import ClassVar

from rich.cells import cell_len
from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.widgets import Input
from textual.widgets.option_list import Option

from ...records import Choice
from ...target_kinds import PROMPT
from ...text import ELLIPSIS, visible
from ..format import cut, cut_start, fit
from ..keys import frame_hints, key_like
from ..line_box import LineBox
from ..tree.closeness import closeness
from ..tree.finding import locate
from .layer import Layer
from .options import EMPTIES, Options

_GAP = "  "
_ABOUT_SHARE = 2  # what a choice is has one part of so many, where both it and its name are long
_NAME_SHARE = 4  # the column of names has at least this part, and a longer name has more


class Picker(Layer[str | None]):
    """Gives the chosen name, or what was typed where `free` allows that.

    The text box has the keyboard; the arrows move in the list from there. In the list, `j` and `k` do.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        key_like("down", "move(1)", also="down,ctrl+n"),
        key_like("up", "move(-1)", also="up,ctrl+p"),
        key_like("page-down", "move(10)", also="pagedown"),
        key_like("page-up", "move(-10)", also="pageup"),
        key_like("search", "type", also="slash"),
        key_like("accept", "take"),
    ]

    VERB = "Open"
    help_page = "A list"
    NAME_ENDS = True
    """Of a long name the end is kept: it is a path, or the name of a class after one."""

    DEFAULT_CSS = """
    Picker > #layer { height: 80%; max-width: 130; }
    Picker Options { height: 1fr; border: none; background: transparent; padding: 0;
        scrollbar-size-vertical: 1; text-wrap: nowrap; text-overflow: ellipsis; }
    Picker Options:focus { border: none; }
    """

    def __init__(self, title: str, choices: Sequence[Choice], *, free: bool = False, waiting: bool = False) -> None:
        super().__init__()
        self._title = title
        self._choices = list(choices)
        self._free = free
        if free:
            self.help_page = "Opening a model"
        self._waiting = waiting
        self._shown: list[str] = []  # by line of the list; "" for a remark

    def compose(self) -> ComposeResult:
        with Vertical(id="layer") as frame:
            frame.border_title = Content(visible(self._title))
            frame.border_subtitle = frame_hints({"accept": self.VERB, "leave": "Close"}, typing=True)
            yield LineBox(placeholder=self._placeholder())
            yield Options(markup=False)

    def on_mount(self) -> None:
        self.query_one(Input).focus()
        self._narrow("")

    def on_resize(self) -> None:
        """The rows are as wide as the list, which has its size once it is laid out."""
        self.call_after_refresh(self._narrow_again)

    def _narrow_again(self) -> None:
        if self.is_shown:
            self._narrow(self.query_one(Input).value, keep=True)

    def add(self, choices: Iterable[Choice]) -> None:
        """More to choose from; the choice under the cursor stays there."""
        known = {choice.name for choice in self._choices}
        self._choices += [choice for choice in choices if choice.name not in known]
        self._waiting = False
        self._narrow_again()

    def action_move(self, delta: int) -> None:
        listing = self.query_one(Options)
        if listing.option_count:
            now = listing.highlighted
            listing.highlighted = self._first(0 if now is None else now + delta)

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
        if index is not None and index < len(self._shown) and self._shown[index]:
            self.dismiss(self.answer(index))

    def answer(self, line: int) -> str:
        """What is given for this line of the list."""
        return self._shown[line]

    def keeps_end(self, choice: Choice) -> bool:
        """Whether of a long name its end is kept."""
        return self.NAME_ENDS

    def find(self, text: str) -> list[Choice]:
        """The choices for what is typed, the nearest first."""
        return narrow_choices(self._choices, text)

    def _placeholder(self) -> str:
        if self._free:
            return PROMPT
        return "type to narrow the list"

    def _narrow(self, text: str, keep: bool = False) -> None:
        listing = self.query_one(Options)
        before = listing.highlighted or 0
        found = self.find(text)
        typed = text.strip()
        options = self._rows(found, listing.scrollable_content_region.width, typed)
        self._shown = [choice.name for choice in found]
        if self._free and typed and typed not in self._shown:
            options.append(Option(Content.assemble(visible(typed), (f"{_GAP}open as typed", "$foreground-muted"))))
            self._shown.append(typed)
        if self._waiting:
            options.append(_remark("more names are on their way …"))
        elif not found:
            options.insert(
                0, _remark(f"no match for “{visible(typed)}”{EMPTIES}" if typed else "nothing to choose from")
            )
            self._shown.insert(0, "")
        listing.clear_options().add_options(options)
        listing.highlighted = self._first(before if keep else 0)

    def _rows(self, found: Sequence[Choice], width: int, typed: str) -> list[Option]:
        """The names in a column, so that it stands still while typing: as wide as the longest of all, or as leaves
        room for what is said of any."""
        measured = [*self._choices, *found]
        names = max((cell_len(visible(choice.name)) for choice in measured), default=0)
        about = max((cell_len(about_text(choice)) for choice in measured), default=0)
        column = min(names, max(width - len(_GAP) - about, width // _NAME_SHARE, 1))
        return [Option(row(choice, column, width, self.keeps_end(choice), typed)) for choice in found]

    def _first(self, wanted: int) -> int | None:
        """The row `wanted`, or the nearest to it that can be chosen."""
        can = [number for number, name in enumerate(self._shown) if name]
        return min(can, key=lambda number: abs(number - wanted), default=None)


def narrow_choices(choices: Sequence[Choice], text: str) -> list[Choice]:
    """The choices that match, best first; in their own order where nothing is typed."""
    typed = text.strip()
    if not typed:
        return list(choices)
    scored = [(closeness(typed, choice.name), number) for number, choice in enumerate(choices)]
    best = sorted(
        (_closeness(choices[number].name, typed), -score, len(choices[number].name), number)
        for score, number in scored
        if score > 0
    )
    return [choices[number] for *_, number in best]


def _closeness(name: str, typed: str) -> int:
    """Less is closer: the name itself, one that starts so, one that has it, one that has its letters."""
    name, typed = name.lower(), typed.lower()
    tests = (name == typed, name.startswith(typed), typed in name)
    return next((number for number, holds in enumerate(tests) if holds), len(tests))


def has_text(name: str, typed: str) -> bool:
    """Whether a name has what was typed in one piece."""
    return typed.lower() in name.lower()


def about_text(choice: Choice) -> str:
    """What a choice is: its kind, then what else is to know, its arguments first."""
    return _GAP.join(part for part in (visible(choice.kind), visible(choice.detail)) if part)


def row(choice: Choice, column: int, width: int, name_ends: bool, typed: str = "") -> Content:
    """One line of `width` cells at most: the name, with what was typed marked in it, then what it is. A name that is
    too long for its column takes what is left free behind what it is."""
    name, about = visible(choice.name), about_text(choice)
    room = width - len(_GAP) - min(cell_len(about), width // _ABOUT_SHARE)
    column = max(column, min(cell_len(name), room))
    shown = fit(cut_start(name, column) if name_ends else name, column)
    about = cut(about, width - cell_len(shown) - len(_GAP))
    return Content.assemble(_mark_found(typed, name, shown), (_GAP + about, "$foreground-muted"))


def _mark_found(typed: str, name: str, shown: str) -> Content:
    """`shown` is `name` cut or padded."""
    cut_off = len(name) - len(shown) if shown.startswith(ELLIPSIS) and not name.startswith(ELLIPSIS) else 0
    content = Content(shown)
    for at in (offset - cut_off for offset in locate(typed, name)):
        if 0 <= at < len(shown) and shown[at] == name[at + cut_off]:
            content = content.stylize("bold underline", at, at + 1)
    return content


def _remark(words: str) -> Option:
    return Option(Content.styled(words, "$foreground-muted"), disabled=True)
