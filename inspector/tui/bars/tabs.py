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

_LETTERS = (6, 4, 3, 2, 0)
"""Of a name, in the forms that tabs take one after the other where there is less and less room."""
_FOR_MARKS = 3
"""Cells kept free for the marks: what is seen of a name changes with the width alone."""

TAB_MARKS = (
    Mark("◉2", "@2", "", "2 hooks were added to the selected module"),
    Mark("!", "!", "", "a warning or an error that was not looked at yet"),
    Mark("dim", "dim", "", "empty: there is nothing to see for the selected module"),
)
"""For the help."""


@dataclass(frozen=True)
class Tab:
    """One of them, as it is drawn."""

    name: str
    full: bool = True  # there is something to see in it
    mark: str = ""


def draw_tabs(tabs: Sequence[Tab], showing: int, width: int) -> Content:
    """All of them in one line; a click on one shows its panel."""
    labels, gap = fit_tabs([tab.name for tab in tabs], width)
    drawn = [_draw(number, label, tabs[number], number == showing) for number, label in enumerate(labels)]
    return Content(gap).join(drawn)


def _draw(number: int, label: str, tab: Tab, showing: bool) -> Content:
    style = f"{HEADING} {ACCENT}" if showing else "$foreground" if tab.full else DIM
    mark = f"{HEADING} {WARN}" if tab.mark == "!" else f"{HEADING} {ACCENT}"
    click = Style.from_meta({"@click": perform(f"panel-{number + 1}")})
    return Content.assemble((label, style), (tab.mark, mark)).stylize(click)


def fit_tabs(names: Sequence[str], width: int) -> tuple[list[str], str]:
    """The labels and the gap between them, in `width` cells with the marks where that is possible. The one that shows
    has no other text than it has when another shows."""
    whole = [f"{n} {name}" for n, name in enumerate(names, 1)]
    for gap in ("  ", " "):
        if _measure(whole, gap) <= width:
            return whole, gap
    for letters in _LETTERS:
        labels = [f"{n}{name[:letters]}" for n, name in enumerate(names, 1)]
        if _measure(labels, " ") <= width:
            break
    return labels, " "


def _measure(labels: Sequence[str], gap: str) -> int:
    return sum(map(cell_len, labels)) + len(gap) * (len(labels) - 1) + _FOR_MARKS
