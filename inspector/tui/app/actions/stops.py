"""What the keys do that set stops, and let a pass that stands still go on."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import partial

from msgspec.structs import replace

from ....client.engine_client import EngineClient
from ....records import (
    Completed,
    CompleteLine,
    Evaluate,
    Evaluated,
    Failed,
    GetLocals,
    GoOn,
    Locals,
    Path,
    Problem,
    Stop,
)
from ... import format
from ...bars.stop_bar import place
from ...keys import key_of
from ...panels.source import SourcePanel
from ...screens.layer import FORM
from ..host import Host
from ..presenter import Presenter
from ..state import AppState
from ..workbench import Workbench
from .changer import Changer
from .stopping import Stopping


@dataclass(eq=False)
class StopActions:
    """Owner of the actions `stops`."""

    engine: EngineClient
    state: AppState
    workbench: Workbench
    stopping: Stopping
    changer: Changer
    presenter: Presenter
    host: Host
    ascii: bool
    _ran: list[str] = field(default_factory=list, init=False)  # lines of Python, the oldest first

    @property
    def _stops(self) -> tuple[Stop, ...]:
        return tuple(row.stop for row in self.state.stops)

    def toggle(self) -> None:
        """Stop before the selected module, or in Source at the line; where anything stops there, no longer."""
        self.changer.when_ready(lambda: self.host.spawn(self._toggle(self._here())))

    def _here(self) -> Stop:
        """At the line where Source has the keyboard, else at the selected module."""
        path, panel = self.workbench.selected_path, self.workbench.focused_panel
        place = panel.location() if isinstance(panel, SourcePanel) else None
        if place is None:
            return Stop(self._next_id(), "before", path)
        assert isinstance(panel, SourcePanel) and panel.source is not None  # which has a place
        return Stop(self._next_id(), "line", panel.source.runs_in or path, file=place[0], line=place[1])

    async def _toggle(self, here: Stop) -> None:
        kept = [stop for stop in self._stops if not _is_at(stop, here)]
        if len(kept) == len(self._stops):
            if not await self._set([*kept, here]):
                return
            more = "" if self.state.paused is not None else f"; {key_of('run')} runs"
            at = f"at line {here.line} in {format.path(here.path)}" if here.on == "line" else "before it"
            self.host.tell(f"passes stop {at}{more}; {key_of('stops')} says when, and lists all")
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

        given = stop or self._here()
        self.host.push(StopForm(given, stop is None, self._try))

    async def _try(self, stop: Stop) -> str:
        """Set it; what is wrong with it, "" for nothing."""
        others = [each for each in self._stops if each.id != stop.id and replace(each, id=stop.id) != stop]
        return await self.stopping.set([*others, stop])

    def go_on(self, how: GoOn) -> None:
        """Let the pass go on, or the program around."""
        if self.state.expects_held:
            self.state.early = how
        elif self.state.paused is not None:
            self.host.spawn(self.stopping.go_on(how), group=FORM)
        else:
            self.host.tell(_explain_nothing())

    def ask_python(self) -> None:
        """Run lines where the pass stands still: in the frame that has the keyboard, else where it stopped."""
        from ...screens.stops.python_line import PythonLine

        event, stack = self.state.paused, self.workbench.stack
        row = stack.row if stack.has_focus_within or event is None else None
        if row is not None:
            frame, where = row.number, f"in {row.function}"
        elif event is not None:
            frame, where = -1, place(event)
        else:
            self.host.tell(_explain_nothing())
            return
        ask = partial(self._run_line, frame), partial(self._complete_line, frame)
        has_name = row is None and event is not None and event.on not in ("line", "exception")
        name = next((each.name for each in self.workbench.stop_bar.values if has_name), "")
        if event is not None and event.timeout:
            self.host.spawn(self._wait_for_person(frame))
        self.host.push(PythonLine(where, name, self._ran, *ask, self.ascii))

    async def _run_line(self, frame: int, text: str) -> Evaluated | Problem:
        self.presenter.log("info", f"> {text}")  # before what it prints
        reply = await self.engine.ask(Evaluate(self.state.generation, text, frame))
        if isinstance(reply, Failed):
            return reply.problem
        assert isinstance(reply, Evaluated)  # there is no other reply
        if frame < 0 or frame == self._innermost:
            self.workbench.stop_bar.values = reply.values
        await self._look_again()
        return reply

    @property
    def _innermost(self) -> int:
        """The number of the frame that stands still at a line, whose values the bar tells; below 0 for none."""
        event, frames = self.state.paused, self.workbench.stack.stack.frames
        return frames[-1].number if event is not None and event.on == "line" and frames else -1

    async def _look_again(self) -> None:
        """At the variables that are shown: a line may have changed them."""
        stack = self.workbench.stack
        if stack.row is not None:
            found = await self.engine.ask(GetLocals(self.state.generation, stack.row.number))
            if isinstance(found, Locals):
                stack.show_locals(found)

    async def _wait_for_person(self, frame: int) -> None:
        """Whatever is asked of a pass that stands still keeps it from going on by itself."""
        self.workbench.stop_bar.waits = True
        await self._complete_line(frame, "")

    async def _complete_line(self, frame: int, text: str) -> tuple[str, ...]:
        reply = await self.engine.ask(CompleteLine(self.state.generation, text, frame))
        return reply.lines if isinstance(reply, Completed) else ()


def _explain_nothing() -> str:
    return f"no pass stands still: {key_of('stop-here')} sets a stop, then {key_of('run')} runs"


def _is_at(stop: Stop, here: Stop) -> bool:
    """Whether it is at the same module, or at the same line as that module runs it."""
    same_path = stop.path == here.path or stop.everywhere
    return (stop.on == "line") == (here.on == "line") and same_path and (stop.file, stop.line) == (here.file, here.line)
