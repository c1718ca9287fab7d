"""Asks what our hooks may take of a pass."""

from __future__ import annotations

from typing import ClassVar

from textual.app import ComposeResult
from textual.widgets import Input

from ....records import PassSummary
from ....report.footer import say_left_out
from ....value_text import read_share, say_share
from ...line_box import LineBox
from .small_form import SmallForm, label, text

NONE = "none"
ABOUT = "Statistics of tensors are left out where looking on would take more of a pass than this; shapes never are."


class BudgetDialog(SmallForm[float | None]):
    """Gives a share of what a pass takes without our hooks, 0 for none: see `records.model.Budget`.

    Args:
        now: The share it starts from.
        last: The last pass, which says what looking on took.
    """

    heading = "Budget of looking on"
    help_page = "Budget"
    hints: ClassVar[dict[str, str]] = {"accept": "Run with it", "leave": "Leave it"}

    def __init__(self, now: float, last: PassSummary | None) -> None:
        super().__init__()
        self._now = write_share(now)
        self._last = describe_last(last) if last is not None else ""

    def fields(self) -> ComposeResult:
        yield label("Budget", "a share of what all else takes")
        yield LineBox(value=self._now, placeholder="none, or 10%", id="budget")
        yield text("\n".join(filter(None, (ABOUT, self._last))))

    def read(self) -> float:
        typed = self.query_one("#budget", Input).value.replace(" ", "")
        return 0.0 if typed in ("", NONE) else read_share(typed)


def write_share(share: float) -> str:
    """As it is typed; "" for none."""
    return f"{share * 100:.6g}%" if share else ""


def describe_last(last: PassSummary) -> str:
    """What looking on took in it, and what was left out, "" where neither is known."""
    took = f"observing took {last.observing_ms:.1f} ms of it, +{say_share(last.overhead)}" if last.overhead else ""
    left_out = say_left_out(last.left_out) if last.left_out else ""
    said = "; ".join(filter(None, (took, left_out)))
    return f"Pass {last.number}: {said}." if said else ""
