"""Asks an engine for a sweep, and prints what it tells, however far it came."""

from __future__ import annotations

import asyncio
import json
import shutil
import signal
import sys
from collections.abc import Callable
from dataclasses import dataclass, field

from ...records import (
    AnyEvent,
    Problem,
    RunSweep,
    SweepBegan,
    SweepEnded,
    SweepHead,
    SweepRow,
    SweepRows,
    Target,
)
from ...report.json_failure import SCHEMA, error_to_json, render_failure
from ...report.problem import render_problem
from ...report.sweeps.result import SweepResult
from ...text import visible
from ..output import say
from ..progress import Progress
from .question import Question


def print_sweep(target: Target, request: RunSweep, form: str, ascii: bool, out: Callable[[str], object]) -> int:
    """Load, run and print. Returns the exit code.

    Args:
        target: What to open.
        request: What to do there.
        form: "map", "table", "json" or "csv".
        ascii: Draw with ASCII characters only.
        out: Writes what goes to standard output.
    """
    progress = SweepProgress()
    try:
        question = Question(target, request, progress, "the sweep", no_input=bool(request.corrupted))
        ended, problem = asyncio.run(question.ask())
        progress.ended = ended if isinstance(ended, SweepEnded) else None
        result = progress.result()
        _print(target, result, problem, form, ascii, out)
    except KeyboardInterrupt:  # before there was an engine, or while writing to somebody who does not read
        return 128 + signal.SIGINT
    if problem is not None:
        return problem.exit_code
    return 1 if result is None or result.faults else 0


@dataclass
class SweepProgress(Progress):
    """Also collects what is measured."""

    head: SweepHead | None = None
    rows: list[SweepRow] = field(default_factory=list)
    ended: SweepEnded | None = None

    def __post_init__(self) -> None:
        super().__init__()

    def on_event(self, event: AnyEvent) -> None:
        super().on_event(event)
        if isinstance(event, SweepBegan):
            self.head = event.head
        elif isinstance(event, SweepRows):
            self.rows += event.rows

    def result(self) -> SweepResult | None:
        """What there is; None where nothing was measured, not even the model as it is."""
        if self.head is None:
            return None
        complete, notes = (self.ended.complete, self.ended.notes) if self.ended is not None else (False, ())
        return SweepResult(self.head, self.rows, complete, notes)


def _print(
    target: Target,
    result: SweepResult | None,
    problem: Problem | None,
    form: str,
    ascii: bool,
    out: Callable[[str], object],
) -> None:
    """What was measured and what was wrong, each to its stream."""
    try:
        if form == "json":
            out(_render_json(target, result, problem) + "\n")
        elif result is not None:
            _PRINTERS[form](result, ascii, out)
    finally:
        if form in ("json", "csv") and result is not None:  # the other forms say it themselves
            say(_render_faults(result.faults))
        say(render_problem(problem) if problem is not None else "")


def _render_faults(faults: dict[str, str]) -> str:
    if not faults:
        return ""
    place, fault = next(iter(faults.items()))
    return f"inspector: {len(faults)} without a number, such as {visible(place)}: {visible(fault)}\n"


def _print_map(result: SweepResult, ascii: bool, out: Callable[[str], object]) -> None:
    if sys.stdout.isatty():
        result.show(ascii)
    else:
        out(result.heading() + "\n" + "".join(str(result.heat_map(name, ascii)) for name in result.head.metrics))


def _print_table(result: SweepResult, ascii: bool, out: Callable[[str], object]) -> None:
    width = shutil.get_terminal_size((100, 24)).columns if sys.stdout.isatty() else 120
    out(f"{result.table(width)}\n{result.heading()}\n")


_PRINTERS: dict[str, Callable[[SweepResult, bool, Callable[[str], object]], object]] = {
    "map": _print_map,
    "table": _print_table,
    "csv": lambda result, ascii, out: out(result.csv()),
}


def _render_json(target: Target, result: SweepResult | None, problem: Problem | None) -> str:
    if result is None:
        assert problem is not None  # else there is a result
        return render_failure(target.target, problem)
    error = None if problem is None else error_to_json(problem)
    document = {"schema": SCHEMA, "target": target.target, "sweep": result.document(), "error": error}
    return json.dumps(document, ensure_ascii=True, allow_nan=False)
