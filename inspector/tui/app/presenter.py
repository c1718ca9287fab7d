"""Puts what is known on the main screen: title, tree, panels and log."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence

from textual.timer import Timer

from ...client.call_table import ODD
from ...client.model import Model
from ...client.notable_calls import pick_notable
from ...client.pass_plan import Plan
from ...records import CallLines, CallRow, Calls, PassSummary, Problem, Progress, Stack, Work
from ...report.footer import say_left_out
from ...report.hints import Hint, list_hints
from ..keys import key_of
from ..panels.log import LogPanel
from ..panels.source import SourcePanel
from .host import Host
from .state import AppState
from .workbench import Workbench

STOP = f"{key_of('interrupt')} stops"
"""The key for what can be stopped, and not only ended with the engine."""

MANY_CALLS = 50_000
"""Past it, what is wrong with the values is looked for on another thread: keys would wait."""

FAULTS_TOLD = 2
"""Hooks that failed, of which each is told in a notification."""


class Presenter:
    """Reads the state and writes the widgets; asks the engine nothing."""

    def __init__(self, workbench: Workbench, state: AppState, host: Host) -> None:
        self._workbench = workbench
        self._title = workbench.title_bar
        self._tree = workbench.module_tree
        self._panels = workbench.panels
        self.log_panel = workbench.panels.find(LogPanel)
        self._state = state
        self._host = host
        self._clock: Timer | None = None
        self._last_problem: Problem | None = None
        self._raised_by_pass = False  # the stack is of the last pass, and goes with the next
        self._said: set[Problem | str] = set()  # of the hooks in the last pass
        self._last_findings: list[Hint] = []

    def start_clock(self) -> None:
        """The app runs: from now on the title counts the seconds of a pass."""
        self._clock = self._host.every(0.1, self._tick)

    def _tick(self) -> None:
        self._title.elapsed = time.monotonic() - self._state.started
        self._title.live = self._state.live

    def stage(self, text: str) -> None:
        """What goes on while there is no model."""
        self._title.stage = text

    @property
    def waits(self) -> bool:
        """The title says what is waited for besides a pass."""
        return self._title.work is not None

    def wait(self, what: str = "", stop: str = STOP, since: float = 0.0) -> None:
        """Count the time of what is no pass, which began `since` seconds ago; `what` it is, where the stage does not
        say so."""
        self._title.work, self._title.stop = Work(what), stop
        self._start_clock(since)

    def show_work(self, work: Work) -> None:
        """How far it is. What was said before an end that is known already comes too late."""
        if self._title.work is not None or self._state.running:
            self._title.work = work

    def end_wait(self) -> None:
        self._title.work = None
        if self._clock is not None and not self._state.running:
            self._clock.pause()

    def _start_clock(self, since: float = 0.0) -> None:
        self._state.started, self._title.elapsed = time.monotonic() - since, since
        if self._clock is not None:
            self._clock.resume()

    def show_changed_files(self, words: str) -> None:
        """The model on the screen is not what its files say any more; "" where it is."""
        self._title.outdated = words

    def show_model(self) -> None:
        """Another model, none, or the same one with another input."""
        self._last_problem, self._said, self._last_findings = None, set(), []
        self._title.alarm = ""
        self._workbench.show_model(self._state.model)
        self._leave_frames()
        self._count_changes()

    def show_stack(self, stack: Stack) -> None:
        """Where the model was when something was raised, or stands still; an empty stack is one that is over."""
        self._raised_by_pass = False
        self._workbench.stack.show(stack)
        self._leave_frames()
        if stack.raised is not None:
            self.log_panel.show_problem(stack.raised)

    def show_raised(self, stack: Stack) -> None:
        """What the last pass raised went through these frames; the problem, which was told of, stays in sight."""
        self._raised_by_pass = True
        self._workbench.stack.show(stack, leads=False)

    def _leave_frames(self) -> None:
        """Source shows the module again where there is no stack any more."""
        if not self._workbench.stack.stack.frames:
            self._panels.find(SourcePanel).point_at_frame(None)

    def show_rows(self) -> None:
        self._tree.refresh_rows()
        self._workbench.follow_rows()

    def show_step(self) -> None:
        """The calls are those of another step."""
        self._tree.refresh_rows()
        self._panels.refill()

    def show_marks(self) -> None:
        self._tree.refresh_rows()
        self._panels.refill()

    def show_changes(self) -> None:
        self._count_changes()
        self._tree.refresh_rows()  # its title says that costs are old
        self._panels.refill()
        self._host.reload_layers()

    def _count_changes(self) -> None:
        self._title.changes, self._title.stale = self._state.model.changes, self._state.stale

    def show_live(self) -> None:
        self._title.live = self._state.live

    def start_pass(self, plan: Plan) -> None:
        """Count its time, and put what is said during it under a heading of its own."""
        if self._raised_by_pass:
            self.show_stack(Stack())
        last = self._state.model.summary
        self.log_panel.begin(plan.describe(last.number + 1 if last is not None else 1))
        title, state = self._title, self._state
        title.progress, title.work, title.running, title.live = None, None, True, state.live
        title.stale, title.stop = state.stale, STOP
        self._start_clock()

    def show_progress(self, progress: Progress) -> None:
        """What had to be done before the pass is done."""
        self._title.progress, self._title.work = progress, None

    def show_result(self) -> None:
        """The trace, the panels and the title are of the pass that ran, while its model is still put back."""
        self._show_pass()
        self._title.stop = ""

    def end_pass(self) -> None:
        """The pass is over, and the model as it was."""
        self.end_wait()
        self._title.running = False
        self._show_pass()

    def _show_pass(self) -> None:
        title, state = self._title, self._state
        title.live, title.stale = state.live, state.stale
        title.summary = summary = state.model.summary
        self._tree.refresh_rows()
        self._panels.end_pass()
        self._host.reload_layers()
        if summary is not None and summary.problem is None:
            state.seed, state.exit_code = summary.seed, 1 if summary.faults else 0
            self._last_problem = None
            if not summary.cancelled:
                self.log_panel.settle(summary.faults, f"over: pass {summary.number} went through")
        if summary is not None:
            self._say_of_hooks(summary)
        self._show_findings()

    def offer_calls(self, known: Calls | CallLines) -> None:
        """What is known already of the calls that a panel asked for, or of their lines."""
        self._panels.offer(known)

    def _say_of_hooks(self, summary: PassSummary) -> None:
        """Write down which hooks failed, never fired or changed nothing, and that statistics were left out, each once
        while it stays so."""
        idle = [f"{each.place} {each.sentence}" for each in summary.idle]
        idle += [say_left_out(summary.left_out)] if summary.left_out else []
        said, self._said = self._said, {*summary.faults, *idle}
        self._tell_faults([fault for fault in summary.faults if fault not in said])
        for words in idle:
            if words not in said:
                self.log("warning", words)

    def _tell_faults(self, faults: Sequence[Problem]) -> None:
        for fault in faults:
            self.log_panel.show_problem(fault)
        for fault in faults[:FAULTS_TOLD]:
            self._host.tell(f"{fault.what}; the pass went on without it", in_log=True)
        if len(faults) > FAULTS_TOLD:
            self._host.tell(f"{len(faults) - FAULTS_TOLD} more hooks failed: see the Log panel", in_log=True)

    def _show_findings(self) -> None:
        """Say what is wrong with the values; of very many calls, once that is found out."""
        model = self._state.model
        if len(model.calls) < MANY_CALLS:
            self._tell_findings(_find(model))
        else:
            self._host.spawn(self._find_meanwhile(model))

    async def _find_meanwhile(self, model: Model) -> None:
        calls = model.calls
        found = await asyncio.to_thread(_find, model)
        if model is self._state.model and calls is model.calls:
            self._tell_findings(found)

    def _tell_findings(self, found: list[Hint]) -> None:
        """Write them down, once while they stay the same; where it began is told as well."""
        if found == self._last_findings:
            return
        self._last_findings = found
        for hint in found:
            self.log("warning", hint.text)
        for hint in found:
            if hint.kind in ("first bad", "input"):
                self._host.tell(hint.text, in_log=True)

    def log(self, level: str, text: str) -> None:
        """A line of the engine or of ours for the Log panel."""
        self.log_panel.write("warning" if level == "warning" else "engine", text + "\n")

    def show_failure(self, problem: Problem, opening: bool = False) -> None:
        """Show what was wrong. A target that was mistyped is said on the terminal, where it can be typed again."""
        self._state.exit_code = problem.exit_code
        if opening and self._state.first and problem.exit_code == 2:
            from ...report.problem import render_problem

            self._state.exit_messages.append(render_problem(problem))
            self._host.leave(problem.exit_code)
            return
        if opening:
            self.end_wait()
            self.stage(problem.what)
            self._title.alarm = f"{key_of('open')} opens another, {key_of('restart')} tries again"
        self._show_problem(problem)

    def show_end(self, problem: Problem) -> None:
        """The engine is gone: say so, and how it is started again."""
        self.end_wait()
        if not self._state.ready:
            self.stage(problem.what)
        self._state.exit_code = 1
        self._title.alarm = f"the engine is gone, {key_of('restart')} starts it again"
        if problem != self._last_problem:  # a pass that died was told of already
            self._show_problem(problem)
        hint = f"; {problem.hint}" if problem.hint else ""
        self._host.tell(f"{problem.what}{hint}", in_log=True)

    def _show_problem(self, problem: Problem) -> None:
        """Go to the place and show the traceback; where it is the same as before, the person stays where they are."""
        self.log_panel.show_problem(problem)
        if problem == self._last_problem:
            return
        self._last_problem = problem
        if problem.path is not None:
            self._workbench.select_path(problem.path)
        self._panels.show(LogPanel)
        self._host.after_refresh(self.log_panel.go_to_problem)


def _find(model: Model) -> list[Hint]:
    if model.info is None:
        return []
    calls = model.calls
    odd = any(True for _ in calls.called(ODD))  # else no path is needed
    paths = list(model.rows.dotted()) if odd else []
    put_in = model.summary.put_in if model.summary is not None else ()
    told: list[CallRow] = []
    if odd:
        told = list(calls) if calls.has("weight_ratio") else pick_notable(calls)
    hints = list_hints(model.info, None, told, paths, put_in=put_in)
    return [hint for hint in hints if hint.kind != "note"]
