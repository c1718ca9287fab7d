"""Stops of the model under inspection, and the pass that stands still at one."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from ....client.engine_client import EngineClient
from ....records import Failed, GoOn, GoOnWith, Paused, Resumed, SetStops, Stop, Stops
from ...bars.stop_bar import place
from ...panels.source import SourcePanel
from ..host import Host
from ..presenter import Presenter
from ..state import AppState
from ..workbench import Workbench
from .changer import describe_problem


@dataclass(eq=False)
class Stopping:
    """Asks for stops, and shows what becomes of them."""

    engine: EngineClient
    state: AppState
    workbench: Workbench
    presenter: Presenter
    host: Host

    async def set(self, stops: Iterable[Stop]) -> str:
        """These are the stops from now on; why that cannot be, "" where it can."""
        reply = await self.engine.ask(SetStops(self.state.generation, tuple(stops)))
        if isinstance(reply, Stops):
            self.take(reply)
        return describe_problem(reply.problem) if isinstance(reply, Failed) else ""

    async def put_back(self, stops: tuple[Stop, ...]) -> None:
        """Those of last time, as far as there are such modules."""
        self.state.stops = ()
        there = [stop for stop in stops if self.state.model.index_of(stop.path) is not None]
        if there and self.state.model.is_model and (why := await self.set(there)):
            self.presenter.log("warning", f"the stops of last time are not there: {why}")
        if len(there) < len(stops):
            self.presenter.log("warning", f"{len(stops) - len(there)} stops were at modules that are not there")
        self._show_marks()

    def take(self, event: Stops) -> None:
        """What there is now, and what became of each."""
        self.state.stops = event.rows
        self._show_marks()
        self.host.reload_layers()

    def _show_marks(self) -> None:
        on = [row.stop for row in self.state.stops if row.stop.enabled]
        source = self.workbench.panels.find(SourcePanel)
        source.stops = tuple(stop for stop in on if stop.on == "line")
        source.view.renew()
        model, tree = self.state.model, self.workbench.module_tree
        found = (model.index_of(stop.path) for stop in on)
        tree.options.stops = frozenset(model.object_of(index) for index in found if index is not None)
        tree.refresh_rows()

    def pause(self, event: Paused) -> None:
        """The pass stands still."""
        self._show(event)
        self.workbench.select_path(event.path)
        self.presenter.log("info", f"stopped {place(event)}" + (f": {event.why}" if event.why else ""))

    def hold(self, event: Paused) -> None:
        """The program around stands still, for as long as this model is open."""
        state = self.state
        state.held, state.expects_held = event, False
        self._show(event)
        if event.why:
            self.presenter.log("info", f"your program stopped {place(event)}: {event.why}")
        if state.early is not None:
            early, state.early = state.early, None
            self.host.spawn(self.go_on(early))

    async def go_on(self, how: GoOn) -> None:
        """Let the pass go on, or the program around: that has the terminal then, until it stands still again."""
        if not self.state.pass_stands:  # before the program writes there
            self.state.expects_held = True
            self.host.lend_terminal()
        reply = await self.engine.ask(GoOnWith(self.state.generation, how))
        if isinstance(reply, Failed):
            self.state.expects_held = False
            self.host.take_terminal()
            self.host.tell(describe_problem(reply.problem))

    def let_go(self) -> None:
        """Another model is open."""
        self.state.held = None
        self._show(None)

    def _show(self, event: Paused | None) -> None:
        event = event if event is not None else self.state.held
        self.state.paused = self.workbench.stop_bar.event = event
        self.workbench.title_bar.stopped = self.state.pass_stands
        self.workbench.name_keys()

    def resume(self, event: Resumed) -> None:
        """It goes on."""
        self.leave()
        if event.why:
            self.host.tell(f"the pass goes on: {event.why}")

    def leave(self) -> None:
        """Nothing stands still any more."""
        self._show(None)
        self.host.reload_layers()
