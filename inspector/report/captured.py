"""Calls that were captured, as a table."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import NamedTuple

from ..records import CallStatus, Statistics, Value
from ..text import ELLIPSIS, visible
from ..value_text import abbreviate, brief_text, first_tensor
from .text_table import TextTable

FIRST, LAST = 20, 5
"""Rows shown of many."""
ROOMY = 110
"""Cells of a line from which on there is room for all columns."""
LEAST = 12
"""Cells that a path and a class have at least."""
ROOT = "(root)"


@dataclass(frozen=True)
class CapturedRow:
    """What a row shows. `call` counts within `step`, both from 0; `gradient` is the root mean square of what reached
    the output, None where nothing did."""

    path: str
    class_name: str
    call: int
    step: int
    status: CallStatus
    output: Value | None
    ms: float
    gradient: float | None = None


def render_captured(rows: Sequence[CapturedRow], width: int) -> str:
    """The first and last rows with statistics of the first tensor of each output, in lines of at most `width` cells."""
    shown = [*rows[:FIRST], *rows[FIRST:][-LAST:]]
    columns = _columns(shown, width)
    cells = [[column.cell(row) for column in columns] for row in shown]
    room = width - sum(map(_width, columns, zip(*cells, strict=True)))
    table = TextTable(("path", "left"), *((column.name, column.side) for column in columns))
    for position, row in enumerate(shown):
        if position == FIRST and len(rows) > len(shown):
            table.add_row("…", f"{len(rows) - len(shown):,} more", *[""] * (len(columns) - 1))
        table.add_row(_end_of(name_call(row), max(room, LEAST)), *cells[position])
    return table.render(width)


class _Column(NamedTuple):
    name: str
    side: str
    cell: Callable[[CapturedRow], str]


def _width(column: _Column, cells: Sequence[str]) -> int:
    """With the gap before it."""
    return 2 + max(map(len, (column.name, *cells)))


def _columns(rows: Sequence[CapturedRow], width: int) -> list[_Column]:
    """Those beside the path that say something of these rows, and fit."""
    columns = [
        _Column("class", "left", lambda row: _start_of(visible(row.class_name), max(width // 7, LEAST))),
        _Column("output", "left", _output),
        *(_Column(name, "right", partial(_measure, name)) for name in ("min", "mean", "max", "std")),
        _Column("zeros", "right", _share_of_zeros),
        _Column("grad", "right", lambda row: number(row.gradient) if row.gradient is not None else ""),
        _Column("ms", "right", lambda row: f"{row.ms:.2f}"),
        _Column("", "left", lambda row: ", ".join(alarms(_statistics(row)))),
    ]
    columns = [each for each in columns if each.name in ("class", "output", "ms") or any(map(each.cell, rows))]
    return [each for each in columns if width >= ROOMY or each.name not in ("min", "max", "zeros")]


def describe_output(row: CapturedRow) -> str:
    """Of one call: `float32 1×64×56×56, min -3.1, mean 0.8, max 7.9, std 0.9, 1 NaN`."""
    tensor = first_tensor(row.output)
    words = [
        _output(row) if row.status != "ok" or tensor is None else f"{tensor.dtype} {brief_text(abbreviate(row.output))}"
    ]
    found = _statistics(row)
    if found is not None:
        words += [f"{name} {number(getattr(found, name))}" for name in ("min", "mean", "max", "std")]
    return ", ".join([*words, *alarms(found)])


def name_call(row: CapturedRow) -> str:
    """As keys of recordings name it: `layer4.0.relu#1@2` is the second call of it in the third step."""
    return (visible(row.path) or ROOT) + (f"#{row.call}" if row.call else "") + (f"@{row.step}" if row.step else "")


def _output(row: CapturedRow) -> str:
    """Its shape, and its dtype where that is not what most are of."""
    if row.status != "ok":
        return row.status
    tensor = first_tensor(row.output)
    dtype = tensor.dtype if tensor is not None and tensor.dtype != "float32" else ""
    return visible(f"{brief_text(abbreviate(row.output))} {dtype}".rstrip())


def _measure(name: str, row: CapturedRow) -> str:
    found = _statistics(row)
    return number(getattr(found, name)) if found is not None else ""


def _statistics(row: CapturedRow) -> Statistics | None:
    tensor = first_tensor(row.output)
    return tensor.statistics if tensor is not None else None


def _share_of_zeros(row: CapturedRow) -> str:
    tensor = first_tensor(row.output)
    if tensor is None or tensor.statistics is None:
        return ""
    elements, zeros = math.prod(tensor.shape), tensor.statistics.zeros
    of_shape = tensor.statistics.of != "stored values" and zeros <= elements  # under vmap they are of the whole batch
    return f"{zeros / elements:.0%}" if elements > 0 and of_shape else ""


def alarms(found: Statistics | None) -> list[str]:
    if found is None:
        return []
    return [f"{count:,} {name}" for count, name in ((found.nan, "NaN"), (found.inf, "Inf")) if count]


def number(value: float | None) -> str:
    """In at most seven characters, mostly."""
    if value is None:
        return "–"
    value += 0.0  # never -0
    return f"{value:.3g}" if value == 0 or abs(value) >= 1e-3 else f"{value:.0e}"


def _start_of(text: str, length: int) -> str:
    return text if len(text) <= length else text[: length - 1] + ELLIPSIS


def _end_of(text: str, length: int) -> str:
    """Paths differ at their end."""
    return text if len(text) <= length else ELLIPSIS + text[1 - length :]
