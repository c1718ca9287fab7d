"""How large the gradients are that reached the modules in the last backward pass, in the order in which they came."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import ClassVar

from textual.binding import BindingType
from textual.content import Content
from textual.message import Message

from ...client.model import Model
from ...gradients import LIMITS
from ...turns import give_way
from .. import format
from ..drawing.cursor import CursorView
from ..drawing.lines import Page
from ..drawing.problem import message
from ..drawing.styles import DIM, HEADING
from ..drawing.wrap import Line
from ..keys import bindings, key_of, list_hints
from .gradient_rows import STYLES, GradientLines, GradientStops, Reached, SeenGradients
from .line_panel import LinePanel, say_way

NO_MODEL = "weights without a model: there are no gradients"
HOW_TO_RUN = f"no backward pass yet: press {key_of('backward')}"
NO_GRADIENTS = "no gradient reached an output of a module in the last backward pass"
TIMES = (1, 10, 0.1)
"""What the limits are multiplied with, one after the other."""
MANY = 10_000
"""Gradients, past which they are looked at on another thread, and lines are made when they are seen."""
_ABOVE = 2  # lines shown above the selected module


class GradientsPanel(LinePanel):
    """Norms of the gradients of outputs, as bars on a logarithmic scale, the last module first; `inspector.gradients`
    says which are exploding and which vanishing."""

    TITLE = "Gradients"
    TAB = "Grad"
    SHORT = "Grd"
    CONTEXT = "gradients"
    NAMES_OWN_KEYS = True
    BINDINGS: ClassVar[list[BindingType]] = [*bindings(CONTEXT)]

    view: CursorView

    class Chosen(Message):
        """The person wants to go to this module."""

        def __init__(self, index: int) -> None:
            self.index = index
            super().__init__()

    def __init__(self) -> None:
        super().__init__()
        self.seen: SeenGradients | None = None  # once they were looked at, where there are any
        self.limits = LIMITS  # of the person
        self.times: float = TIMES[0]
        self._reached: Reached | None = None  # the calls that they reached
        self._known = 0  # calls of that table that were there
        self._goes_along = False  # another module was selected since they were drawn

    def make_view(self) -> CursorView:
        return CursorView(self.build)

    def select(self, model: Model, index: int) -> None:
        """Needs no reply: everything is in the model. The cursor goes along with the selection; the page is made
        anew for another pass only, it may be long."""
        reached, calls = self._reached, model.calls
        moved = model is not self.model or index != self.index
        fresh = reached is None or reached.calls is not calls or self._known != len(calls)
        self.model, self.index = model, index
        self._goes_along = self._goes_along or moved
        if fresh:
            self.seen, self._reached, self._known = None, Reached(calls), len(calls)
            self._look()
        elif moved and self.seen is not None:
            self._go_along()
            self.view.go_to(self.view.cursor)

    def _look(self) -> None:
        """At all of them, of very many between keys and on another thread."""
        if self._reached is None or not self._reached.calls.has("gradient_norm"):
            self._take(None)
        elif self._known <= MANY:
            self._reached.extend()
            self._take(SeenGradients(self.model, self._reached, self.limits.scale(self.times)))
        else:
            self.run_worker(self._look_meanwhile(self._reached), exclusive=True)
            if self.seen is None:
                self.draw_reply()

    async def _look_meanwhile(self, reached: Reached) -> None:
        while reached.extend(MANY):
            await give_way()
        limits = self.limits.scale(self.times)
        seen = await asyncio.to_thread(SeenGradients, self.model, reached, limits)
        if reached is self._reached:
            self._take(seen)

    def _take(self, seen: SeenGradients | None) -> None:
        """They were looked at."""
        self.seen = seen
        if self._goes_along:
            self._go_along()
        self.draw_reply()

    def holds_anything(self, model: Model, index: int) -> bool:
        return model.summary is not None and model.summary.backward and bool(model.calls)

    def _go_along(self) -> None:
        wanted = self.model.object_of(self.index) if self.index < len(self.model.rows) else -1
        found = self.seen.find(wanted) if self.seen is not None else None
        self.view.cursor = self.view.cursor if found is None else found
        self._goes_along, self._moved = False, True

    def start_line(self) -> int:
        seen, cursor = self.seen, self.view.cursor
        return max(seen.lines_of(cursor).start - _ABOVE, 0) if seen is not None and cursor < len(seen) else 0

    def forget(self) -> None:
        self.seen = self._reached = None

    def idle_commands(self) -> tuple[str, ...]:
        return () if self.seen else ("gradient-module", "gradient-threshold")

    def action_go_to_module(self) -> None:
        if self.seen:
            self.post_message(self.Chosen(self.seen.modules[min(self.view.cursor, len(self.seen) - 1)]))

    def action_threshold(self) -> None:
        """Another threshold."""
        self.times = TIMES[(TIMES.index(self.times) + 1) % len(TIMES)]
        self._look()

    def page(self, width: int) -> Page | None:
        seen = self.seen
        if not self.model.rows:
            return None
        if not seen:
            return Page(message(self._explain_nothing()))
        lines = GradientLines(seen, width, self.ascii)
        go = say_way(self, list_hints({"gradient-module": "Go to module"}, ""))
        head = list(_head(seen, go))
        return Page(lines if len(seen) > MANY else list(lines), head, GradientStops(seen))

    def _explain_nothing(self) -> str:
        if not self.model.is_model:
            return NO_MODEL
        if self.seen is None and self.model.calls.has("gradient_norm"):
            return f"looking at the gradients of {len(self.model.calls):,} calls …"
        return NO_GRADIENTS if self.holds_anything(self.model, self.index) else HOW_TO_RUN


def _head(seen: SeenGradients, go: str) -> Iterator[Line]:
    title = Content.styled("output gradient norms in backward order", HEADING)
    yield Line(title, aside=Content.styled(go, DIM))
    parts = [Content.styled(f"median {format.number(seen.median)}", DIM)]
    parts += [Content.styled(f"{count} {mark}", STYLES[mark]) for count, mark in seen.count()]
    threshold = f"{key_of('gradient-threshold')} Threshold {seen.limits}"
    yield Line(Content.styled(" · ", DIM).join(parts), aside=Content.styled(threshold, DIM))
    if seen.trend.mark:
        yield Line(Content.styled(str(seen.trend), STYLES[seen.trend.mark]))
    yield Line()
