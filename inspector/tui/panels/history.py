"""What the batches that ran last did to the selected module: its values and its parameters, batch by batch."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

from textual.binding import BindingType
from textual.content import Content

from ...client.model import Model
from ...records import AnyEvent, GetHistory, History, Path, Series
from ...text import visible
from .. import format
from ..drawing.cursor import CursorView
from ..drawing.lines import Page
from ..drawing.plot import Curve, plot
from ..drawing.problem import message
from ..drawing.scale import Scale
from ..drawing.sparkline import sparkline
from ..drawing.styles import ACCENT, DIM, HEADING
from ..drawing.table import Cell, Column, Table
from ..drawing.wrap import Line
from ..keys import bindings, key_of
from .line_panel import LinePanel

HOW_TO_RUN = f"no batches yet: press {key_of('batches')} to run several"
NOT_SEEN = "nothing was seen of this module in the batches that ran last"
LEAST, MOST = 4, 14  # lines of the plot
_AROUND = 2  # lines: above the plot its title, below it a free one
_TREND_WIDTH = 20

COLUMNS = (  # in the order in which they are kept when the panel gets narrow
    Column("series", place=0),
    Column("last", place=1, right=True),
    Column("trend", place=2),
    Column("lowest", place=3, right=True),
    Column("highest", place=4, right=True),
)


class SeriesView(CursorView):
    """The series under the cursor is plotted in the head."""

    def go_to(self, stop: int) -> None:
        before = self.cursor
        super().go_to(stop)
        if self.cursor != before:
            self.renew()


class HistoryPanel(LinePanel):
    """A list of series; the one under the cursor is plotted above it."""

    TITLE = "History"
    TAB = "Hist"
    CONTEXT = "history"
    BINDINGS: ClassVar[list[BindingType]] = [*bindings(CONTEXT)]

    view: SeriesView

    def __init__(self) -> None:
        super().__init__()
        self.history: History | None = None
        self.log_scale = False
        self._batches = 0  # of which there is a history, as far as the engine was asked
        self._chosen = ""  # the name of the series that was selected last, to stay on it in the next module

    def make_view(self) -> SeriesView:
        return SeriesView(self.build)

    def request(self, generation: int, path: Path) -> GetHistory:
        return GetHistory(generation, path)

    def show(self, event: AnyEvent) -> None:
        if isinstance(event, History):
            self._keep_choice()
            self.history, self._batches = event, event.batches
            names = [series.name for series in event.series]
            self.view.cursor = names.index(self._chosen) if self._chosen in names else 0
            self.draw_reply()

    def clear(self, model: Model) -> None:
        self._batches = 0
        super().clear(model)

    def forget(self) -> None:
        self._keep_choice()
        self.history = None

    def _keep_choice(self) -> None:
        if self.series is not None:
            self._chosen = self.series.name

    def holds_anything(self, model: Model, index: int) -> bool:
        return self._batches > 0 or (model.summary is not None and model.summary.batches > 1)

    def idle_commands(self) -> tuple[str, ...]:
        return () if self.series is not None else ("history-scale",)

    def action_scale(self) -> None:
        """Change between a logarithmic and a linear plot."""
        self.log_scale = not self.log_scale
        self.view.renew()

    @property
    def series(self) -> Series | None:
        """The one under the cursor."""
        found = self.history.series if self.history else ()
        return found[min(self.view.cursor, len(found) - 1)] if found else None

    def page(self, width: int) -> Page | None:
        if self.history is None:
            return None
        if self.series is None:
            return Page(message(self.history.note or (NOT_SEEN if self.history.batches else HOW_TO_RUN)))
        rows = [self._cells(series, series is self.series) for series in self.history.series]
        table = Table(COLUMNS, rows, width)
        lines = [table.heading(), *(table.line(row) for row in rows)]
        if self.history.note:
            lines += message(self.history.note)
        return Page(lines, list(self._head(self.series, width)), [range(n + 1, n + 2) for n in range(len(rows))])

    def _head(self, series: Series, width: int) -> Iterator[Line]:
        batches = self.history.batches if self.history else 0
        scale = f"{'logarithmic' if self.log_scale else 'linear'} ({key_of('history-scale')})"
        facts = f"{batches:,} batch{'es' if batches != 1 else ''} · {scale}"
        yield Line(Content.styled(visible(series.name), f"{HEADING} {ACCENT}"), aside=Content.styled(facts, DIM))
        height = min(max(self.view.size.height // 2 - _AROUND, LEAST), MOST)
        yield from map(Line, plot([Curve(series.values)], width, height, log=self.log_scale, ascii=self.ascii))
        yield Line()

    def _cells(self, series: Series, chosen: bool) -> dict[str, Cell]:
        seen = [value for value in series.values if value is not None]
        scale = Scale.over(seen)
        trend = sparkline(series.values, _TREND_WIDTH, self.ascii)
        return {
            "series": Cell(visible(series.name), HEADING if chosen else ""),
            "last": Cell(format.number(series.values[-1] if series.values else None)),
            "trend": Cell(trend, ACCENT),
            "lowest": Cell(format.number(scale.low if scale else None), DIM),
            "highest": Cell(format.number(scale.high if scale else None), DIM),
        }
