"""How the keys of a state dict go with the model's: what would be loaded, and what would not and why."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.widgets import Input

from ...records import KeyRow, LoadOffer, StateDictReport
from ...text import visible
from .. import format
from ..drawing.lines import LineView, Page
from ..drawing.problem import label_line
from ..drawing.styles import ACCENT, DIM, ERROR, GOOD, WARN
from ..drawing.wrap import Line
from ..keys import frame_hints, key, key_like, key_of
from ..line_box import LineBox
from .layer import Layer

STATES = {
    "mismatched": ("in both, with another shape or dtype", ERROR),
    "missing": ("in the model, not in the file", WARN),
    "unexpected": ("in the file, not in the model", WARN),
    "fits": ("in both, as it should be", GOOD),
}
"""The states of keys in the order in which they matter: what each means and its colour."""


_WORDS = 36
"""Cells of a renaming on the frame."""

KEYS = frame_hints({"search": "Narrow", "quit": "Close"})


class StateDictScreen(Layer[LoadOffer]):
    """A list to read, narrowed by typing. The list has the keyboard; `/` and `f` go to the text box, and enter gives
    the offer to the one who asked."""

    BINDINGS: ClassVar[list[BindingType]] = [
        key_like("search", "narrow"),
        key_like("filter", "narrow"),
        key("down", "list"),
        key_like("accept", "load"),
    ]

    help_page = "A state dict"

    DEFAULT_CSS = """
    StateDictScreen > #layer { height: 90%; }
    StateDictScreen Input { background: transparent; margin-bottom: 1; }
    StateDictScreen Input:focus { background: $surface; }
    """

    def __init__(self, report: StateDictReport, ascii: bool = False) -> None:
        super().__init__()
        self._report = report
        self._view = LineView(self._page)
        self._view.ascii = ascii
        self._words: list[str] = []

    def compose(self) -> ComposeResult:
        with Vertical(id="layer") as frame:
            frame.border_title = Content(f"State dict · {title(self._report)}")
            frame.border_subtitle = Content(f"{_verb(self._report.offer)}  {KEYS}")
            yield LineBox(placeholder=f"{key_of('search')} narrows: words of a key, or a state")
            yield self._view

    def on_mount(self) -> None:
        self._view.focus()

    def action_narrow(self) -> None:
        self.query_one(Input).focus()

    def action_list(self) -> None:
        self._view.focus()

    def action_load(self) -> None:
        if self._report.offer is not None:
            self.dismiss(self._report.offer)

    def action_leave(self) -> None:
        """Back from the text box, which is then empty; from the list, close."""
        box = self.query_one(Input)
        if box.has_focus:
            box.value = ""
            self._view.focus()
        else:
            self.dismiss(None)

    @on(Input.Submitted)
    def _entered(self) -> None:
        self._view.focus()

    @on(Input.Changed)
    def _typed(self, event: Input.Changed) -> None:
        self._words = event.value.lower().split()
        self._view.renew(0)

    def _page(self, width: int) -> Page:
        kept = [row for row in self._report.rows if _matches(row, self._words)]
        lines = [line for state in STATES for line in self._of(state, kept)]
        if not lines:
            why = f"no key has these words; {key_of('leave')} shows all" if self._words else "no keys at all"
            lines = [Line(Content.styled(why, DIM))]
        if self._words:
            lines += _unlisted(self._report)
        return Page(lines, list(head(self._report)))

    def _of(self, state: str, kept: list[KeyRow]) -> Iterator[Line]:
        rows = [row for row in kept if row.state == state]
        if not rows:
            return
        there = len(rows) if self._words else max(self._report.counts.get(state, 0), len(rows))
        meaning, _ = STATES[state]
        yield Line()
        yield Line(Content.assemble((f"{state}  {there:,}", f"{ACCENT} bold"), (f"  {meaning}", DIM)))
        for row in rows:
            yield from key_lines(row)
        if there > len(rows):
            yield Line(Content.styled(f"  and {there - len(rows):,} more", DIM))


def _unlisted(report: StateDictReport) -> Iterator[Line]:
    """Not all keys of a large file are here to be narrowed."""
    listed = len(report.rows)
    if report.total > listed:
        yield Line(Content.styled(f"only {listed:,} of the {report.total:,} keys were looked through", WARN))


def title(report: StateDictReport) -> str:
    """The file, or what stands for it."""
    return format.cut_start(visible(report.file), 60) if report.file else "the model's own"


def head(report: StateDictReport) -> Iterator[Line]:
    """How many keys there are of each state, and what else is to be said."""
    counted = [(state, report.counts.get(state, 0), style) for state, (_, style) in STATES.items()]
    parts = [Content.styled(f"{state} {count:,}", style if count else DIM) for state, count, style in counted]
    yield Line(Content.styled(" · ", DIM).join(parts))
    yield from _offer_lines(report)
    for note in report.notes:
        yield label_line("note", note)


def _verb(offer: LoadOffer | None) -> str:
    if offer is None:
        return "nothing was written"
    part = " in part" if offer.staying or offer.unused else ""
    words = f" ({format.cut(visible(offer.words), _WORDS)})" if offer.words else ""
    return f"{key_of('accept')} Load{part}{words}"


def _offer_lines(report: StateDictReport) -> Iterator[Line]:
    """What enter loads. The model's own state dict is in it already."""
    offer = report.offer
    if offer is None:
        return
    words = f" ({offer.words})" if offer.words else ""
    if not offer.staying and not offer.unused:
        yield label_line("load", f"all {offer.loads:,} keys fit{words}: {key_of('accept')} loads them", GOOD)
    else:
        whole = offer.loads + offer.staying
        yield label_line("load", f"{offer.loads:,} of {whole:,} keys fit{words}: {key_of('accept')} asks first", WARN)
    for doubt in offer.doubts:
        yield label_line("doubt", doubt)


def key_lines(row: KeyRow) -> Iterator[Line]:
    """A key with its shapes, and below it the name that may be meant."""
    _, style = STATES[row.state]
    yield Line(Content.styled(visible(row.key), "" if row.state == "fits" else style), Content("  "), _shapes(row))
    if row.nearest:
        side = "model" if row.state == "unexpected" else "file"
        yield Line(Content.assemble((f"nearest in the {side}  ", DIM), visible(row.nearest)), Content("    "))


def _shapes(row: KeyRow) -> Content:
    if row.state == "mismatched":
        sides = (("file ", DIM), visible(row.in_file), ("  model ", DIM), visible(row.in_model))
        return Content.assemble(*sides)
    return Content.styled(visible(row.in_model or row.in_file), DIM)


def _matches(row: KeyRow, words: list[str]) -> bool:
    text = visible(f"{row.key} {row.nearest} {row.state}").lower()
    return all(word in text for word in words)
