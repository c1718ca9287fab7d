"""Asks which costs of modules are shown as columns."""

from __future__ import annotations

from collections.abc import Collection
from typing import ClassVar, Literal, NamedTuple

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.widgets import Static

from ...text import visible
from ..keys import find_command, frame_hints, key, key_like
from ..tree.costs import COLUMNS, USUAL
from .fields import FieldScroll
from .layer import Layer
from .seed import Tick

Then = Literal["show", "measure", "hot path"]

_KEYS = {"accept": "Show", "tick": "On/off"}
_LETTERS = "m Again  h Hot path  x None"


class Wanted(NamedTuple):
    """The ids of the columns, and what shall be done."""

    columns: tuple[str, ...]
    then: Then


class CostsDialog(Layer[Wanted]):
    """Args:
    now: The columns that are shown; where there are none, the usual ones are proposed.
    measured: What was measured, in words; "" for nothing.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        key_like("accept", "take('show')", also=find_command("submit").keys),
        key("m", "take('measure')"),
        key("h", "take('hot path')"),
        key("x", "clear"),
        key("down,j", "app.focus_next"),
        key("up,k", "app.focus_previous"),
    ]

    help_page = "Costs"

    DEFAULT_CSS = """
    CostsDialog > #layer { max-width: 70; }
    CostsDialog FieldScroll { height: auto; max-height: 1fr; }
    CostsDialog Static { height: auto; }
    """

    def __init__(self, now: Collection[str], measured: str) -> None:
        super().__init__()
        self._measured = measured
        self._ticks = {column.id: Tick(f"{column.label:12} {column.meaning}", column.id in (now or USUAL))
                       for column in COLUMNS}  # fmt: skip

    def compose(self) -> ComposeResult:
        with Vertical(id="layer") as frame:
            frame.border_title = "Costs of modules, as columns"
            frame.border_subtitle = Content(f"{frame_hints(_KEYS)}  {_LETTERS}")
            with FieldScroll():
                yield from self._ticks.values()
                said = self._measured or "Not measured yet: some warm passes, in which nothing is recorded."
                yield Static(Content.styled(f"\n{visible(said, keep=chr(10))}", "$foreground-muted"))

    def on_mount(self) -> None:
        next(iter(self._ticks.values())).focus()

    def action_clear(self) -> None:
        """Tick none."""
        for tick in self._ticks.values():
            tick.ticked = False

    def action_take(self, then: Then) -> None:
        self.dismiss(Wanted(tuple(id for id, tick in self._ticks.items() if tick.ticked), then))
