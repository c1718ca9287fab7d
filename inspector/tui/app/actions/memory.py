"""What a command does that asks how much memory a step takes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ....client.engine_client import EngineClient
from ....records import EstimateMemory, Failed, MemoryEstimate, Problem
from ....report.memory import render_memory
from ..host import Host
from ..passes import Passes
from ..presenter import Presenter
from ..state import AppState

if TYPE_CHECKING:
    from ...screens.forms.memory import Wanted

_LOGGED = 100
"""Cells of a table in the log."""


@dataclass(eq=False)
class MemoryActions:
    """Owner of the actions `memory`."""

    engine: EngineClient
    state: AppState
    passes: Passes
    presenter: Presenter
    host: Host
    ascii: bool
    _wanted: Wanted | None = None  # that was asked last

    def estimate(self) -> None:
        """Ask for sizes of the batch, and show what a step of each holds."""
        from ...screens.forms.memory import MemoryDialog, Wanted

        if why := self.state.why_no_pass:
            self.host.tell(why)
            return
        plan = self.state.first_plan
        now = self._wanted or Wanted(backward=plan.backward, optimizer=plan.optimizer)
        self.host.push(MemoryDialog(now, self._ask, self._stop, self.ascii))

    def _stop(self) -> None:
        self.host.spawn(self.passes.stop_meanwhile())

    async def _ask(self, wanted: Wanted) -> MemoryEstimate | Problem:
        self._wanted = wanted
        asked = wanted.batches, wanted.backward, "", wanted.optimizer, wanted.measured
        reply = await self.engine.ask(EstimateMemory(self.state.generation, *asked))
        if isinstance(reply, MemoryEstimate):
            for line in render_memory(reply, _LOGGED).splitlines():
                self.presenter.log("info", line)
            return reply
        assert isinstance(reply, Failed)  # there is no other reply
        return reply.problem
