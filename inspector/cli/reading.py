"""Asks an engine for what a report holds: the model, a pass, and for JSON every call of it in full."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Sequence
from dataclasses import dataclass, replace

import msgspec

from ..app_keys import app_keys
from ..client.ending import Ending
from ..client.engine_client import EngineClient
from ..client.pass_plan import Plan
from ..client.process import start_engine
from ..errors import ChannelError, InspectorError
from ..records import (
    AnyEvent,
    AnyRequest,
    CallDetail,
    Calls,
    Choices,
    Costs,
    EstimateMemory,
    Failed,
    GetGradients,
    GetLocations,
    GetOutcomes,
    GetTrace,
    Gradients,
    HookOutcome,
    Location,
    Locations,
    MeasureCosts,
    MemoryEstimate,
    Note,
    Open,
    Opened,
    Outcomes,
    PassEnded,
    PassSummary,
    Problem,
    Save,
    Saved,
    ShowStep,
    Target,
    TensorValue,
)
from ..report.model import Report
from .job import list_leaving, stop_together
from .progress import Progress
from .wait_bar import WaitBar

PAGE = 200
"""Calls fetched per request."""

PATIENCE = 5.0
"""Seconds an engine has to leave."""

_ADVICE = "the lines above are what it printed last"
_INTERRUPTED = Ending("was interrupted", "Interrupted")


@dataclass(frozen=True)
class Reading:
    """What became of a target: `choices` where it names several, else a `report` where there is a model, and the
    `problem` where something went wrong."""

    report: Report | None = None
    problem: Problem | None = None
    choices: Choices | None = None

    @property
    def exit_code(self) -> int:
        if self.choices is not None:
            return 2
        if self.problem is not None:
            return self.problem.exit_code
        return 1 if self.faults else 0

    @property
    def faults(self) -> Sequence[Problem]:
        """The first hooks that failed."""
        summary = self.report.summary if self.report is not None else None
        return summary.faults if summary is not None else ()


@dataclass(frozen=True)
class Wanted:
    """What is asked of an engine beside the model: `in_full` also where each class is, what went through each call, and
    what became of each hook; `every_step` the calls of the steps before the last one as well; `costs` counts passes to
    time for what modules cost, 0 for none; `estimate` asks for memory, and without `run` for that alone."""

    in_full: bool = False
    every_step: bool = False
    costs: int = 0
    estimate: EstimateMemory | None = None
    run: bool = True


async def read(target: Target, wanted: Wanted, strict: bool = False) -> Reading:
    """Open `target` in an engine of its own and run what it asks for. The engine is gone afterwards.

    SIGINT, SIGTERM and SIGHUP end a pass that takes too long, which is then one that failed with exit code 128 and the
    signal.

    Args:
        target: What to open.
        wanted: What to ask for.
        strict: Hooks that never fired are a problem.
    """
    progress = Progress()
    engine = EngineClient(start_engine(), progress, _ADVICE)
    reader = _Reader(engine, progress, wanted)
    try:
        await engine.connect()
        signals = _interrupt_on_signals(engine, progress.bar)
        try:
            reading = await reader.read(target)
            reading = replace(reading, problem=explain_never_fired(reading)) if strict else reading
        except InspectorError as error:
            reading = reader.read_postmortem() if engine.problem is not None else Reading(problem=error.problem)
    finally:
        await engine.close(PATIENCE)
    return _with_exit_code(reading, 128 + signals[0]) if signals else reading


def _interrupt_on_signals(engine: EngineClient, bar: WaitBar) -> list[int]:
    """Interrupt `engine` at the first signal that asks to leave. The list holds the signals that came."""
    loop = asyncio.get_running_loop()
    came: list[int] = []
    tasks: list[asyncio.Task[None]] = []  # the loop itself would let go of it

    def interrupt(number: int) -> None:
        came.append(number)
        if not tasks:
            tasks.append(loop.create_task(engine.interrupt(_INTERRUPTED)))

    if threading.current_thread() is threading.main_thread():
        for number in list_leaving():
            loop.add_signal_handler(number, interrupt, number)
        stop_together(engine, bar)
    return came


def _with_exit_code(reading: Reading, code: int) -> Reading:
    problem = reading.problem or Problem("interrupted", kind=_INTERRUPTED.kind)
    return replace(reading, problem=msgspec.structs.replace(problem, exit_code=code))


class _Reader:
    """Talks to one engine until there is enough for a report."""

    def __init__(self, engine: EngineClient, progress: Progress, wanted: Wanted) -> None:
        self._engine = engine
        self._progress = progress
        self._bar = progress.bar
        self._collector = progress.collector
        self._wanted = wanted
        self._in_full = wanted.in_full
        self._locations: Sequence[Location] = ()

    async def read(self, target: Target) -> Reading:
        """Raises `InspectorError` where the engine could not, or is gone."""
        async with self._bar.waiting("the model, which is being loaded"):
            opened = await self._ask(Open(target, app_keys()))
        if isinstance(opened, Choices):
            return Reading(choices=opened)
        assert isinstance(opened, Opened)
        async with self._bar.waiting("what the engine has to tell of the model"):
            await self._progress.wait_for_modules()
            if self._in_full:
                self._locations = await self._get_locations(opened.generation)
        async with self._bar.waiting("the pass of the model"):
            summary, problem = await self._run(opened, target)
        async with self._bar.waiting("what the engine has to tell of the pass"):
            reading = await self._report(opened, target, summary, problem)
        async with self._bar.waiting("what modules cost"):
            reading = await self._measure(opened, reading)
        async with self._bar.waiting("an estimate of the memory"):
            return await self._estimate(opened, reading)

    async def _report(
        self, opened: Opened, target: Target, summary: PassSummary | None, problem: Problem | None
    ) -> Reading:
        """What there is to tell of a pass that has ended."""
        if target.save:
            problem = await self._save(opened.generation, target.save, problem)
        if (self._in_full or self._wanted.every_step) and summary is not None:
            for step in range(summary.first_step, summary.steps - 1):
                await self._ask(ShowStep(opened.generation, step))
        details = await self._get_details(opened.generation) if self._in_full else ()
        outcomes = await self._get_outcomes(opened.generation) if self._in_full else ()
        gradients = await self._get_gradients(opened.generation) if self._in_full and target.backward else {}
        report = self._collector.report(summary, problem, details, self._locations, outcomes, gradients)
        return Reading(report, problem)

    async def _measure(self, opened: Opened, reading: Reading) -> Reading:
        """What modules cost as well, where that is wanted and the pass went through."""
        if not self._wanted.costs or reading.report is None or reading.problem is not None:
            return reading
        reply = await self._engine.ask(MeasureCosts(opened.generation, self._wanted.costs))
        if isinstance(reply, Costs):
            return replace(reading, report=replace(reading.report, costs=reply, paths=[]))
        return replace(reading, problem=reply.problem) if isinstance(reply, Failed) else reading

    async def _estimate(self, opened: Opened, reading: Reading) -> Reading:
        """What a step holds in memory as well, where that is wanted; a size of the batch that fails is a problem."""
        asked = self._wanted.estimate
        if asked is None or reading.report is None or reading.problem is not None:
            return reading
        reply = await self._engine.ask(msgspec.structs.replace(asked, generation=opened.generation))
        if not isinstance(reply, MemoryEstimate):
            return replace(reading, problem=reply.problem) if isinstance(reply, Failed) else reading
        failed = next((row for row in reply.rows if row.problem is not None), None)
        problem = failed.problem if failed is not None else None
        if failed is not None and problem is not None:
            problem = msgspec.structs.replace(problem, what=f"batch {failed.batch:,}: {problem.what}")
        return replace(reading, report=replace(reading.report, memory=reply, paths=[]), problem=problem)

    def read_postmortem(self) -> Reading:
        """What there is of a pass that ended with its engine. Without a model there is no report."""
        problem, left = self._engine.problem, self._engine.postmortem
        if problem is None or not self._collector.complete:
            return Reading(problem=problem)
        self._collector.replace_calls([call.row for call in left.calls])
        details = left.calls if self._in_full else ()
        return Reading(self._collector.report(left.summarize(problem), problem, details, self._locations), problem)

    async def _ask(self, request: AnyRequest) -> AnyEvent:
        reply = await self._engine.ask(request)
        if isinstance(reply, Failed):
            raise InspectorError.of(reply.problem)
        return reply

    async def _run(self, opened: Opened, target: Target) -> tuple[PassSummary | None, Problem | None]:
        """How the pass went, or why there was none. A model that cannot run says so in a note."""
        info = opened.info
        if not (target.run and info.is_model and info.runnable):
            return None, None
        if info.lazy and not target.materialize:
            return None, explain_lazy(opened)
        if opened.form:
            return None, explain_no_input(opened)
        if not self._wanted.run:
            return None, None
        ended = await self._ask(Plan.of(target).request(opened.generation, None, False))
        assert isinstance(ended, PassEnded)
        return ended.summary, ended.summary.problem

    async def _save(self, generation: int, file: str, problem: Problem | None) -> Problem | None:
        """Write what was recorded, unless the pass failed with `problem`; gives what went wrong."""
        if problem is not None:
            self._progress.on_event(Note("info", f"the pass failed: {file} is not written"))
            return problem
        reply = await self._engine.ask(Save(generation, file))
        if isinstance(reply, Saved):
            self._progress.on_event(Note("info", f"saved {reply.what} in {reply.file}"))
        return reply.problem if isinstance(reply, Failed) else None

    async def _get_locations(self, generation: int) -> Sequence[Location]:
        reply = await self._ask(GetLocations(generation))
        assert isinstance(reply, Locations)
        return reply.rows

    async def _get_outcomes(self, generation: int) -> Sequence[HookOutcome]:
        found: list[HookOutcome] = []
        while True:
            page = await self._ask(GetOutcomes(generation, len(found)))
            assert isinstance(page, Outcomes)
            found += page.rows
            if not page.rows or len(found) >= page.total:
                return found

    async def _get_details(self, generation: int) -> Sequence[CallDetail]:
        details: list[CallDetail] = []
        while len(details) < len(self._collector.calls):
            page = await self._ask(GetTrace(generation, len(details), PAGE))
            assert isinstance(page, Calls)
            if not page.calls:
                raise ChannelError("the engine sent fewer calls than it told of", hint=_ADVICE)
            details += page.calls
        return details

    async def _get_gradients(self, generation: int) -> dict[str, TensorValue]:
        gradients: dict[str, TensorValue] = {}
        asked = 0
        while True:
            page = await self._ask(GetGradients(generation, asked, PAGE))
            assert isinstance(page, Gradients)
            gradients.update(page.values)
            asked += PAGE
            if not page.values or asked >= page.total:
                return gradients


def explain_never_fired(reading: Reading) -> Problem | None:
    """The problem of a reading; where it has none, that hooks never fired, if any did not."""
    summary = reading.report.summary if reading.report is not None else None
    count = summary.hook_counts.never_fired if summary is not None else 0
    if summary is None or not count or reading.problem is not None:
        return reading.problem
    named = [f"{each.place}: {each.unfired}" for each in summary.idle if each.unfired]
    more = [f"and {count - len(named):,} more"] if count > len(named) else []
    return Problem(
        what=f"{count:,} hook{'s' * (count != 1)} never fired",
        where="\n".join([*named, *more]),
        hint="without --strict that is no error",
        kind="NeverFired",
    )


def explain_lazy(opened: Opened) -> Problem:
    """Why lazy modules were not run."""
    return Problem(
        what=f"lazy modules: {opened.info.lazy}. A pass would give them their shapes; nothing was run",
        hint="--materialize allows it (they are made lazy again after the pass), or --no-forward",
        kind="Lazy",
        exit_code=2,
    )


def explain_no_input(opened: Opened) -> Problem:
    """Why a model whose sample input is unknown was not run."""
    names = ", ".join(f"{field.name}{'' if field.required else '?'}" for field in opened.form)
    proposals = " ".join(f"-i {field.name}={field.proposal}" for field in opened.form if field.proposal)
    tried = f" (the likeliest guess failed: {opened.problem.what})" if opened.problem else ""
    return Problem(
        what=f"the sample input is unknown{tried}",
        where=f"forward({names})",
        hint=f"give it: {proposals or '-i 1x3x224x224'}, or --no-forward",
        kind="NoInput",
        exit_code=2,
    )
