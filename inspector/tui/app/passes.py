"""Asks for passes, one at a time, and takes in what they give."""

from __future__ import annotations

import os
import time

from msgspec.structs import replace

from ...client.call_table import CallTable
from ...client.engine_client import EngineClient
from ...client.model import Model
from ...client.pass_plan import FORWARD, Plan
from ...records import CallRows, Cancel, Failed, GetStack, PassEnded, Problem, SetInput, ShowStep, Stack
from ...turns import give_way
from ..keys import key_of, say_key
from .host import Host
from .live import Live
from .presenter import Presenter
from .questions import Questions
from .state import AppState

CANCEL_PATIENCE = 2.0
LONG_PASS = 20_000
"""Calls from which on it is noticed how long their tree takes to be made: that is begun before it is asked for."""
_MOMENT = 0.004  # seconds of that at a time, between keys
_PIECE = 500  # calls, after which it is looked at the clock


class Passes:
    """What is asked for while a pass runs follows it. Everything goes by the order of the engine's events; replies are
    only waited for where they may be a failure."""

    def __init__(
        self, engine: EngineClient, state: AppState, presenter: Presenter, questions: Questions, host: Host
    ) -> None:
        self._engine = engine
        self._state = state
        self._presenter = presenter
        self._questions = questions
        self._host = host
        self.live = Live(state, host, self._repeat)
        self.awaits_input = False  # another input was asked for, and is on its way
        self._seed: int | None = None  # for the next pass; None keeps the engine's
        self._budget: float | None = None  # that was asked for in the app; None keeps the engine's
        self._next: Plan | None = None  # another pass was asked for while one was running
        self._again = FORWARD  # what live mode and changes repeat: the last pass that was asked for, but no batches
        self._step: int | None = None  # that was asked for, and whose calls are on their way
        self._count = 0  # of those started, to tell a late timer which one it was set for

    async def run(self, seed: int | None = None, plan: Plan = FORWARD) -> None:
        """One pass, or what else the plan says, after the running one where there is one."""
        state = self._state
        if seed is not None:
            self._seed = seed
        if not self._engine.alive:
            self._host.tell(f"the engine is not running; {say_key('restart')} starts it again")
        elif state.why_no_pass:
            self._host.tell(state.why_no_pass)
        elif state.running:
            self._next = plan
        elif state.guessing:
            self._host.tell(f"no pass yet: what is waited for stands above; {say_key('interrupt')} stops that")
        elif state.opened is not None and state.opened.form:
            self.ask_input()
        elif state.would_materialize:
            self._questions.ask_to_materialize(state.lazy, lambda: self._materialize(plan))
        else:
            await self._start(plan)

    async def _start(self, plan: Plan) -> None:
        state = self._state
        self._next = self._step = None
        self._again = plan if plan.batches == 1 else FORWARD
        self._count += 1
        state.running, state.stale = True, False
        self._presenter.start_pass(plan)
        seed, fresh = self.live.draw(self._seed)
        self._seed, budget = None, self._budget
        request = replace(plan.request(state.generation, seed, fresh), budget=budget, materialize=state.materialize)
        reply = await self._engine.ask(request)
        if isinstance(reply, Failed) and self._engine.alive:
            state.live = False
            self.stop()
            self._presenter.show_failure(reply.problem)

    def _materialize(self, plan: Plan) -> None:
        self._state.materialize = True
        self._host.spawn(self.run(plan=plan))

    @property
    def budget(self) -> float:
        """What the next pass is held to."""
        target, summary = self._state.target, self._state.model.summary
        used = summary.budget if summary is not None else target.budget if target is not None else 0.0
        return used if self._budget is None else self._budget

    async def keep_to(self, budget: float) -> None:
        """Hold passes to this budget from now on, and run the last one again."""
        self._budget = budget
        if self._state.target is not None:
            self._state.target = replace(self._state.target, budget=budget)
        await self.run(plan=self._again)

    def _repeat(self) -> None:
        self._host.spawn(self.run(plan=self._again))

    def ask_input(self) -> None:
        """Let the person type the sample input that the model needs."""
        if self._state.opened is not None:
            self._questions.ask_input(self._state.opened, lambda specs: self._host.spawn(self.set_input(specs)))

    async def set_input(self, specs: tuple[str, ...], seed: int | None = None) -> None:
        """Use these specifications from now on, and run."""
        state = self._state
        if seed is not None:
            self._seed = seed
        self.awaits_input = True
        reply = await self._engine.ask(SetInput(state.generation, specs))
        if isinstance(reply, Failed):
            self.awaits_input = False
            self._presenter.show_failure(reply.problem)
        elif state.target is not None:
            state.target = replace(state.target, inputs=specs)

    async def cancel(self) -> None:
        """Stop the running pass or the looking for an input, and live mode with it."""
        self._state.live, self._next = False, None
        number = self._count
        self._host.later(CANCEL_PATIENCE, lambda: self._check_stopped(number))
        await self._engine.ask(Cancel())

    async def stop_meanwhile(self) -> None:
        """Stop the pass that fetches values, which nobody looks at as a pass, or the writing of a file."""
        await self._engine.ask(Cancel())

    def _check_stopped(self, number: int) -> None:
        if (self._state.running or self._state.guessing) and self._count == number:
            self._host.spawn(self._say_stuck())

    async def _say_stuck(self) -> None:
        """A pass that does not stop at its next module has none: say where it is instead."""
        left = await self._engine.look()
        inside = f" in {'.'.join(left.place.path) or '(root)'}" if left.place is not None else ""
        at = f" at {os.path.basename(left.where)}" if left.where else ""
        self._host.tell(f"the engine does not answer{inside}{at}; {say_key('restart')} kills it")

    def repeat_seed(self) -> None:
        """The first pass of the next model draws its input as the last one of this did."""
        if self._state.model.summary is not None:
            self._seed = self._state.model.summary.seed

    def forget(self) -> None:
        """The model is gone, and with it what was asked of it."""
        self._again, self._budget = FORWARD, None
        self._state.live = self._state.stale = False
        self.stop()

    def stop(self) -> None:
        """The pass is over, whatever became of it."""
        if self._state.running:
            self._state.running, self._next = False, None
            self._presenter.end_pass()

    def follow_change(self) -> None:
        """What a change does is seen in a pass: at once where that is quick, else when the person wants it."""
        state, summary = self._state, self._state.model.summary
        if not state.ready or (summary is None and not state.running):
            return
        quick = summary is not None and not summary.cancelled and summary.ms < state.quick
        state.stale = not (state.live or quick)
        if not state.stale:
            self._repeat()

    async def _show_raised(self, problem: Problem) -> None:
        """The frames of what the pass raised, as far as they are kept."""
        number = self._count
        reply = await self._engine.ask(GetStack(self._state.generation))
        raised = reply.raised if isinstance(reply, Stack) and reply.frames else None
        if isinstance(reply, Stack) and raised is not None and raised.what == problem.what and self._count == number:
            self._presenter.show_raised(reply)

    async def show_step(self, delta: int) -> None:
        """Look at the next or previous step of the last pass."""
        state, model = self._state, self._state.model
        first = model.summary.first_step if model.summary is not None else 0
        now = model.step if self._step is None else self._step
        step = min(max(now + delta, first), model.steps - 1)
        if model.steps == 1:
            self._host.tell(f"the last pass has one step: {key_of('batches')} runs several batches" + _or_tokens(state))
        elif step == now:
            self._host.tell(_explain_edge(step, first))
        elif not state.running:
            self._step = step
            reply = await self._engine.ask(ShowStep(state.generation, step))
            if isinstance(reply, Failed):
                self._step = None
                self._host.tell(reply.problem.what)

    def take_calls(self, event: CallRows) -> None:
        """A chunk of the trace of the running pass, or of another step of the last one."""
        model = self._state.model
        model.start_trace(event.number, event.step)
        model.add_calls(event.rows)
        if model.summary is not None and model.summary.number == event.number and len(model.calls) >= event.total:
            self._step = None if event.step == self._step else self._step
            self._presenter.show_step()
        if len(model.calls) >= max(event.total, LONG_PASS):
            model.orders_due = True
            self._host.spawn(self._prepare(model, model.calls), "calls", exclusive=True)

    async def _prepare(self, model: Model, calls: CallTable) -> None:
        """What orders of these calls wait for, as long as nobody has come for others."""
        while model.calls is calls and _prepare_for_a_moment(model):
            await give_way()
        if model.calls is calls:
            model.orders_due = False
            self._presenter.show_rows()

    def end(self, event: PassEnded) -> None:
        """The pass is over; what was asked for meanwhile follows when the model is as it was."""
        state, summary = self._state, event.summary
        if state.model.trace != summary.number:  # no call was seen
            state.model.start_trace(summary.number)
        state.model.summary = summary
        if not event.settled:
            self._presenter.show_result()
            return
        following, self._next = self._next, None
        state.running = False
        self._presenter.end_pass()
        if summary.problem is not None:
            state.live = False
            self._presenter.show_failure(summary.problem)
            self._host.spawn(self._show_raised(summary.problem))
        elif following is not None:
            self._host.spawn(self.run(plan=following))
        elif state.live:
            self.live.follow()
        elif not summary.cancelled:
            self._tell_of_stops()

    def _tell_of_stops(self) -> None:
        """Where somebody waits for a pass to stop, and none of the stops that are on was met."""
        rows = [row for row in self._state.stops if row.stop.enabled]
        if not rows or any(row.hits for row in rows):
            return
        from ..screens.stops.stop_list import name

        at, more = name(rows[0].stop), f" nor {len(rows) - 1} more" if len(rows) > 1 else ""
        self._host.tell(f"the pass did not meet the stop at {at}{more}; {key_of('stops')} lists all")


def _prepare_for_a_moment(model: Model) -> bool:
    """Whether there is more to do."""
    until = time.perf_counter() + _MOMENT
    while more := model.prepare(_PIECE):
        if time.perf_counter() > until:
            break
    return more


def _or_tokens(state: AppState) -> str:
    return " or tokens" if state.model.info is not None and state.model.info.generates else ""


def _explain_edge(step: int, first: int) -> str:
    """Why there is no step beyond this one."""
    if step and step == first:
        return f"step #{step} is the first of which calls were kept"
    return f"step #{step} is the {'last' if step else 'first'} one"
