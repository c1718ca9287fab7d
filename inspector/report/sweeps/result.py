"""What a sweep found, for the library and the command line alike."""

from __future__ import annotations

import contextlib
import csv
import io
import json
import math
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ...errors import UsageError
from ...files import write_new
from ...records import SweepHead, SweepRow
from ...text import encodable, visible
from ..json_values import finite_or_none
from ..text_table import TextTable

if TYPE_CHECKING:
    from .heat_map import HeatMap  # what it draws with is imported when it is drawn

SHOWN = 60
"""Rows of the table that a result shows itself as."""
NUMBERS = ("value", "delta", "recovered")
COLUMNS = ("place", "where", "metric", *NUMBERS, "fault")


@dataclass(frozen=True, repr=False)
class SweepResult:
    """What every metric says of every place that was altered; see `SweepRow`.

    `head` says what it says of the runs as they are. `complete` is False where the sweep was interrupted: `rows` are
    those until then. `notes` say what a run changed and could not be put back before the next one.
    """

    head: SweepHead
    rows: Sequence[SweepRow]
    complete: bool = True
    notes: tuple[str, ...] = ()

    @property
    def faults(self) -> dict[str, str]:
        """Why nothing can be said of a place, by the place and the part of it."""
        return {f"{row.place}{row.where}": row.fault for row in self.rows if row.fault}

    def best(self, n: int = 10, metric: str = "") -> list[SweepRow]:
        """The `n` rows that recovered most, or without a clean run those that moved the metric most."""
        found = [row for row in self._of(metric) if math.isfinite(_score(row))]
        return sorted(found, key=_score, reverse=True)[:n]

    def heat_map(self, metric: str = "", ascii: bool = False) -> HeatMap:
        """Module by token, head, or whatever part: the fraction recovered, or without a clean run the change.

        `print` shows digits; `rich.print` and `show` colours too, at the width of the terminal.
        """
        with _keep_random():
            from .heat_map import HeatMap

        rows = self._of(metric)
        what = "change from the run as it is" if self.head.clean is None else "recovered: 0 as corrupted, 1 as clean"
        title = f"{rows[0].metric if rows else metric}, {what}"
        cells = {(row.place, row.column): _heat(row) for row in rows}
        return HeatMap(visible(title), cells, self.head.clean is not None, ascii)

    def table(self, width: int = 120, limit: int | None = None) -> str:
        """A row for each place and metric, as text in lines of `width` cells."""
        table = TextTable(*((name, "right" if name in NUMBERS else "left") for name in COLUMNS))
        for row in self.rows[:limit]:
            numbers = (_number(row.value), _number(row.delta), "–" if row.recovered is None else _number(row.recovered))
            table.add_row(visible(row.place), visible(row.where), visible(row.metric), *numbers, visible(row.fault))
        return table.render(width)

    def show(self, ascii: bool = False) -> None:
        """Print the heat map with colours, and what was said of the runs."""
        with _keep_random():
            from rich.console import Console

        console = Console(highlight=False)
        console.print(self.heading(), markup=False)
        for metric in self.head.metrics:
            console.print(self.heat_map(metric, ascii))

    def to_json(self) -> str:
        """One line of ASCII; a number that is none is null."""
        return json.dumps(self.document(), ensure_ascii=True, allow_nan=False)

    def document(self) -> dict[str, Any]:
        """What `to_json` writes."""
        clean = self.head.clean if self.head.clean is not None else [None] * len(self.head.metrics)
        runs = zip(self.head.metrics, clean, self.head.corrupted, strict=True)
        return {
            "hook": self.head.hook,
            "where": list(self.head.where),
            "complete": self.complete,
            "places": self.head.places,
            "metrics": [{"name": name, "clean": _finite(then), "corrupted": _finite(now)} for name, then, now in runs],
            "rows": [_document(row) for row in self.rows],
            "notes": list(self.notes),
        }

    def to_csv(self, path: str | Path) -> None:
        """Write a new file, a line for each place and metric.

        Raises:
            UsageError: The file is there already, or cannot be written.
        """
        write_new(path, self.csv().encode("utf-8", "backslashreplace"))

    def csv(self) -> str:
        """What `to_csv` writes."""
        stream = io.StringIO()
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow(COLUMNS)
        writer.writerows([getattr(row, name) for name in COLUMNS] for row in self.rows)
        return stream.getvalue()

    def __repr__(self) -> str:
        columns = {row.column for row in self.rows}
        maps = map(self.heat_map, self.head.metrics)
        body = "".join(map(str, maps)) if len(columns) > 1 else self.table(limit=SHOWN)
        more = len(self.rows) - SHOWN
        left_out = f"… and {more} more rows: .table()\n" if len(columns) <= 1 and more > 0 else ""
        return f"{self.heading()}\n{body}{left_out}".rstrip("\n")

    def _of(self, metric: str) -> list[SweepRow]:
        name = metric or self.head.metrics[0]
        if name not in self.head.metrics:
            raise UsageError(encodable(f"there is no metric {name!r}", 200), hint=", ".join(self.head.metrics))
        return [row for row in self.rows if row.metric == name]

    def heading(self) -> str:
        """How far it came, the runs as they are, and what went wrong."""
        done = len({(row.place, row.where) for row in self.rows})
        state = f"{done} places" if self.complete else f"interrupted after {done} of {self.head.places} places"
        where = f" at {visible(', '.join(self.head.where))}" if self.head.where else ""
        lines = [f"sweep of {visible(self.head.hook)}{where}: {state}"]
        for number, name in enumerate(self.head.metrics):
            now, then = self.head.corrupted[number], None if self.head.clean is None else self.head.clean[number]
            runs = f"{_number(now)} as it is" if then is None else f"clean {_number(then)}, corrupted {_number(now)}"
            same = "; they are the same: nothing can be recovered" if then == now else ""
            lines.append(f"{visible(name)}: {runs}{same}")
        faults = self.faults
        if faults:
            place, fault = next(iter(faults.items()))
            lines.append(f"{len(faults)} without a number, such as {visible(place)}: {visible(fault)}")
        return "\n".join([*lines, *(f"note: {visible(note)}" for note in self.notes)])


@contextlib.contextmanager
def _keep_random() -> Iterator[None]:
    """What maps are drawn with takes a random number when it is first imported, and to print changes nothing."""
    state = random.getstate()
    try:
        yield
    finally:
        random.setstate(state)


def _document(row: SweepRow) -> dict[str, Any]:
    words = {name: getattr(row, name) for name in ("place", "where", "column", "metric")}
    return {**words, **{name: _finite(getattr(row, name)) for name in NUMBERS}, "fault": row.fault or None}


def _finite(value: float | None) -> float | None:
    return None if value is None else finite_or_none(value)


def _heat(row: SweepRow) -> float:
    return row.delta if row.recovered is None else row.recovered


def _score(row: SweepRow) -> float:
    return abs(row.delta) if row.recovered is None else row.recovered


def _number(value: float) -> str:
    return f"{value + 0.0:.4g}"  # a zero has no sign
