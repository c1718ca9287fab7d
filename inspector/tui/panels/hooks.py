"""Every hook on the selected module, ours and others', in the order in which they fire."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby
from pathlib import PurePath
from typing import ClassVar

from textual.binding import BindingType
from textual.content import Content
from textual.message import Message

from ...records import AnyEvent, GetHooks, HookRow, Hooks, Path
from ...text import visible
from .. import format
from ..keys import bindings
from .cursor import CursorView
from .detail import DetailPanel
from .lines import Page
from .looks import ACCENT, DIM, HEADING, WARN
from .problem import message
from .wrap import Line

MOMENTS = {
    "forward_pre": "before forward",
    "forward": "after forward",
    "full_backward_pre": "before backward",
    "full_backward": "after backward",
    "backward (legacy)": "after backward",
    "state_dict_pre": "before state_dict()",
    "state_dict": "after state_dict()",
    "load_state_dict_pre": "before load_state_dict()",
    "load_state_dict_post": "after load_state_dict()",
}
"""When the kinds fire, in that order; other kinds come after them."""


class HooksPanel(DetailPanel):
    """A list with a cursor; space turns the hook under it on or off."""

    TITLE = "Hooks"
    BINDINGS: ClassVar[list[BindingType]] = [*bindings("hooks")]

    view: CursorView

    class Toggled(Message):
        """A hook of the module at `path` shall be on or off."""

        def __init__(self, path: Path, kind: str, id: int, on: bool, ours: bool) -> None:
            self.path = path
            self.kind = kind
            self.id = id
            self.on = on
            self.ours = ours
            super().__init__()

    def __init__(self) -> None:
        super().__init__()
        self.hooks: Hooks | None = None
        self.rows: list[HookRow] = []  # in the order of the list, one for each stop of the cursor

    def make_view(self) -> CursorView:
        return CursorView(self.build)

    def request(self, generation: int, path: Path) -> GetHooks:
        return GetHooks(generation, path)

    def show(self, event: AnyEvent) -> None:
        if isinstance(event, Hooks):
            self.hooks = event
            self.rows = in_firing_order(event.rows)
            self.answered()

    def forget(self) -> None:
        self.hooks, self.rows = None, []
        self.view.cursor = 0

    def action_toggle_hook(self) -> None:
        """Turn the hook under the cursor on or off, or say why it cannot be."""
        row = self.hook
        if row is None or self.hooks is None:
            return
        if row.locked:
            self.notify(visible(row.locked), title="This hook stays as it is", severity="warning", markup=False)
            return
        self.post_message(self.Toggled(self.hooks.path, row.kind, row.id, not row.enabled, row.ours))

    @property
    def hook(self) -> HookRow | None:
        """The hook under the cursor."""
        return self.rows[min(self.view.cursor, len(self.rows) - 1)] if self.rows else None

    def location(self) -> tuple[str, int] | None:
        return (self.hook.file, self.hook.line) if self.hook and self.hook.file else None

    # ------------------------------------------------------------ the page

    def page(self, width: int) -> Page | None:
        if self.hooks is None:
            return None
        if not self.rows:
            return Page(message(*self._why_nothing(self.hooks)))
        page = Page([], [Line(_summary(self.rows)), Line()])
        lines: list[Line] = []
        stops: list[range] = []
        for kind, rows in groupby(self.rows, key=lambda row: row.kind):
            lines += [Line()] * bool(lines) + [_heading(kind)]
            for row in rows:
                start = len(lines)
                lines += _hook(row)
                stops.append(range(start, len(lines)))
        if self.hooks.note:
            lines += message(self.hooks.note)
        return Page(lines, page.head, stops)

    def _why_nothing(self, hooks: Hooks) -> Iterator[str]:
        yield "no hooks on this module"
        if hooks.note:
            yield hooks.note
        elif not hooks.observed:
            yield "press space in the tree to observe it"


def in_firing_order(rows: tuple[HookRow, ...]) -> list[HookRow]:
    """By kind as they fire; within a kind as they were registered."""
    order = {kind: number for number, kind in enumerate(MOMENTS)}
    others = {kind: len(order) + number for number, kind in enumerate(dict.fromkeys(row.kind for row in rows))}
    return sorted(rows, key=lambda row: order.get(row.kind, others[row.kind]))


def _summary(rows: list[HookRow]) -> Content:
    ours = sum(row.ours for row in rows)
    words = [f"{ours} of ours", f"{len(rows) - ours} of others"]
    off = sum(not row.enabled for row in rows)
    return Content.styled(" · ".join(words + [f"{off} off"] * bool(off)), DIM)


def _heading(kind: str) -> Line:
    moment = MOMENTS.get(kind, "")
    name = Content.styled(f"  {visible(kind)}" if moment else "", DIM)
    return Line(Content.assemble((moment or visible(kind), f"{ACCENT} bold"), name))


def _hook(row: HookRow) -> Iterator[Line]:
    sign, style = (format.OBSERVED.sign, ACCENT) if row.enabled else (format.NO_HOOK.sign, DIM)
    if row.locked:
        sign, style = format.REFUSED.sign, DIM
    fired = f"fired {row.fired:,}×" if row.fired else ""
    name = Content.styled(visible(row.name), HEADING if row.enabled else DIM)
    yield Line(name, gutter=Content.styled(f" {sign} ", style), aside=Content.styled(fired, DIM))
    place = f"{PurePath(visible(row.file)).name}:{row.line}" if row.file else ""
    whose = ["ours"] if row.ours else ["not ours", visible(row.owner)]
    facts = [*whose, *map(visible, row.flags), place]
    if not row.enabled:
        facts.insert(0, "off")
    yield Line(Content.styled(" · ".join(filter(None, facts)), DIM), gutter=Content("   "))
    if row.locked:
        yield Line(Content.styled(f"stays as it is: {visible(row.locked)}", WARN), gutter=Content("   "))
