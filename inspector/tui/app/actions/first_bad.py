"""What the key does that asks where the first bad value came from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ....client.engine_client import EngineClient
from ....records import Failed, FindFirstBad, FirstBadValue, Problem
from ....report.first_bad import render_first_bad
from ...panels.parameters import ParametersPanel
from ...panels.source import SourcePanel
from ..host import Host
from ..passes import Passes
from ..presenter import Presenter
from ..state import AppState
from ..workbench import Workbench

if TYPE_CHECKING:
    from ...screens.forms.first_bad import Wanted

_LOGGED = 100
"""Cells of a table in the log."""


@dataclass(eq=False)
class FirstBadActions:
    """Owner of the actions `first_bad`."""

    engine: EngineClient
    state: AppState
    workbench: Workbench
    passes: Passes
    presenter: Presenter
    host: Host
    ascii: bool
    _wanted: Wanted | None = None  # that was asked last

    def look(self) -> None:
        """Ask what is bad, look for it, and go to where it came from."""
        from ...screens.forms.first_bad import FirstBadDialog, Wanted

        if why := self.state.why_no_pass:
            self.host.tell(why)
            return
        plan = self.state.first_plan
        now = self._wanted or Wanted(backward=plan.backward, loss=plan.loss or "mean")
        self.host.push(FirstBadDialog(now, self._ask, self._stop, self.ascii))

    def _stop(self) -> None:
        self.host.spawn(self.passes.stop_meanwhile())

    async def _ask(self, wanted: Wanted) -> FirstBadValue | Problem:
        self._wanted = wanted
        asked = wanted.backward, wanted.loss, wanted.condition, wanted.everything
        reply = await self.engine.ask(FindFirstBad(self.state.generation, *asked))
        if isinstance(reply, FirstBadValue):
            for line in render_first_bad(reply, _LOGGED, wanted.condition).splitlines():
                self.presenter.log("warning" if reply.found else "info", line)
            self._go_to(reply)
            return reply
        assert isinstance(reply, Failed)  # there is no other reply
        return reply.problem

    def _go_to(self, found: FirstBadValue) -> None:
        """Behind the form: who closes it is there."""
        if not found.found or found.path not in self.state.model.paths:
            return
        self.workbench.select_path(found.path)
        if found.phase == "parameter":
            self.workbench.panels.show(ParametersPanel)
        elif found.place is not None:
            self.workbench.panels.show(SourcePanel)
            self.workbench.panels.find(SourcePanel).point_at(found.path, found.place.file, found.place.line)
