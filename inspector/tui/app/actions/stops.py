"""What the keys do that set stops, and let a pass that stands still go on."""

from __future__ import annotations

from dataclasses import dataclass

from ....client.engine_client import EngineClient
from ....records import Failed, GoOn, GoOnWith, Path, Stop
from ...keys import key_of
from ...screens.layer import FORM
from ..host import Host
from ..state import AppState
from ..workbench import Workbench
from .changer import Changer, describe_problem
from .stopping import Stopping


@dataclass(eq=False)
class StopActions:
    """Owner of the actions `stops`."""

    engine: EngineClient
    state: AppState
    workbench: Workbench
    stopping: Stopping
    changer: Changer
    host: Host
    ascii: bool

    @property
    def _stops(self) -> tuple[Stop, ...]:
        return tuple(row.stop for row in self.state.stops)

    def toggle(self) -> None:
        """Stop before the selected module, or where anything stops there, no longer."""
        self.changer.when_ready(lambda: self.host.spawn(self._toggle(self.workbench.selected_path)))

    async def _toggle(self, path: Path) -> None:
        kept = [stop for stop in self._stops if stop.path != path]
        if len(kept) == len(self._stops):
            if not await self._set([*kept, Stop(self._next_id(), "before", path)]):
                return
            more = "" if self.state.paused is not None else f"; {key_of('run')} runs"
            self.host.tell(f"passes stop before it{more}; {key_of('stops')} says when, and lists all")
        else:
            await self._set(kept)

    def _next_id(self) -> int:
        return max((stop.id for stop in self._stops), default=0) + 1

    async def _set(self, stops: list[Stop]) -> bool:
        why = await self.stopping.set(stops)
        if why:
            self.host.tell(why)
        return not why

    def list_all(self) -> None:
        """Every stop, with what can be done to it."""
        self.changer.when_ready(self._list_all)

    def _list_all(self) -> None:
        from ...screens.stops.stop_list import StopList

        def go_to(path: Path | None) -> None:
            if path is not None:
                self.workbench.select_path(path)

        self.host.push(StopList(lambda: self.state.stops, self._change, self._ask_for, self.ascii), go_to)

    def _change(self, id: int, stop: Stop | None) -> None:
        """Put another in the place of one, or None."""
        changed = [stop if each.id == id else each for each in self._stops]
        self.host.spawn(self._carry_out([each for each in changed if each is not None]))

    async def _carry_out(self, stops: list[Stop]) -> None:
        await self._set(stops)

    def _ask_for(self, stop: Stop | None) -> None:
        """Let the person say when to stop: at the selected module, where there is no such stop yet."""
        from ...screens.stops.stop_form import StopForm

        given = stop or Stop(self._next_id(), "before", self.workbench.selected_path)
        self.host.push(StopForm(given, stop is None, self._try))

    async def _try(self, stop: Stop) -> str:
        """Set it; what is wrong with it, "" for nothing."""
        others = [each for each in self._stops if each.id != stop.id]
        return await self.stopping.set([*others, stop])

    def go_on(self, how: GoOn) -> None:
        """Let the pass go on."""
        if self.state.paused is None:
            self.host.tell(f"no pass stands still: {key_of('stop-here')} sets a stop, then {key_of('run')} runs")
        else:
            self.host.spawn(self._go_on(how), group=FORM)

    async def _go_on(self, how: GoOn) -> None:
        reply = await self.engine.ask(GoOnWith(self.state.generation, how))
        if isinstance(reply, Failed):
            self.host.tell(describe_problem(reply.problem))
