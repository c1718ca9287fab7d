"""What happens between the engine and the screen: opening, passes, hooks. Holds what is known; draws nothing."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Coroutine
from typing import Any, Protocol

from msgspec.structs import replace

from ...client.engine_client import EngineClient
from ...client.model import Model
from ...client.pass_plan import FORWARD, Plan
from ...records import (
    AnyEvent,
    CallRows,
    Cancel,
    Changes,
    Choices,
    Failed,
    HookMarks,
    ModuleRows,
    Note,
    Observe,
    Open,
    Opened,
    PassEnded,
    Path,
    Problem,
    Progress,
    SetInput,
    Stage,
    Target,
)

LIVE_INTERVAL = 0.25
"""Seconds from the start of one live pass to the next, at least."""

CANCEL_PATIENCE = 2.0

QUICK = 1_000.0
"""Milliseconds below which a pass is run again after a change without being asked for."""


_OF_A_MODEL = (ModuleRows, HookMarks, Progress, CallRows, PassEnded, Changes)


class View(Protocol):
    """What the flow tells the screen."""

    def spawn(self, work: Coroutine[Any, Any, None]) -> object: ...
    def later(self, seconds: float, call: Callable[[], object]) -> object: ...
    def stage(self, text: str) -> None: ...
    def model_changed(self) -> None: ...
    def rows_added(self) -> None: ...
    def model_complete(self) -> tuple[Path, ...]: ...  # gives the modules whose hooks are to be off
    def marks_changed(self) -> None: ...
    def changes_changed(self) -> None: ...
    def pass_started(self) -> None: ...
    def progressed(self, progress: Progress) -> None: ...
    def pass_ended(self) -> None: ...
    def choose(self, choices: Choices) -> None: ...
    def ask_to_materialize(self, lazy: int, plan: Plan) -> None: ...
    def ask_input(self, opened: Opened) -> None: ...
    def write_log(self, level: str, text: str) -> None: ...
    def tell(self, text: str) -> None: ...
    def problem(self, problem: Problem, opening: bool) -> None: ...


class Flow:
    """Everything goes by the order of the engine's events; replies are only waited for where they may be a failure."""

    def __init__(self, engine: EngineClient, view: View) -> None:
        self.engine = engine
        self.view = view
        self.model = Model()
        self.target: Target | None = None
        self.opened: Opened | None = None
        self.running = False
        self.started = 0.0  # of the running pass, on time.monotonic's clock
        self.live = False
        self.fresh = False  # live passes draw the input anew
        self.ready = False  # the model is complete and what was kept is applied
        self.stale = False  # something was changed after the last pass began, and no pass follows by itself
        self.materialize = False  # passes may give lazy modules their shapes: somebody said yes
        self._seed: int | None = None  # for the next pass; None keeps the engine's
        self._next: Plan | None = None  # another pass was asked for while one was running
        self._again = FORWARD  # what live mode and changes repeat: the last pass that was asked for, but no batches
        self._run_when_opened = False  # another input was asked for, and is on its way
        self._trace = 0  # the pass that the model's calls are of
        self._begun = False  # the first pass of this model was started, or its input asked for
        self._passes = 0  # that were started, to tell a late timer which one it was set for

    async def open(self, target: Target) -> None:
        """Load a target in place of what is open."""
        self.target = target
        self.forget_model()
        reply = await self.engine.ask(Open(target))
        if isinstance(reply, Choices):
            self.view.choose(reply)
        elif isinstance(reply, Failed) and self.engine.alive:
            self.view.problem(reply.problem, opening=True)

    async def open_choice(self, name: str) -> None:
        """Load what was picked from a file, with everything else as it was typed."""
        await self.open(replace(self.target, target=name) if self.target else Target(name))

    async def run(self, seed: int | None = None, plan: Plan = FORWARD) -> None:
        """One pass, or what else the plan says, after the running one where there is one."""
        if seed is not None:
            self._seed = seed
        if not self.engine.alive:
            self.view.tell("the engine is not running; ctrl+k starts it again")
        elif not self.ready:
            self.view.tell("there is no model yet")
        elif self.running:
            self._next = plan
        elif self.guessing:
            self.view.tell("a sample input is being looked for")
        elif self.opened is not None and self.opened.form:
            self.view.ask_input(self.opened)
        elif self._would_materialize():
            self.view.ask_to_materialize(self._lazy, plan)
        else:
            await self._run(plan)

    @property
    def _lazy(self) -> int:
        return self.model.info.lazy if self.model.info is not None else 0

    def _would_materialize(self) -> bool:
        allowed = self.materialize or (self.target is not None and self.target.materialize)
        return bool(self._lazy) and not allowed

    async def _run(self, plan: Plan) -> None:
        self.running, self._next, self.stale = True, None, False
        self._again = plan if plan.batches == 1 else FORWARD
        self._passes += 1
        self.started = time.monotonic()
        self.view.pass_started()
        fresh = self.live and self.fresh
        seed, self._seed = self._seed, None
        if fresh and seed is None and self.model.summary is not None:
            seed = self.model.summary.seed + 1
        request = plan.request(self.model.generation, seed, fresh)
        if self.materialize:
            request = replace(request, materialize=True)
        reply = await self.engine.ask(request)
        if isinstance(reply, Failed) and self.engine.alive:
            self.live = False
            self.stop_running()
            self.view.problem(reply.problem, opening=False)

    @property
    def guessing(self) -> bool:
        """Whether the engine tries inputs."""
        return self.opened is not None and self.opened.guessing

    async def cancel(self) -> None:
        """Stop the running pass or the looking for an input, and live mode with it."""
        self.live, self._next = False, None
        number = self._passes
        self.view.later(CANCEL_PATIENCE, lambda: self._still_running(number))
        await self.engine.ask(Cancel())

    def _still_running(self, number: int) -> None:
        if (self.running or self.guessing) and self._passes == number:
            self.view.spawn(self._say_stuck())

    async def _say_stuck(self) -> None:
        """A pass that does not stop at its next module has none: say where it is instead."""
        left = await self.engine.look()
        inside = f" in {'.'.join(left.place.path) or '(root)'}" if left.place is not None else ""
        at = f" at {os.path.basename(left.where)}" if left.where else ""
        self.view.tell(f"the engine does not answer{inside}{at}; ctrl+k kills it")

    async def observe(self, paths: tuple[Path, ...], subtree: bool, on: bool) -> None:
        reply = await self.engine.ask(Observe(self.model.generation, paths, subtree, on))
        if isinstance(reply, Failed):
            self.view.tell(reply.problem.what)

    async def set_input(self, specs: tuple[str, ...], seed: int | None = None) -> None:
        """Use these specifications from now on, and run."""
        if seed is not None:
            self._seed = seed
        self._run_when_opened = True
        reply = await self.engine.ask(SetInput(self.model.generation, specs))
        if isinstance(reply, Failed):
            self._run_when_opened = False
            self.view.problem(reply.problem, opening=False)
        elif self.target is not None:
            self.target = replace(self.target, inputs=specs)

    def toggle_live(self) -> None:
        """Run again and again from now on, or no longer."""
        self.live = not self.live
        if self.live and not self.running:
            self.view.spawn(self.run(plan=self._again))

    def forget_model(self) -> None:
        """Nothing is open."""
        self.model = Model()
        self.opened = None
        self._again = FORWARD
        self.ready = self.live = self.stale = False
        self.stop_running()
        self.view.model_changed()

    def stop_running(self) -> None:
        """The pass is over, whatever became of it."""
        if self.running:
            self.running, self._next = False, None
            self.view.pass_ended()

    def hear(self, event: AnyEvent) -> None:
        """Take in one event. Those of a model that is gone are dropped."""
        if isinstance(event, Opened):
            self._opened(event)
        elif isinstance(event, Stage):
            self.view.stage(event.text)
        elif isinstance(event, Note):
            self.view.write_log(event.level, event.text)
        elif isinstance(event, _OF_A_MODEL) and self._is_of(event.generation):
            self._hear_of_model(event)

    def _is_of(self, generation: int) -> bool:
        return self.model.info is not None and generation == self.model.generation

    def _hear_of_model(self, event: ModuleRows | HookMarks | Progress | CallRows | PassEnded | Changes) -> None:
        if isinstance(event, Progress):
            self.view.progressed(event)
        elif isinstance(event, CallRows):
            self._calls(event)
        elif isinstance(event, PassEnded):
            self._pass_ended(event)
        elif isinstance(event, HookMarks):
            self.model.marks = event
            self.view.marks_changed()
        elif isinstance(event, Changes):
            self._changed(event)
        else:
            self._rows(event)

    def _opened(self, event: Opened) -> None:
        self.opened = event
        if event.generation == self.model.generation and self.ready:
            self.model.info = event.info  # the same model, with another input
            if self._run_when_opened:
                self.view.spawn(self.run())
            else:
                self.view.spawn(self._start())
        else:
            self.model = Model(event.info, event.generation)
            for note in event.info.notes:
                self.view.write_log("info", note)
            self._trace = 0
            self.materialize = False
            self.ready = self.stale = self._begun = False
        self._run_when_opened = False
        self.view.model_changed()

    def _rows(self, event: ModuleRows) -> None:
        known = len(self.model.rows)
        self.model.add_rows([row for row in event.rows if row.index >= known])
        self.view.rows_added()
        if self.model.complete and not self.ready:
            self.ready = True
            self.view.spawn(self._begin(self.view.model_complete()))

    async def _begin(self, off: tuple[Path, ...]) -> None:
        """A model is there: put its hooks as they were left, then ask for the input or run."""
        if off:
            await self.observe(off, subtree=False, on=False)
        await self._start()

    async def _start(self) -> None:
        """Ask for the input or run, once, when it is known which of the two."""
        opened = self.opened
        if opened is None or opened.guessing or self._begun or (self.target is not None and not self.target.run):
            return
        self._begun = True
        if self._would_materialize():
            self.view.tell("lazy modules: r runs a pass, which gives them their shapes")
        elif opened.form:
            self.view.ask_input(opened)
        elif opened.info.input:
            await self.run(plan=Plan.of(self.target) if self.target is not None else FORWARD)

    def _changed(self, event: Changes) -> None:
        """Told unasked as well as in reply: the second of the two says nothing new."""
        if event == self.model.changes:
            return
        self.model.changes = event
        self._follow_change()
        self.view.changes_changed()

    def _follow_change(self) -> None:
        """What a change does is seen in a pass: at once where that is quick, else when the person wants it."""
        summary = self.model.summary
        if not self.ready or (summary is None and not self.running):
            return
        quick = summary is not None and not summary.cancelled and summary.ms < QUICK
        self.stale = not (self.live or quick)
        if not self.stale:
            self.view.spawn(self.run(plan=self._again))

    def _calls(self, event: CallRows) -> None:
        self._trace_of(event.number)
        self.model.add_calls(event.rows)

    def _trace_of(self, number: int) -> None:
        """The trace is that of pass `number` from now on. A pass in which no call was seen has an empty one."""
        if number != self._trace:
            self._trace = number
            self.model.start_trace()

    def _pass_ended(self, event: PassEnded) -> None:
        self._trace_of(event.summary.number)
        self.model.summary = event.summary
        following = self._next
        self.running, self._next = False, None
        self.view.pass_ended()
        problem = event.summary.problem
        if problem is not None:
            self.live = False
            self.view.problem(problem, opening=False)
        elif following is not None:
            self.view.spawn(self.run(plan=following))
        elif self.live:
            wait = max(self.started + LIVE_INTERVAL - time.monotonic(), 0.0)
            self.view.later(wait, self._live_again)

    def _live_again(self) -> None:
        if self.live and not self.running:
            self.view.spawn(self.run(plan=self._again))
