"""Every hook on the selected module, ours and others', in the order in which they fire."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar, Literal

from textual.binding import BindingType
from textual.content import Content

from ...client.model import OBSERVED, REFUSED, Model
from ...records import AnyEvent, GetHooks, HookRow, Hooks, Path
from ..drawing.cursor import CursorView
from ..drawing.lines import Page
from ..drawing.problem import message
from ..drawing.styles import DIM
from ..drawing.wrap import Line
from ..format import ALTERED
from ..keys import bindings, key_of, list_hints
from .hook_keys import HookKeys
from .hook_rows import counts, hook_lines, in_firing_order
from .line_panel import LinePanel, say_way

KEYS = list_hints(
    {"toggle-hook": "on or off", "hook-source": "source", "change-hook": "change", "delete-hook": "delete"}, " · "
)


class HooksPanel(HookKeys, LinePanel):
    """A list with a cursor; what its keys ask for, the app does."""

    TITLE = "Hooks"
    TAB = "Hooks"
    SHORT = "Hks"
    CONTEXT: ClassVar[Literal["hooks"]] = "hooks"
    NAMES_OWN_KEYS = True
    BINDINGS: ClassVar[list[BindingType]] = [*bindings(CONTEXT)]

    view: CursorView

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
            self.draw_reply()

    def forget(self) -> None:
        self.hooks, self.rows = None, []
        self.view.cursor = 0

    def holds_anything(self, model: Model, index: int) -> bool:
        known = model.mark_of(index) == OBSERVED or model.marks.foreign.get(model.object_of(index))
        return bool(known or _count_added(model, index))

    def tab_mark(self, model: Model, index: int) -> str:
        """How many hooks were added to this module."""
        added = _count_added(model, index)
        return f"{ALTERED.ascii if self.ascii else ALTERED.sign}{added}" if added else ""

    @property
    def hook(self) -> HookRow | None:
        """The hook under the cursor."""
        return self.rows[min(self.view.cursor, len(self.rows) - 1)] if self.rows else None

    def idle_commands(self) -> tuple[str, ...]:
        return () if self.rows else ("toggle-hook", "hook-source", "change-hook", "delete-hook")

    def location(self) -> tuple[str, int] | None:
        return (self.hook.file, self.hook.line) if self.hook and self.hook.file else None

    def page(self, width: int) -> Page | None:
        if self.hooks is None:
            return None
        if not self.rows:
            return Page(message(*self._why_nothing(self.hooks)))
        head = [Line(Content.styled(counts(self.rows), DIM), aside=Content.styled(f"{key_of('add-hook')} add", DIM))]
        head.append(Line(Content.styled(say_way(self, KEYS), DIM)))
        lines: list[Line] = []
        stops: list[range] = []
        hook_lines(self.rows, lines, stops)
        if self.hooks.note:
            lines += message(self.hooks.note)
        return Page(lines, [*head, Line()], stops)

    def _why_nothing(self, hooks: Hooks) -> Iterator[str]:
        if not self.model.is_model:
            yield "weights without a model: there is nothing to hook"
            return
        yield "no hooks on this module"
        if hooks.note:
            yield hooks.note
        elif not hooks.observed:
            yield f"press {key_of('observe')} in the tree to observe it"
        if self.model.mark_of(self.index) != REFUSED:
            yield f"press {key_of('add-hook')} to add a hook"


def _count_added(model: Model, index: int) -> int:
    return model.marks.added.get(model.object_of(index), 0)
