"""Loads a target, and takes it from the first row of its module list to its first pass."""

from __future__ import annotations

from dataclasses import dataclass, field

from msgspec.structs import replace

from ...client.engine_client import EngineClient
from ...client.model import Model
from ...client.pass_plan import Plan
from ...records import Choices, Failed, ModuleRows, Open, Opened, Path, Target
from ..keys import key_of
from .bookmarks import Bookmarks
from .host import Host
from .last_hooks import LastHooks
from .observing import Observing
from .passes import Passes
from .presenter import Presenter
from .questions import Questions
from .state import AppState
from .watching import Watching


@dataclass(eq=False)
class Opening:
    """One model after the other, in the order in which the engine tells of them."""

    engine: EngineClient
    state: AppState
    passes: Passes
    observing: Observing
    bookmarks: Bookmarks
    last_hooks: LastHooks
    watching: Watching
    presenter: Presenter
    questions: Questions
    host: Host
    loading: bool = field(default=True, init=False)  # what the engine says of that may come after it has failed
    _begun: bool = field(default=False, init=False)  # the first pass of this model was started, or its input asked for

    def start(self, target: Target) -> None:
        """Load this target for the person, in place of what is open."""
        self.bookmarks.keep()
        self.bookmarks.turn_to(target)
        self.state.seed = target.seed
        self.presenter.stage(f"loading {target.target} …")
        self.host.spawn(self.open(target))

    async def open(self, target: Target) -> None:
        """Ask the engine for a target in place of what is open."""
        self.state.target = target
        self.watching.begin(target)
        self.forget()
        self.presenter.wait()
        reply = await self.engine.ask(Open(replace(target, readonly=self.state.readonly)))
        if isinstance(reply, Choices):
            self.presenter.end_wait()
            self.questions.choose(reply, self._open_choice, self._stay_empty)
        elif isinstance(reply, Failed) and self.engine.alive:
            self.loading = False
            self.presenter.show_failure(reply.problem, opening=True)

    def _open_choice(self, name: str) -> None:
        """Load what was picked from a file, with everything else as it was typed."""
        target = self.state.target
        self.host.spawn(self.open(replace(target, target=name) if target else Target(name)))

    def _stay_empty(self) -> None:
        self.presenter.stage(f"no model is open; {key_of('open')} opens one")

    def forget(self) -> None:
        """Nothing is open."""
        self.loading = True
        self.state.model = Model()
        self.state.opened = None
        self.state.ready = False
        self.passes.forget()
        self.presenter.show_model()

    def take(self, event: Opened) -> None:
        """Another model is there, or the same one with another input."""
        state = self.state
        state.opened = event
        if event.generation == state.generation and state.ready:
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
        state = self.state
        state.model = Model(event.info, event.generation)
        for note in event.info.notes:
            self.presenter.log("info", note)
        state.materialize = state.ready = state.stale = self._begun = False

    def take_rows(self, event: ModuleRows) -> None:
        """A chunk of the module list; with the last one the model is complete."""
        state = self.state
        known = len(state.model.rows)
        state.model.add_rows([row for row in event.rows if row.index >= known])
        self.presenter.show_rows()
        if state.model.complete and not state.ready:
            state.ready = True
            state.exit_code = 0
            self.host.spawn(self._put_back(self.bookmarks.restore()))

    async def _put_back(self, off: tuple[Path, ...]) -> None:
        """Turn the hooks off that the person had turned off, then begin."""
        if off:
            await self.observing.turn(off, subtree=False, on=False)
        await self.last_hooks.meet()
        await self._begin()

    async def _begin(self) -> None:
        """Ask for the input or run, once, when it is known which of the two."""
        state, opened = self.state, self.state.opened
        if opened is None or opened.guessing or self._begun or (state.target is not None and not state.target.run):
            return
        self._begun = True
        if state.would_materialize:
            self.host.tell(f"lazy modules: {key_of('run')} runs a pass, which gives them their shapes")
        elif opened.form:
            self.passes.ask_input()
        elif opened.info.input:
            await self.passes.run(plan=Plan.of(state.target) if state.target is not None else state.first_plan)
