"""Loads a target, and takes it from the first row of its module list to its first pass."""

from __future__ import annotations

import time
from dataclasses import dataclass, field

from msgspec.structs import replace

from ...app_keys import app_keys
from ...client.engine_client import EngineClient
from ...client.model import Model
from ...client.pass_plan import Plan
from ...records import Choices, Failed, GetParameters, ModelInfo, ModuleRows, Open, Opened, Path, Target
from ..keys import key_of
from ..saved_state import ViewState
from .actions.stopping import Stopping
from .bookmarks import Bookmarks
from .host import Host
from .last_hooks import LastHooks
from .observing import Observing
from .passes import Passes
from .presenter import Presenter
from .questions import Questions
from .state import AppState
from .watching import Watching

_BETWEEN_ROWS = 0.1
"""Seconds between two looks at a module list that is on its way: each draws the tree, and keys wait meanwhile."""


@dataclass(frozen=True)
class _Shown:
    """A complete model, and how the person had it before them."""

    model: Model
    opened: Opened | None
    target: Target | None
    seed: int
    ran: bool  # a pass was on its way
    place: ViewState


@dataclass(eq=False)
class Opening:
    """One model after the other, in the order in which the engine tells of them."""

    engine: EngineClient
    state: AppState
    passes: Passes
    observing: Observing
    bookmarks: Bookmarks
    last_hooks: LastHooks
    stopping: Stopping
    watching: Watching
    presenter: Presenter
    questions: Questions
    host: Host
    loading: bool = field(default=False, init=False)  # what the engine says of that may come before it, and after
    _begun: bool = field(default=False, init=False)  # the first pass of this model was started, or its input asked for
    _next_rows: float = field(default=0.0, init=False)  # when rows that came may be shown
    _before: _Shown | None = field(default=None, init=False)  # what the target that is loaded takes the place of

    def start(self, target: Target) -> None:
        """Load this target for the person, in place of what is open."""
        self.bookmarks.keep()
        self.bookmarks.turn_to(target)
        self._before = self._see()
        self.state.seed = target.seed
        self.presenter.stage(f"loading {target.target} …")
        self.host.spawn(self._open(target))

    async def open(self, target: Target) -> None:
        """Ask an engine that has nothing open for a target."""
        self._before = None
        await self._open(target)

    async def _open(self, target: Target) -> None:
        self.state.target = target
        self.watching.begin(target)
        self.forget()
        self.presenter.wait()
        reply = await self.engine.ask(Open(replace(target, readonly=self.state.readonly), app_keys()))
        if isinstance(reply, Failed):
            self._await_no_more()
        if isinstance(reply, Choices):
            self.presenter.end_wait()
            self.questions.choose(reply, self._open_choice, self._stay)
        elif isinstance(reply, Failed) and self.engine.alive:
            self.loading = False
            back = await self._bring_back()
            self.presenter.show_failure(reply.problem, opening=not back)
            if back:
                self.host.tell(f"{reply.problem.what}; what was open still is", in_log=True)

    def _see(self) -> _Shown | None:
        state = self.state
        if not state.ready:
            return None
        place = self.bookmarks.workbench.view_state()
        return _Shown(state.model, state.opened, state.target, state.seed, state.running, place)

    async def _bring_back(self) -> bool:
        """Show what was open before, where the engine still has it: it lets go of that once the next one is there."""
        before, self._before = self._before, None
        if before is None or isinstance(await self.engine.ask(GetParameters(before.model.generation, ())), Failed):
            return False
        state = self.state
        state.model, state.opened, state.target, state.seed = before.model, before.opened, before.target, before.seed
        state.ready = True
        self.watching.go_back()
        self.presenter.show_model()
        self.presenter.end_pass()
        self.bookmarks.workbench.restore(before.place)
        if before.ran:
            self.host.spawn(self.passes.run())
        return True

    def _open_choice(self, name: str) -> None:
        """Load what was picked from a file, with everything else as it was typed."""
        target = self.state.target
        self.host.spawn(self._open(replace(target, target=name) if target else Target(name)))

    def _stay(self) -> None:
        self.host.spawn(self._stay_as_before())

    async def _stay_as_before(self) -> None:
        self.loading = False
        if not await self._bring_back():
            self._await_no_more()
            self.presenter.stage(f"no model is open; {key_of('open')} opens one")

    def _await_no_more(self) -> None:
        """No rows of this model will come."""
        self.state.model.awaited = False
        self.presenter.show_step()

    def forget(self) -> None:
        """Nothing is open."""
        self.loading = True
        self.state.model = Model(awaited=True)
        self.state.opened = None
        self.state.ready = False
        self.passes.forget()
        self.presenter.show_model()

    def take(self, event: Opened) -> None:
        """Another model is there, or the same one with another input."""
        state = self.state
        state.opened = event
        if event.generation == state.generation and state.ready:
            self._log_notes(event.info, state.model.info)
            state.model.info = event.info
            self.host.spawn(self.passes.run() if self.passes.awaits_input else self._begin())
        else:
            self._take_model(event)
        if event.guessing:
            self.presenter.wait("finding an input")
        else:
            self.presenter.end_wait()
        self.passes.awaits_input = False
        self.presenter.show_model()

    def _take_model(self, event: Opened) -> None:
        state, self._before = self.state, None
        self.bookmarks.hold_over_step()
        self.stopping.let_go()
        self._log_notes(event.info, state.model.info if state.expects_held else None)
        state.model = Model(event.info, event.generation, awaited=True)
        state.materialize = state.ready = state.stale = self._begun = False

    def _log_notes(self, info: ModelInfo, before: ModelInfo | None = None) -> None:
        said = before.notes if before is not None else ()
        for note in info.notes:
            if note not in said:
                self.presenter.log("info", note)

    def take_rows(self, event: ModuleRows) -> None:
        """A chunk of the module list; with the last one the model is complete."""
        state = self.state
        known = len(state.model.rows)
        state.model.add_rows([row for row in event.rows if row.index >= known])
        now = time.monotonic()
        if state.model.complete or not known or now > self._next_rows:
            self._next_rows = now + _BETWEEN_ROWS
            self.presenter.show_rows()
        if state.model.complete and not state.ready:
            state.ready = True
            state.exit_code = 0
            self.host.spawn(self._put_back(self.bookmarks.restore()))

    async def _put_back(self, off: tuple[Path, ...]) -> None:
        """Turn the hooks off that the person had turned off, then begin."""
        if off:
            await self.observing.turn(off, subtree=False, on=False)
        await self.stopping.put_back(self.bookmarks.stops)
        await self.last_hooks.meet()
        await self._begin()

    async def _begin(self) -> None:
        """Ask for the input or run, once, when it is known which of the two."""
        state, opened = self.state, self.state.opened
        if opened is None or opened.guessing or self._begun or (state.target is not None and not state.target.run):
            return
        self._begun = True
        if opened.stack.frames:
            self.presenter.show_stack(opened.stack)
            self.bookmarks.workbench.stack.frames.focus()
            if opened.paused is not None:
                self.stopping.hold(opened.paused)
            self.host.take_terminal()
        elif state.would_materialize:
            self.host.tell(f"lazy modules: {key_of('run')} runs a pass, which gives them their shapes")
        elif opened.form:
            self.passes.ask_input()
        elif opened.info.input:
            await self.passes.run(plan=Plan.of(state.target) if state.target is not None else state.first_plan)
