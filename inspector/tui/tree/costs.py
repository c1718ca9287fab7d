"""The columns of costs: which there are, what stands in them, and their names above them."""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass

from rich.cells import cell_len

from ...client.costs import KnownCosts
from ...client.model import Model
from ...records import CallRow, Cost, ModuleRow
from ...report.costs import count_flops
from ...report.waits import size
from .. import format as fmt
from .cells import Piece
from .columns import Columns
from .heat import BARS, SHADES
from .lines import DisplayOptions

WARM = 0.1
"""The share of all the time from which on it is coloured."""

Write = Callable[[Cost, KnownCosts], str]


@dataclass(frozen=True)
class CostColumn:
    """`heading` stands above it, `label` and `meaning` where it is chosen; `cells` is how wide it is."""

    id: str
    heading: str
    label: str
    meaning: str
    cells: int
    write: Write


def _write_share(cost: Cost, known: KnownCosts) -> str:
    return f"{cost.ms / known.costs.ms:.0%}" if known.costs.ms > 0 else fmt.NOTHING


COLUMNS = (
    CostColumn("time", "time", "Time", "with all that is in it", 7, lambda cost, known: fmt.ms(cost.ms)),
    CostColumn("own", "own", "Own time", "without the modules in it", 7, lambda cost, known: fmt.ms(cost.own_ms)),
    CostColumn("share", "share", "Share", "of all the time, with all that is in it", 6, _write_share),
    CostColumn("flops", "FLOPs", "FLOPs", "as torch counts them", 6, lambda cost, known: count_flops(cost.flops)),
    CostColumn("parameters", "kept", "Parameters", "bytes, and those of buffers", 7, lambda cost, known: ""),
    CostColumn(
        "activations", "given", "Activations", "bytes of outputs, each piece of memory once", 7,
        lambda cost, known: size(cost.activations) if cost.activations else fmt.NOTHING,
    ),
    CostColumn(
        "backward", "back", "Backward", "time of its backward pass, with all that is in it", 7,
        lambda cost, known: fmt.ms(cost.backward_ms) if cost.backward_ms is not None else fmt.NOTHING,
    ),
    CostColumn(
        "backward-flops", "bFLOPs", "Back FLOPs", "of its backward pass", 7,
        lambda cost, known: count_flops(cost.backward_flops) if cost.backward_ms is not None else fmt.NOTHING,
    ),
)  # fmt: skip
BACKWARD = frozenset({"backward", "backward-flops"})
"""Those that are known where the last pass had a backward pass."""
USUAL = ("own", "share", "flops")
"""What is chosen before anybody has chosen."""


def chosen(ids: Collection[str]) -> list[CostColumn]:
    """The columns with these ids, in their own order."""
    return [column for column in COLUMNS if column.id in ids]


def widths_of(ids: Collection[str], model: Model) -> tuple[int, ...]:
    """Cells of the columns that are chosen; none before anything was measured."""
    return tuple(column.cells for column in chosen(ids)) if model.costs is not None else ()


def cost_cells(
    model: Model, options: DisplayOptions, columns: Columns, index: int, role: str, call: CallRow | None = None
) -> list[list[Piece]]:
    """What stands in the columns on the line of a module, or of one call of it, each with the blank before it."""
    known = model.costs
    if known is None:
        return []
    cost = known.of(model.object_of(index)) if call is None else known.of_call(call)
    role = "quiet" if model.costs_are_old else role
    shown = zip(chosen(options.costs), columns.costs, strict=False)
    return [_cell(column, room, model.rows[index], cost, known, role, options.ascii) for column, room in shown if room]


def _cell(
    column: CostColumn, room: int, row: ModuleRow, cost: Cost | None, known: KnownCosts, role: str, ascii: bool
) -> list[Piece]:
    if column.id == "parameters":
        text = size(row.nbytes) if row.nbytes else fmt.NOTHING
    else:
        text = column.write(cost, known) if cost is not None else fmt.NOTHING
    if column.id == "share" and cost is not None:
        return _share_pieces(text, cost.ms / known.costs.ms if known.costs.ms > 0 else 0.0, room, role, ascii)
    return [(" " + fmt.fit(text, room, right=True), role or "cost")]


def _share_pieces(text: str, share: float, room: int, role: str, ascii: bool) -> list[Piece]:
    bars = SHADES if ascii else BARS
    bar = bars[min(math.ceil(share * (len(bars) - 1) - 0.01), len(bars) - 1)]
    return [(f" {bar}" + fmt.fit(text, room - 1, right=True), role or ("cost-warm" if share >= WARM else "cost"))]


def head(title: str, ids: Collection[str], columns: Columns, first: int, width: int, line: str) -> str:
    """The title, and behind it on the frame the name of each column above where it ends.

    Args:
        title: What stands there anyway.
        ids: The columns that are chosen.
        columns: How wide they are.
        first: The cell of the title in which the lines begin.
        width: Cells that the title may have.
        line: What the frame is drawn with.
    """
    at = first + _before_costs(columns)
    for column, room in zip(chosen(ids), columns.costs, strict=False):
        at += room + bool(room)
        blank = at - len(column.heading) - cell_len(title)
        if not room or blank < 2 or at > width:
            continue
        title += f" {line * (blank - 2)} {column.heading}"
    return title


def _before_costs(columns: Columns) -> int:
    parts: Sequence[int] = (columns.class_name, columns.number)
    return columns.name + columns.gap + sum(cells + 1 for cells in parts if cells)
