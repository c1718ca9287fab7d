"""How large the gradients are that reached the modules in the last backward pass, in the order in which they came."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from statistics import median
from typing import ClassVar

from rich.cells import cell_len
from textual.binding import BindingType
from textual.content import Content
from textual.message import Message

from ...client.model import Model
from ...gradients import EXPLODING, LIMITS, NAN, VANISHING, ZERO, Limits, Trend, find_trend, judge, size_of
from ...records import CallRow
from .. import format
from ..drawing.bars import bar
from ..drawing.cursor import CursorView
from ..drawing.lines import Page
from ..drawing.problem import message
from ..drawing.styles import ACCENT, DIM, ERROR, HEADING, WARN
from ..drawing.wrap import Line
from ..keys import bindings, key_of, list_hints
from .line_panel import LinePanel, say_way

NO_MODEL = "weights without a model: there are no gradients"
HOW_TO_RUN = f"no backward pass yet: press {key_of('backward')}"
NO_GRADIENTS = "no gradient reached an output of a module in the last backward pass"
TIMES = (1, 10, 0.1)
"""What the limits are multiplied with, one after the other."""
LEAST_POWERS = 3.0
"""Powers of ten that the bars stand for at least: what is nearly the same shall look so."""

_STYLES = {EXPLODING: f"{ERROR} bold", NAN: f"{ERROR} bold", VANISHING: WARN, ZERO: WARN}
_NUMBER = 8  # cells: "1.23e-05"
_MARK = max(map(len, _STYLES))
_LEAST_BAR = 12  # cells; what is more is given to names that would be cut
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
        self.calls: list[CallRow] = []  # in backward order
        self.limits = LIMITS  # of the person
        self.times: float = TIMES[0]
        self._trace: tuple[Sequence[CallRow], int] = (self.calls, 0)  # what they were taken from, and how much of it

    def make_view(self) -> CursorView:
        return CursorView(self.build)

    def select(self, model: Model, index: int) -> None:
        """Needs no reply: everything is in the model. The cursor goes along with the selection; the page is made
        anew for another pass only, it may be long."""
        moved = model is not self.model or index != self.index
        trace, seen = self._trace
        fresh = model is not self.model or model.calls is not trace or len(model.calls) != seen
        self.model, self.index = model, index
        if fresh:
            self._trace = model.calls, len(model.calls)
            self.calls = backward_order(model.calls) if model.calls.has("gradient_norm") else []
        if moved:
            self._go_along()
        if fresh:
            self.draw_reply()
        elif moved:
            self.view.go_to(self.view.cursor)

    def holds_anything(self, model: Model, index: int) -> bool:
        return model.summary is not None and model.summary.backward and bool(model.calls)

    def _go_along(self) -> None:
        wanted = self.model.object_of(self.index) if self.index < len(self.model.rows) else -1
        self.view.cursor = next((n for n, call in enumerate(self.calls) if call.module == wanted), self.view.cursor)
        self._moved = True

    def start_line(self) -> int:
        return max((self.view.cursor if self.calls else 0) - _ABOVE, 0)

    def forget(self) -> None:
        self.calls = []
        self._trace = self.calls, 0

    def idle_commands(self) -> tuple[str, ...]:
        return () if self.calls else ("gradient-module", "gradient-threshold")

    def action_go_to_module(self) -> None:
        if self.calls:
            self.post_message(self.Chosen(self.calls[min(self.view.cursor, len(self.calls) - 1)].module))

    def action_threshold(self) -> None:
        """Another threshold."""
        self.times = TIMES[(TIMES.index(self.times) + 1) % len(TIMES)]
        self.view.renew()

    def page(self, width: int) -> Page | None:
        if not self.model.rows:
            return None
        if not self.calls:
            return Page(message(self._explain_nothing()))
        limits = self.limits.scale(self.times)
        trend = find_trend(self.calls, self._layers(), limits)
        verdicts = [judge(call, trend, limits) for call in self.calls]
        sizes = [_size(call) for call in self.calls]
        names = [self._title_of(call) for call in self.calls]
        rest = width - _NUMBER - _MARK - 6
        longest = min(max(map(cell_len, names)), max(width // 3, rest - _LEAST_BAR, 8))
        room = rest - longest
        lines: list[Line] = []
        stops: list[range] = []
        for name, size, verdict, drawn in zip(names, sizes, verdicts, _bars(sizes, room, self.ascii), strict=True):
            first = len(lines)
            title = format.fit(format.cut_start(name, longest), longest)
            lines.append(Line(_row(title, size, verdict.mark, drawn, room)))
            if verdict.mark in (EXPLODING, VANISHING):
                lines.append(Line(Content.styled(f"  {verdict.why}", DIM), indent=2))
            stops.append(range(first, len(lines)))
        go = say_way(self, list_hints({"gradient-module": "Go to module"}, ""))
        return Page(lines, list(_head(sizes, [each.mark for each in verdicts], trend, limits, go)), stops)

    def _explain_nothing(self) -> str:
        if not self.model.is_model:
            return NO_MODEL
        return NO_GRADIENTS if self.holds_anything(self.model, self.index) else HOW_TO_RUN

    def _layers(self) -> set[int]:
        """The modules that have parameters of their own."""
        return {index for index, own in enumerate(self.model.rows.own_parameters) if own}

    def _title_of(self, call: CallRow) -> str:
        several = self.model.count_calls(call.module) > 1
        return format.path(self.model.paths[call.module]) + (f" #{call.in_step}" if several else "")


def backward_order(calls: Sequence[CallRow]) -> list[CallRow]:
    """The calls that a gradient reached, as a backward pass goes through them: what ended last comes first."""
    return sorted((call for call in calls if size_of(call) is not None), key=lambda call: -call.end)


def median_of(sizes: Sequence[float]) -> float:
    """Over those that are finite and not zero; NaN where there are none."""
    return median([size for size in sizes if math.isfinite(size) and size > 0] or [math.nan])


def _size(call: CallRow) -> float:
    size = size_of(call)
    return math.nan if size is None else size


def _head(sizes: Sequence[float], marks: Sequence[str], trend: Trend, limits: Limits, go: str) -> Iterator[Line]:
    title = Content.styled("output gradient norms in backward order", HEADING)
    yield Line(title, aside=Content.styled(go, DIM))
    counted = [(mark, marks.count(mark)) for mark in _STYLES if mark in marks]
    parts = [Content.styled(f"median {format.number(median_of(sizes))}", DIM)]
    parts += [Content.styled(f"{count} {mark}", _STYLES[mark]) for mark, count in counted]
    threshold = f"{key_of('gradient-threshold')} Threshold {limits}"
    yield Line(Content.styled(" · ", DIM).join(parts), aside=Content.styled(threshold, DIM))
    if trend.mark:
        yield Line(Content.styled(str(trend), _STYLES[trend.mark]))
    yield Line()


def _bars(sizes: Sequence[float], room: int, ascii: bool) -> Iterator[str]:
    """Their lengths are powers of ten above the smallest; what is not finite fills the room."""
    powers = [math.log10(size) for size in sizes if math.isfinite(size) and size > 0]
    high = max(powers, default=0.0)
    low = min([*powers, high - LEAST_POWERS]) - 0.5  # the smallest has a bar too
    for size in sizes:
        if size == 0:
            yield ""
        else:
            share = (math.log10(size) - low) / (high - low) if math.isfinite(size) else 1.0
            yield bar(share, room, ascii)


def _row(name: str, size: float, mark: str, drawn: str, room: int) -> Content:
    style = _STYLES.get(mark, ACCENT)
    number = format.number(size).rjust(_NUMBER)
    bars = (f"  {drawn}{' ' * max(room - len(drawn), 0)}", style) if room > 0 else ""
    return Content.assemble(name, "  ", (number, style if mark else ""), bars, (f"  {mark}" if mark else "", style))
