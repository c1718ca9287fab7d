"""Asks which costs of modules are shown as columns."""

from __future__ import annotations

from collections.abc import Collection
from typing import ClassVar, Literal, NamedTuple

from textual.app import ComposeResult
from textual.binding import BindingType

from ....text import visible
from ...keys import key
from ...tree.costs import COLUMNS, USUAL
from ..fields import Tick
from .small_form import SmallForm, text

Then = Literal["show", "measure", "hot path"]


class Wanted(NamedTuple):
    """The ids of the columns, and what shall be done."""

    columns: tuple[str, ...]
    then: Then


class CostsDialog(SmallForm[Wanted]):
    """Args:
    now: The columns that are shown; where there are none, the usual ones are proposed.
    measured: What was measured, in words; "" for nothing.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        key("m", "take('measure')"),
        key("h", "take('hot path')"),
        key("x", "clear"),
        key("j", "app.focus_next"),
        key("k", "app.focus_previous"),
    ]

    heading = "Costs of modules, as columns"
    help_page = "Costs"
    hints: ClassVar[dict[str, str]] = {"accept": "Show", "tick": "On/off"}
    more_hints = "  m Again  h Hot path  x None"

    def __init__(self, now: Collection[str], measured: str) -> None:
        super().__init__()
        self._measured = measured
        self._ticks = {column.id: Tick(f"{column.label:12} {column.meaning}", column.id in (now or USUAL))
                       for column in COLUMNS}  # fmt: skip

    def fields(self) -> ComposeResult:
        yield from self._ticks.values()
        said = self._measured or "Not measured yet: some warm passes, in which nothing is recorded."
        yield text(f"\n{visible(said, keep=chr(10))}")

    def action_clear(self) -> None:
        """Tick none."""
        for tick in self._ticks.values():
            tick.ticked = False

    def read(self) -> Wanted:
        return Wanted(tuple(id for id, tick in self._ticks.items() if tick.ticked), "show")

    def action_take(self, then: Then) -> None:
        self.dismiss(self.read()._replace(then=then))
