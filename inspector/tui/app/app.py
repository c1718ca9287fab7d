"""The app: what it knows and what it does when the engine speaks. What its keys do is in `actions` and
`hook_actions`."""

from __future__ import annotations

import gc
import time
from collections.abc import Callable, Coroutine, Sequence
from typing import Any, ClassVar

import msgspec
from textual import on
from textual.binding import BindingType
from textual.command import Provider
from textual.filter import LineFilter
from textual.screen import Screen
from textual.timer import Timer

from ...client.engine_client import EngineClient
from ...records import Calls, Choices, Opened, Path, Problem, Progress, Target
from ...text import visible
from ..driver import HarmlessLines, crash_console
from ..keys import bindings
from ..messages import EngineGone, EngineOutput, EngineSaid
from ..options import AppOptions
from ..panels.line_panel import DetailPanel
from ..panels.log import LogPanel
from ..saved_state import SavedState, ViewState
from .controller import Flow
from .hook_actions import HookActions
from .pass_actions import PassActions
from .workbench import Workbench

_HARMLESS = HarmlessLines()
FAULTS_TOLD = 2
"""Hooks that failed, of which each is told in a notification."""


def _commands() -> type[Provider]:
    from .palette import InspectorCommands

    return InspectorCommands


class InspectorApp(HookActions, PassActions, inherit_bindings=False):
    """One model under inspection.

    Args:
        options: What it was started with.
        memory: Where state is kept between sessions.
        driver: How to talk to the terminal; Textual's choice unless given.
    """

    CSS_PATH = "inspector.tcss"
    TITLE = "inspector"
    BINDINGS: ClassVar[list[BindingType]] = [*bindings("app")]
    COMMANDS: ClassVar[set[type[Provider] | Callable[[], type[Provider]]]] = {_commands}
    ENABLE_COMMAND_PALETTE = True

    def __init__(self, options: AppOptions, saved_state: SavedState | None = None, driver: Any = None) -> None:
        super().__init__(driver_class=driver)
        self.options = options
        self.saved_state = saved_state or SavedState()
        self.error_console = crash_console()
        self.workbench = Workbench(self.ask, options.ascii)
        if options.target is not None:
            self.stage(f"loading {options.target.get('target', '')} …")
        self.kept: ViewState | None = None  # to go back to after the engine was started again
        self.seed = 0
        self.exit_messages: list[str] = []  # for the terminal, when the app has left it
        self.failure = 0  # the exit code that what happened last asks for
        self._first = True  # nothing was opened yet: what is wrong with it is said on the terminal
        self._last_problem: Problem | None = None
        self._clock: Timer | None = None
        self._last_faults: tuple[Problem, ...] = ()

    def use_engine(self, engine: EngineClient) -> None:
        """The engine to talk to. Call before the app runs."""
        self.flow = Flow(engine, self)

    def get_default_screen(self) -> Screen[None]:
        return self.workbench

    def get_line_filters(self) -> Sequence[LineFilter]:
        return [*super().get_line_filters(), _HARMLESS]

    def on_mount(self) -> None:
        if self.options.theme:
            self._set_theme(self.options.theme)
        self._clock = self.set_interval(0.1, self._tick, pause=True)
        self.call_after_refresh(self._begin)

    def _set_theme(self, name: str) -> None:
        if name in self.available_themes:
            self.theme = name
        else:
            self.tell(f"there is no theme {name}; there are {', '.join(sorted(self.available_themes))}")

    async def _begin(self) -> None:
        """The first frame is on the screen; now for the engine."""
        gc.collect()
        gc.freeze()  # a full collection over everything imported would stall keys for a frame or two
        await self.flow.engine.connect()
        if self.options.target is not None:
            self.open_target(msgspec.convert(dict(self.options.target), Target))
        elif self.options.engine_fd is None:
            self.stage("no model is open")
            self.action_open()

    def open_target(self, target: Target) -> None:
        if self.flow.ready:
            self.keep_state()
        self.kept_off = False
        self.kept = None
        self.seed = target.seed
        self.stage(f"loading {target.target} …")
        self.run_worker(self.flow.open(target), name="open")

    def leave_app(self) -> None:
        self.exit(return_code=self.failure)

    def exit(self, result: None = None, return_code: int = 0, message: Any = None) -> None:
        """Leave, and keep where the person was."""
        self.keep_state()
        super().exit(result, return_code, message)

    def keep_state(self) -> None:
        target = self.flow.target
        if target is not None and self.flow.ready and not self.kept_off:
            self.saved_state.keep(target, self.where())

    def where(self) -> ViewState:
        target = self.flow.target
        if target is not None and not target.observe:  # that hooks are off is not the person's doing
            return self.workbench.state(off=self.saved_state.recall(target).off)
        return self.workbench.state()

    @on(EngineSaid)
    def _heard(self, message: EngineSaid) -> None:
        if isinstance(message.event, Calls):
            self.workbench.detail.offer(message.event)
        else:
            self.flow.hear(message.event)

    @on(EngineOutput)
    def _printed(self, message: EngineOutput) -> None:
        self.log_panel.write(message.stream, message.text)

    @on(EngineGone)
    def _gone(self, message: EngineGone) -> None:
        self.flow.live = False
        self.flow.stop_running()
        if not self.flow.ready:
            self.stage(message.problem.what)
        self.failure = 1
        self.workbench.title_bar.alarm = "the engine is gone, ^k starts it again"
        if message.problem != self._last_problem:  # a pass that died was told of already
            self._show_problem(message.problem)
        hint = f"; {message.problem.hint}" if message.problem.hint else ""
        self.tell(f"{message.problem.what}{hint}")

    @on(DetailPanel.Again)
    def _ask_again(self) -> None:
        self.workbench.detail.refill()

    def spawn(self, work: Coroutine[Any, Any, None]) -> object:
        return self.run_worker(work)

    def later(self, seconds: float, call: Callable[[], object]) -> object:
        return self.set_timer(seconds, call)

    def stage(self, text: str) -> None:
        self.workbench.title_bar.stage = text

    def model_changed(self) -> None:
        self._last_problem, self._last_faults = None, ()
        self.workbench.title_bar.alarm = ""
        self.workbench.show_model(self.flow.model)
        self._show_changes()

    def rows_added(self) -> None:
        self.workbench.module_tree.refresh_rows()

    def model_complete(self) -> tuple[Path, ...]:
        target = self.flow.target
        state = self.kept
        if state is None and target is not None:
            state = self.saved_state.recall(target)
            self.saved_state.add_recent(target)
        for note in self.saved_state.take_notes():
            self.log_panel.write("engine", note + "\n")
        self.failure = 0
        if state is not None:
            self.workbench.restore(state)
        if state in (None, ViewState()) and not self.flow.model.callable:
            self.workbench.show_panel_called("Parameters")  # there is no source, and nothing runs
        if self._first and self.options.select:
            self._select_dotted(self.options.select)
        self._first = False
        if state is None or (target is not None and not target.observe and self.kept is None):
            return ()
        self.kept = None
        return tuple(path for path in state.off if self.flow.model.index_of(path) is not None)

    def _select_dotted(self, dotted: str) -> None:
        found = next((path for path in self.flow.model.paths if ".".join(path) == dotted), None)
        if found is None:
            self.tell(f"there is no module {dotted}")
        else:
            self.workbench.select_path(found)

    def marks_changed(self) -> None:
        self.workbench.module_tree.refresh_rows()
        self.workbench.detail.refill()

    def changes_changed(self) -> None:
        self._show_changes()
        self.workbench.detail.refill()
        self.hooks_changed()

    def _show_changes(self) -> None:
        title = self.workbench.title_bar
        title.changes, title.stale = self.flow.model.changes, self.flow.stale

    def pass_started(self) -> None:
        title = self.workbench.title_bar
        title.progress, title.elapsed, title.running, title.live = None, 0.0, True, self.flow.live
        title.stale = self.flow.stale
        if self._clock is not None:
            self._clock.resume()

    def progressed(self, progress: Progress) -> None:
        self.workbench.title_bar.progress = progress

    def pass_ended(self) -> None:
        if self._clock is not None:
            self._clock.pause()
        title = self.workbench.title_bar
        title.running, title.live = False, self.flow.live
        title.stale = self.flow.stale
        title.summary = summary = self.flow.model.summary
        self.workbench.module_tree.refresh_rows()
        self.workbench.detail.pass_ended()
        self.hooks_changed()
        if summary is not None and summary.problem is None:
            self.seed = summary.seed
            self.failure = 1 if summary.faults else 0
            self._last_problem = None
        if summary is not None:
            self._show_faults(summary.faults)

    def _show_faults(self, faults: tuple[Problem, ...]) -> None:
        """Write down which hooks failed and were passed over, once while they stay the same."""
        if faults == self._last_faults:
            return
        self._last_faults = faults
        for fault in faults:
            self.log_panel.show_problem(fault)
        for fault in faults[:FAULTS_TOLD]:
            self.tell(f"{fault.what}; the pass went on without it")
        if len(faults) > FAULTS_TOLD:
            self.tell(f"{len(faults) - FAULTS_TOLD} more hooks failed: see the Log panel")

    def _tick(self) -> None:
        title = self.workbench.title_bar
        title.elapsed = time.monotonic() - self.flow.started
        title.live = self.flow.live

    def choose(self, choices: Choices) -> None:
        from ..screens.picker import Picker

        def picked(name: str | None) -> None:
            if name is not None:
                self.run_worker(self.flow.open_choice(name), name="open")
            else:
                self.stage("no model is open; o opens one")

        self.push_screen(Picker(choices.title, choices.items), picked)

    def ask_input(self, opened: Opened) -> None:
        from ..screens.form import InputForm

        def answered(specs: tuple[str, ...] | None) -> None:
            if specs is not None:
                self.run_worker(self.flow.set_input(specs))

        self.push_screen(InputForm(opened.form, opened.problem), answered)

    def write_log(self, level: str, text: str) -> None:
        self.log_panel.write("warning" if level == "warning" else "engine", text + "\n")

    def tell(self, text: str) -> None:
        self.notify(visible(text), timeout=4, markup=False)

    def problem(self, problem: Problem, opening: bool) -> None:
        """Show what was wrong. A target that was mistyped is said on the terminal, where it can be typed again."""
        self.failure = problem.exit_code
        if opening and self._first and problem.exit_code == 2:
            from ...report.problem import render_problem

            self.exit_messages.append(render_problem(problem))
            self.leave_app()
            return
        if opening:
            self.stage(f"{problem.what} (o opens another, ctrl+k tries again)")
        self._show_problem(problem)

    @property
    def log_panel(self) -> LogPanel:
        return next(panel for panel in self.workbench.detail.panels if isinstance(panel, LogPanel))

    def _show_problem(self, problem: Problem) -> None:
        """Go to the place and show the traceback; where it is the same as before, the person stays where they are."""
        self.log_panel.show_problem(problem)
        if problem == self._last_problem:
            return
        self._last_problem = problem
        if problem.path is not None:
            self.workbench.select_path(problem.path)
        number = self.workbench.detail.number_of(LogPanel.TITLE)
        if number is not None:
            self.workbench.detail.show_panel(number)
            self.call_after_refresh(self.log_panel.view.follow_end)
