"""The conversation with the engine: what it says goes to whoever has that part of the conversation."""

from __future__ import annotations

from ...client.engine_client import EngineClient
from ...records import (
    AnyEvent,
    CallLines,
    CallRows,
    Calls,
    Changes,
    HookMarks,
    ModuleRows,
    Note,
    Opened,
    OwnFiles,
    PassEnded,
    Paused,
    Problem,
    Progress,
    Resumed,
    Stack,
    Stage,
    Stops,
    Work,
)
from .actions.stopping import Stopping
from .bookmarks import Bookmarks
from .host import Host
from .last_hooks import LastHooks
from .observing import Observing
from .opening import Opening
from .passes import Passes
from .presenter import Presenter
from .questions import Questions
from .state import AppState
from .watching import Watching

ModelEvent = ModuleRows | HookMarks | Progress | CallRows | PassEnded | Changes | Paused | Resumed | Stops


class Controller:
    """Holds the parts of the conversation together; draws nothing."""

    def __init__(
        self,
        engine: EngineClient,
        state: AppState,
        presenter: Presenter,
        questions: Questions,
        bookmarks: Bookmarks,
        last_hooks: LastHooks,
        stopping: Stopping,
        watching: Watching,
        host: Host,
    ) -> None:
        self._state = state
        self._watching = watching
        self._stopping = stopping
        self._presenter = presenter
        self.observing = Observing(engine, state, host)
        self.passes = Passes(engine, state, presenter, questions, host)
        self.opening = Opening(
            engine,
            state,
            self.passes,
            self.observing,
            bookmarks,
            last_hooks,
            stopping,
            watching,
            presenter,
            questions,
            host,
        )

    def hear(self, event: AnyEvent) -> None:
        """Take in one event. Those of a model that is gone are dropped."""
        if isinstance(event, Calls | CallLines):
            self._presenter.offer_calls(event)
        elif isinstance(event, Opened):
            self.opening.take(event)
        elif isinstance(event, Stage):
            if self.opening.loading:
                self._presenter.stage(event.text)
        elif isinstance(event, Stack):
            self._presenter.show_stack(event)
        elif isinstance(event, Work):
            self._presenter.show_work(event)
        elif isinstance(event, Note):
            self._presenter.log(event.level, event.text)
        elif isinstance(event, OwnFiles):
            self._watching.take(event.files)
        elif isinstance(event, ModelEvent) and self._is_current(event.generation):
            self._hear_of_model(event)

    def _is_current(self, generation: int) -> bool:
        return self._state.model.info is not None and generation == self._state.generation

    def _hear_of_model(self, event: ModelEvent) -> None:
        if isinstance(event, Progress):
            self._presenter.show_progress(event)
        elif isinstance(event, CallRows):
            self.passes.take_calls(event)
        elif isinstance(event, PassEnded):
            self.passes.end(event)
        elif isinstance(event, Paused):
            self._stopping.pause(event)
        elif isinstance(event, Resumed):
            self._stopping.resume(event)
        elif isinstance(event, Stops):
            self._stopping.take(event)
        elif isinstance(event, HookMarks):
            self._state.model.marks = event
            self._presenter.show_marks()
        elif isinstance(event, Changes):
            self._take_changes(event)
        else:
            self.opening.take_rows(event)

    def _take_changes(self, event: Changes) -> None:
        """Told unasked as well as in reply: the second of the two says nothing new."""
        if event != self._state.model.changes:
            self._state.model.changes = event
            self.passes.follow_change()
            self._presenter.show_changes()

    def lose_engine(self, problem: Problem) -> None:
        """The engine is gone, and with it the running pass."""
        self._state.live = False
        self._stopping.leave()
        self.passes.stop()
        self._presenter.show_end(problem)
