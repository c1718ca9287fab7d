"""Every stop of the model in one list."""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar

from msgspec.structs import replace
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Vertical
from textual.content import Content

from ....records import Path, Stop, StopRow
from ....text import visible
from ... import format
from ...bars.stop_bar import base_name, describe_stop
from ...drawing.cursor import CursorView
from ...drawing.lines import Page
from ...drawing.problem import message
from ...drawing.styles import DIM, ERROR
from ...drawing.wrap import Line
from ...keys import bind_to_app, frame_hints, key_like, key_of
from ..layer import Layer

_HINTS = {
    "toggle-hook": "On/off", "add-hook": "Add here", "change-hook": "Change", "delete-hook": "Delete", "accept": "Go",
}  # fmt: skip


class StopList(Layer[Path | None]):
    """Gives the module to go to.

    Args:
        rows: All stops, as they are now.
        change: Puts another in the place of one, by its id; None deletes it.
        ask: Lets the person say when to stop: this one, or with None a new one.
        ascii: Draw with ASCII characters only.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        key_like("toggle-hook", "switch"),
        key_like("add-hook", "add"),
        key_like("change-hook", "change"),
        key_like("delete-hook", "delete"),
        key_like("accept", "go"),
        key_like("stops", "close"),
        *bind_to_app("run"),
    ]

    help_page = "Stops"

    def __init__(
        self,
        rows: Callable[[], tuple[StopRow, ...]],
        change: Callable[[int, Stop | None], object],
        ask: Callable[[Stop | None], object],
        ascii: bool = False,
    ) -> None:
        super().__init__()
        self._rows = rows
        self._change = change
        self._ask = ask
        self._view = CursorView(self._page)
        self._view.ascii = ascii

    DEFAULT_CSS = """
    StopList CursorView { height: auto; min-height: 5; max-height: 20; }
    """

    def compose(self) -> ComposeResult:
        with Vertical(id="layer") as frame:
            frame.border_title = "Stops"
            frame.border_subtitle = frame_hints(_HINTS)
            yield self._view

    def on_mount(self) -> None:
        self._view.focus()

    def reload(self) -> None:
        if self.is_shown:
            self._view.renew()

    @property
    def _stop(self) -> Stop | None:
        rows = self._rows()
        return rows[min(self._view.cursor, len(rows) - 1)].stop if rows else None

    def action_switch(self) -> None:
        if (stop := self._stop) is not None:
            self._change(stop.id, replace(stop, enabled=not stop.enabled))

    def action_delete(self) -> None:
        if (stop := self._stop) is not None:
            self._change(stop.id, None)

    def action_change(self) -> None:
        if (stop := self._stop) is not None:
            self._ask(stop)

    def action_add(self) -> None:
        self._ask(None)

    def action_go(self) -> None:
        if (stop := self._stop) is not None:
            self.dismiss(stop.path)

    def _page(self, width: int) -> Page:
        rows = self._rows()
        if not rows:
            here, add = key_of("stop-here"), key_of("add-hook")
            return Page(message(f"no stops: {here} in the tree sets one at a module, {add} here says when"))
        lines: list[Line] = []
        stops: list[range] = []
        for row in rows:
            first = len(lines)
            lines += _lines(row)
            stops.append(range(first, len(lines)))
        return Page(lines, stops=stops)


def name(stop: Stop) -> str:
    """What it is at: `layer1.0`, `resnet.py:92 in layer1.0`."""
    if stop.on != "line":
        return format.path(stop.path)
    return f"{base_name(stop.file)}:{stop.line} in {'every module' if stop.everywhere else format.path(stop.path)}"


def _lines(row: StopRow) -> list[Line]:
    stop = row.stop
    style = "" if stop.enabled else DIM
    mark = "● " if stop.enabled else "○ "
    hits = f"{row.hits:,} hit{'s' * (row.hits != 1)}" if row.hits else "no hit"
    head = Content.assemble((f"{mark}{name(stop)}  ", style or "bold"), (describe_stop(stop), style))
    lines = [Line(head, aside=Content.styled(hits if stop.enabled else "off", DIM), indent=4)]
    if row.fault:
        lines.append(Line(Content.styled(f"  {visible(row.fault)}", ERROR), indent=4))
    return lines
