"""The parameters and buffers of the selected module and of those below it, as a table."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from textual.content import Content

from ...client.model import Model
from ...records import AnyEvent, GetParameters, ParameterRow, Parameters, Path, TensorValue
from ...text import visible
from ...value_text import shape_text
from .. import format
from ..drawing.lines import Page
from ..drawing.problem import message
from ..drawing.styles import ACCENT, DIM, HEADING, WARN
from ..drawing.table import Cell, Column, Table
from ..drawing.values import Space, share, value_lines
from ..drawing.wrap import EMPTY, Line
from ..keys import key_of
from .line_panel import LinePanel

HOW_TO_LEAVE = f"press {key_of('go-to')} to go to another module"
TRAINABLE, FROZEN, TIED = "●", "○", "≡"
EDITED = format.EDITED.sign

COLUMNS = (  # in the order in which they are kept when the panel gets narrow
    Column("name", place=0),
    Column("shape", place=1),
    Column("", place=2),  # whether it is trained
    Column("mean", place=4, right=True),
    Column("std", place=5, right=True),
    Column("min", place=6, right=True),
    Column("max", place=7, right=True),
    Column("zeros", place=8, right=True),
    Column("dtype", place=3),
    Column("histogram", place=9),
)
HISTOGRAM_WIDTH = 12


class ParametersPanel(LinePanel):
    """Own parameters first, buffers apart."""

    TITLE = "Parameters"
    TAB = "Param"
    SHORT = "Par"

    def __init__(self) -> None:
        super().__init__()
        self.parameters: Parameters | None = None

    def request(self, generation: int, path: Path) -> GetParameters:
        return GetParameters(generation, path)

    def show(self, event: AnyEvent) -> None:
        if isinstance(event, Parameters):
            self.parameters = event
            self.draw_reply()

    def forget(self) -> None:
        self.parameters = None

    def holds_anything(self, model: Model, index: int) -> bool:
        row = model.rows[index]
        return bool(row.parameters or row.nbytes)

    def page(self, width: int) -> Page | None:
        if self.parameters is None:
            return None
        rows = self.parameters.rows
        if not rows:
            return Page(message("no parameters and no buffers, here or below", HOW_TO_LEAVE))
        table = Table(COLUMNS, [self._cells(row) for row in rows] + [_gradient(row) for row in rows], width)
        return Page(list(self._lines(table, rows)), [table.heading()])

    def _lines(self, table: Table, rows: Sequence[ParameterRow]) -> Iterator[Line]:
        parameters = [row for row in rows if row.kind == "parameter"]
        buffers = [row for row in rows if row.kind == "buffer"]
        tensors = [row for row in rows if row.kind == "tensor"]
        if parameters:
            yield Line(Content.assemble(("parameters", f"{ACCENT} bold"), _legend(parameters)))
            for row in parameters:
                yield from self._row(table, row)
        if tensors:
            yield Line(Content.styled("tensors", f"{ACCENT} bold"))
            for row in tensors:
                yield from self._row(table, row)
            if len(tensors) == 1 and isinstance(tensors[0].value, TensorValue):
                yield Line()
                yield from value_lines("", tensors[0].value, Space(self.view.size.width, self.ascii, 1))
        if parameters and buffers:
            yield Line()
        if buffers:
            yield Line(Content.assemble(("buffers", f"{ACCENT} bold"), _edited_legend(buffers)))
            for row in buffers:
                yield from self._row(table, row)
        more = (self.parameters.total if self.parameters else 0) - len(rows)
        if more > 0:
            yield Line()
            yield Line(Content.styled(f"and {more:,} more: select a module further down", DIM))

    def _row(self, table: Table, row: ParameterRow) -> Iterator[Line]:
        if isinstance(row.value, TensorValue):
            yield table.line(self._cells(row))
        else:
            yield Line(Content.assemble(_name(row.name), "  ", (format.value_brief(row.value, 200), DIM)), indent=2)
        if row.gradient is not None:
            yield table.line(_gradient(row))
        yield from _remarks(row)

    def _cells(self, row: ParameterRow) -> dict[str, Cell]:
        value = row.value
        if not isinstance(value, TensorValue):
            return {}
        return {
            "name": Cell(_name(row.name)),
            "shape": Cell(shape_text(value.shape)),
            "": Cell(_marks(row)),
            "dtype": Cell(visible(value.dtype), DIM),
            "histogram": Cell(format.spark(value.histogram, HISTOGRAM_WIDTH, self.ascii), ACCENT),
            **_numbers(value),
        }


def _marks(row: ParameterRow) -> Content:
    """Whether it is trained, and whether it is what was loaded."""
    trained = Content.styled(TRAINABLE, ACCENT) if row.trainable else Content.styled(FROZEN, DIM)
    kind = trained if row.kind == "parameter" else EMPTY
    return Content.assemble(kind or " ", (EDITED, WARN)) if row.edited else kind


def _numbers(value: TensorValue, style: str = "") -> dict[str, Cell]:
    found = value.statistics
    if found is None:
        return {}
    numbers = {
        label: Cell(format.number(getattr(found, label)), style)
        for label in ("mean", "std", "min", "max")
        if getattr(found, label) is not None
    }
    return {**numbers, "zeros": Cell(share(found.zeros, value), style if found.zeros else DIM)}


def _gradient(row: ParameterRow) -> dict[str, Cell]:
    if row.gradient is None:
        return {}
    return {"name": Cell("  its gradient", DIM), **_numbers(row.gradient, DIM)}


def _name(name: str) -> Content:
    """The part of a module below is quieter than the parameter's own name."""
    prefix, dot, own = visible(name).rpartition(".")
    return Content.assemble((prefix + dot, DIM), (own, HEADING))


def _legend(rows: Sequence[ParameterRow]) -> Content:
    words = {True: f"{TRAINABLE} trainable", False: f"{FROZEN} frozen"}
    kinds = "  ".join(words[kind] for kind in sorted({row.trainable for row in rows}, reverse=True))
    return Content.assemble((f"  {kinds}", DIM), _edited_legend(rows))


def _edited_legend(rows: Sequence[ParameterRow]) -> Content:
    return Content.styled(f"  {EDITED} not as loaded" if any(row.edited for row in rows) else "", DIM)


def _remarks(row: ParameterRow) -> Iterator[Line]:
    """What is not ordinary about a parameter, below it."""
    if row.tied:
        names = ", ".join(visible(name) for name in row.tied)
        yield Line(Content.assemble((f"  {TIED} ", ACCENT), (names, ACCENT)), indent=4)
    if isinstance(row.value, TensorValue):
        yield from _oddities(row.value, "")
        if row.gradient is not None:
            yield from _oddities(row.gradient, "gradient: ")
    if row.kind == "buffer" and not row.persistent:
        yield Line(Content.styled("  not in the state dict", DIM))


def _oddities(value: TensorValue, of: str) -> Iterator[Line]:
    found = value.statistics
    if found is not None and (found.nan or found.inf):
        yield Line(Content.styled(f"  {of}NaN {found.nan:,}  Inf {found.inf:,}", f"{WARN} bold"))
    if found is not None and found.of != "values":
        yield Line(Content.styled(f"  {of}statistics of its {visible(found.of)}", DIM), indent=2)
    if value.why:
        yield Line(Content.styled(f"  {of}{visible(value.why)}", DIM), indent=2)
