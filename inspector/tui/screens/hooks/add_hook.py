"""The kinds of hooks to choose from; a whole hook typed in their place is added as it is."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import ClassVar

from rich.cells import cell_len
from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.widgets import Input
from textual.widgets.option_list import Option

from ....records import KindInfo, Problem
from ....text import visible
from ...format import cut, fit
from ...keys import frame_hints, key, key_like, key_of
from ...line_box import LineBox
from ...tree.closeness import closeness
from ..options import EMPTIES, Options
from ..submitting import SubmittingLayer
from .form import HookForm
from .jobs import Adding
from .status import HookStatus

NAME_COLUMN = 10
NAME_LIMIT = 18
TITLE_LIMIT = 90


class AddHookPicker(SubmittingLayer):
    """True when a hook was added. The text box has the keyboard; the arrows move in the list from there."""

    BINDINGS: ClassVar[list[BindingType]] = [
        key("down,ctrl+n", "move(1)"),
        key("up,ctrl+p", "move(-1)"),
        key_like("page-down", "move(10)", also="pagedown"),
        key_like("page-up", "move(-10)", also="pageup"),
    ]

    help_page = "Choosing a hook"

    DEFAULT_CSS = """
    AddHookPicker > #layer { height: 90%; }
    AddHookPicker Options { height: 1fr; border: none; background: transparent; padding: 0;
        scrollbar-size-vertical: 1; margin-top: 1; text-wrap: nowrap; text-overflow: ellipsis; }
    AddHookPicker HookStatus { display: none; }
    AddHookPicker.-typing HookStatus { display: block; }
    AddHookPicker.-chosen > #layer { visibility: hidden; }
    """

    def __init__(self, job: Adding) -> None:
        super().__init__()
        self._job = job
        self._shown: list[KindInfo | None] = []  # by line of the list; None for a heading

    def compose(self) -> ComposeResult:
        with Vertical(id="layer") as frame:
            frame.border_title = Content(self._job.title)
            frame.border_subtitle = _hints("Choose")
            yield LineBox(placeholder=f"narrow the list, or a whole hook: {self._job.example}")
            yield Options(markup=False)
            yield HookStatus(self._job)

    def on_mount(self) -> None:
        self.query_one(Input).focus()
        self._narrow("")

    def action_move(self, delta: int) -> None:
        """To the next kind in this direction; headings are passed over."""
        listing = self.query_one(Options)
        kinds = [number for number, kind in enumerate(self._shown) if kind is not None]
        now = listing.highlighted
        if kinds:
            at = kinds.index(now) if now in kinds else 0
            listing.highlighted = kinds[min(max(at + delta, 0), len(kinds) - 1)]

    @on(Input.Changed)
    def _typed(self, event: Input.Changed) -> None:
        text = event.value.strip()
        whole = "(" in text
        self.set_class(whole, "-typing")
        self._narrow(text.partition("(")[0].strip(), whole)
        self.query_one("#layer").border_subtitle = _hints(self._job.verb if whole else "Choose")
        if whole and text.endswith(")"):
            self.query_one(HookStatus).check(self._job.where, text, text)
        elif whole:
            self.query_one(HookStatus).fault(text, self._say_how_to_end())

    def _say_how_to_end(self) -> str:
        """Of a hook that is not whole yet; nothing of a kind that there is not, of which the list says so."""
        where = self._job.where or "the root"
        return f") ends it, then {key_of('accept')} puts it on {where}" if any(self._shown) else ""

    @on(Input.Submitted)
    def _submitted(self, event: Input.Submitted) -> None:
        text = event.value.strip()
        if "(" not in text:
            self._take()
        elif not self.submitting:
            self.submit(self._job.carry_out(self._job.where, text), text)

    @on(Options.OptionSelected)
    def _clicked(self) -> None:
        self._take()

    def _take(self) -> None:
        index = self.query_one(Options).highlighted
        kind = self._shown[index] if index is not None and index < len(self._shown) else None
        if kind is not None:
            self.add_class("-chosen")  # the form lies in its place: of two frames the keys of one do nothing
            self.app.push_screen(HookForm(self._job, kind), self._fill)

    def _fill(self, added: bool | None) -> None:
        self.remove_class("-chosen")
        if added:
            self.dismiss(True)
        else:
            self.query_one(Input).focus()

    def show_refusal(self, what: str, problem: Problem) -> None:
        self.query_one(HookStatus).refuse(what, problem)

    def _narrow(self, text: str, whole: bool = False) -> None:
        """Show the kinds that are meant; with `whole` there is nothing to be in doubt about."""
        listing = self.query_one(Options)
        found: list[KindInfo | str]
        if whole:
            found = [kind for kind in self._job.kinds if kind.name == text]
        else:
            found = [*matching(self._job.kinds, text)] if text else [*_group(self._job.kinds)]
        self._shown = [each if isinstance(each, KindInfo) else None for each in found]
        options = [_row(each) if isinstance(each, KindInfo) else _heading(each) for each in found]
        listing.clear_options().add_options(options or [_nothing()])
        first = next((number for number, kind in enumerate(self._shown) if kind is not None), None)
        listing.highlighted = first


def _hints(verb: str) -> str:
    return frame_hints({"accept": verb, "leave": "Close"}, typing=True)


def matching(kinds: Sequence[KindInfo], text: str) -> list[KindInfo]:
    """The kinds whose name, or else whose words, match what was typed; the best first."""
    scored = [
        (closeness(text, kind.name) * 2 or closeness(text, f"{kind.title} {kind.group}"), -number)
        for number, kind in enumerate(kinds)
    ]
    return [kinds[-number] for score, number in sorted(scored, reverse=True) if score > 0]


def _group(kinds: Sequence[KindInfo]) -> Iterator[KindInfo | str]:
    """The kinds in their order, the name of a group in front of its first."""
    for group, members in groupby(kinds, key=lambda kind: kind.group):
        yield group
        yield from members


def _row(kind: KindInfo) -> Option:
    name = visible(kind.name)
    name = fit(name, max(NAME_COLUMN, min(cell_len(name), NAME_LIMIT)))
    return Option(Content.assemble(f"  {name}", (f"  {cut(visible(kind.title), TITLE_LIMIT)}", "$foreground-muted")))


def _heading(group: str) -> Option:
    return Option(Content.styled(visible(group), "bold $text-primary"), disabled=True)


def _nothing() -> Option:
    return Option(Content.styled(f"no kind of hook is called that{EMPTIES}", "$foreground-muted"), disabled=True)
