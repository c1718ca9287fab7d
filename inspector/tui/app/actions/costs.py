"""What the keys do that are about what modules cost."""

from __future__ import annotations

from dataclasses import dataclass, field

from ....client.costs import KnownCosts
from ....client.engine_client import EngineClient
from ....records import Costs, Failed, MeasureCosts
from ....report.costs import describe_costs, find_hot_path
from ... import format
from ...keys import key_of
from ...tree.costs import BACKWARD, USUAL
from ...tree.lines import DisplayOptions
from ..host import Host
from ..presenter import Presenter
from ..state import AppState
from ..workbench import Workbench


@dataclass(eq=False)
class CostActions:
    """Owner of the actions `costs`."""

    engine: EngineClient
    state: AppState
    workbench: Workbench
    presenter: Presenter
    host: Host
    measuring: bool = field(default=False, init=False)

    def choose(self) -> None:
        """Ask which columns are shown, and measure what is not known."""
        from ...screens.forms.costs import CostsDialog, Wanted

        if self._refuse():
            return

        def take(wanted: Wanted | None) -> None:
            if wanted is not None and wanted.then == "hot path":
                self.go_hot()
            elif wanted is not None:
                self._options.costs = wanted.columns
                self.presenter.show_rows()
                self._explain_backward()
                if wanted.then == "measure" or (wanted.columns and not self._is_fresh):
                    self.measure()

        known = self.state.model.costs
        said = "\n".join(describe_costs(known.costs, self.state.model.rows)) if known is not None else ""
        old = "Old: something was changed since.\n" if self.state.model.costs_are_old else ""
        self.host.push(CostsDialog(self._options.costs, old + said), take)

    def measure(self) -> None:
        """What everything costs now."""
        if not self._refuse():
            self.host.spawn(self._measure())

    def go_hot(self) -> None:
        """Go to the end of the hot path; measured first, where it is not known."""
        if self._refuse():
            return
        if not self._is_fresh:
            self.host.spawn(self._measure(go=True))
            return
        known, model = self.state.model.costs, self.state.model
        path = find_hot_path(model.rows, known.costs) if known is not None else []
        if known is None or not path:
            self.host.tell("no module was called: there is no hot path")
            return
        self.workbench.go_to(path[-1])
        cost = known.of(path[-1])
        took = f": {format.ms(cost.ms)} of {format.ms(known.costs.ms)}" if cost is not None else ""
        self.host.tell(f"hot path, {len(path) - 1} down{took}")

    @property
    def _options(self) -> DisplayOptions:
        return self.workbench.module_tree.options

    @property
    def _is_fresh(self) -> bool:
        known = self.state.model.costs
        lacks = known is not None and known.costs.backward_ms is None and self._shows_backward and self._goes_back
        return known is not None and not self.state.model.costs_are_old and not lacks

    @property
    def _shows_backward(self) -> bool:
        return not BACKWARD.isdisjoint(self._options.costs)

    @property
    def _goes_back(self) -> bool:
        """The last pass did, and so do those that are measured."""
        return self.state.model.summary is not None and self.state.model.summary.backward

    def _explain_backward(self) -> None:
        """Say how the columns get something in them, where they cannot have it now."""
        if self._shows_backward and not self._goes_back:
            self.host.tell(f"{key_of('backward')} runs a backward pass first: what is measured goes like the last pass")

    def _refuse(self) -> bool:
        """Say why nothing can be measured, where that is so."""
        why = self.state.why_no_pass
        if not why and (self.state.running or self.measuring or self.state.guessing):
            why = "something runs already: measure when it is over"
        if why:
            self.host.tell(why)
        return bool(why)

    async def _measure(self, go: bool = False) -> None:
        model, state = self.state.model, self.state.model.state
        self.measuring = True
        self.presenter.wait("measuring costs")
        try:
            reply = await self.engine.ask(MeasureCosts(model.generation))
        finally:
            self.measuring = False
            self.presenter.end_wait()
        if isinstance(reply, Failed) and self.engine.alive:
            self.presenter.show_failure(reply.problem)
        elif isinstance(reply, Costs) and self.state.model is model:
            self._take(KnownCosts(reply, state))
            if go:
                self.go_hot()

    def _take(self, known: KnownCosts) -> None:
        self.state.model.costs = known
        self._options.costs = self._options.costs or USUAL
        self.presenter.show_rows()
        for line in describe_costs(known.costs, self.state.model.rows):
            self.presenter.log("info", line)
