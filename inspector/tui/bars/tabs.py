"""The tabs in the border of the right side: which panel shows, which have something to see, and where there is news."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from rich.cells import cell_len
from textual.content import Content
from textual.style import Style

from ..drawing.styles import ACCENT, DIM, HEADING, WARN
from ..format import Mark
from ..keys import perform

_SHORT = 4
"""Letters of a short name where a panel has none of its own."""
_LETTERS = (3, 2, 0)
"""Of a short name, where there is no room for all of it."""
_FOR_MARKS = 3
"""Cells kept free for the marks: what is seen of a name changes with the width alone."""

TAB_MARKS = (
    Mark("◉2", "@2", "", "2 hooks were added to the selected module"),
    Mark("!", "!", "", "a warning or an error that was not looked at yet"),
    Mark("6 hist", "6 hist", "", "in small letters, and dim: there is nothing to see for the selected module"),
)
"""For the help."""


@dataclass(frozen=True)
class Tab:
    """One of them, as it is drawn."""

    name: str
    short: str = ""
    full: bool = True  # there is something to see in it
    mark: str = ""


def draw_tabs(tabs: Sequence[Tab], showing: int, width: int) -> Content:
    """All of them in one line; a click on one shows its panel."""
    labels, gap = fit_tabs(tabs, width)
    drawn = [_draw(number, label, tabs[number], number == showing) for number, label in enumerate(labels)]
    return Content(gap).join(drawn)


def _draw(number: int, label: str, tab: Tab, showing: bool) -> Content:
    style = f"{HEADING} {ACCENT}" if showing else "$foreground" if tab.full else DIM
    label = label if tab.full else label.lower()  # in every colour, and in as many cells
    mark = f"{HEADING} {WARN}" if tab.mark == "!" else f"{HEADING} {ACCENT}"
    click = Style.from_meta({"@click": perform(f"panel-{number + 1}")})
    return Content.assemble((label, style), (tab.mark, mark)).stylize(click)


def fit_tabs(tabs: Sequence[Tab], width: int) -> tuple[list[str], str]:
    """The labels and the gap between them, in `width` cells with the marks where that is possible. The one that shows
    has no other text than it has when another shows."""
    whole = [f"{n} {tab.name}" for n, tab in enumerate(tabs, 1)]
    for gap in ("  ", " "):
        if _measure(whole, gap) <= width:
            return whole, gap
    names = [tab.name for tab in tabs]
    shorts = [tab.short or tab.name[:_SHORT] for tab in tabs]
    for form in (names, shorts, *([short[:letters] for short in shorts] for letters in _LETTERS)):
        labels = [f"{n}{name}" for n, name in enumerate(form, 1)]
        if _measure(labels, " ") <= width:
            break
    return labels, " "


def _measure(labels: Sequence[str], gap: str) -> int:
    return sum(map(cell_len, labels)) + len(gap) * (len(labels) - 1) + _FOR_MARKS
