"""Asks an engine for a sweep, and prints what it tells, however far it came."""

from __future__ import annotations

import asyncio
import json
import shutil
import signal
import sys
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import msgspec

from ..app_keys import app_keys
from ..client.ending import Ending
from ..client.engine_client import EngineClient
from ..client.process import start_engine
from ..errors import InspectorError, UsageError
from ..records import (
    AnyEvent,
    AnyRequest,
    Cancel,
    Choices,
    Failed,
    Open,
    Opened,
    Problem,
    RunSweep,
    SweepBegan,
    SweepEnded,
    SweepHead,
    SweepRow,
    SweepRows,
    Target,
)
from ..report.json_failure import SCHEMA, error_to_json, render_failure
from ..report.problem import render_problem
from ..report.sweeps.result import SweepResult
from ..text import visible
from .job import list_leaving, stop_together
from .output import say
from .progress import Progress
from .reading import PATIENCE, explain_lazy, explain_no_input

_ADVICE = "the lines above are what it printed last"
_INTERRUPTED = Ending("was interrupted", "Interrupted")


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
        problem = asyncio.run(_Sweeping(target, request, progress).run())
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


class _Sweeping:
    """One engine, one sweep. The first SIGINT ends the sweep, a second one the engine."""

    def __init__(self, target: Target, request: RunSweep, progress: SweepProgress) -> None:
        self._target = target
        self._request = request
        self._progress = progress
        self._engine = EngineClient(start_engine(), progress, _ADVICE)
        self._signals: list[int] = []
        self._tasks: list[asyncio.Task[Any]] = []  # the loop itself would let go of them
        self._sweeping = False

    async def run(self) -> Problem | None:
        """What went wrong. The engine is gone afterwards."""
        try:
            await self._engine.connect()
            self._listen_to_signals()
            problem = await self._sweep()
        except InspectorError as error:
            problem = self._engine.problem or error.problem
        finally:
            await self._engine.close(PATIENCE)
        if not self._signals:
            return problem
        interrupted = problem or Problem("interrupted", kind="Interrupted")
        return msgspec.structs.replace(interrupted, exit_code=128 + self._signals[0])

    async def _sweep(self) -> Problem | None:
        async with self._progress.bar.waiting("the model, which is being loaded"):
            opened = await self._ask(Open(self._target, app_keys()))
        if isinstance(opened, Choices):
            names = ", ".join(choice.name for choice in opened.items)
            raise UsageError(f"{opened.title}: name one of them", hint=names[:400])
        assert isinstance(opened, Opened)
        if opened.info.lazy:
            return msgspec.structs.replace(explain_lazy(opened), hint="a sweep needs modules with shapes")
        if opened.form and not self._request.corrupted:
            return explain_no_input(opened)
        self._sweeping = True
        async with self._progress.bar.waiting("the sweep"):
            ended = await self._ask(msgspec.structs.replace(self._request, generation=opened.generation))
        assert isinstance(ended, SweepEnded)
        self._progress.ended = ended
        return None

    async def _ask(self, request: AnyRequest) -> AnyEvent:
        reply = await self._engine.ask(request)
        if isinstance(reply, Failed):
            raise InspectorError.of(reply.problem)
        return reply

    def _listen_to_signals(self) -> None:
        if threading.current_thread() is threading.main_thread():
            for number in list_leaving():
                asyncio.get_running_loop().add_signal_handler(number, self._interrupt, number)
            stop_together(self._engine, self._progress.bar)

    def _interrupt(self, number: int) -> None:
        self._signals.append(number)
        gentle = self._sweeping and len(self._signals) == 1
        ending = self._engine.ask(Cancel()) if gentle else self._engine.interrupt(_INTERRUPTED)
        self._tasks.append(asyncio.ensure_future(ending))


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
