"""What the keys do that go through a pass, call by call, after the fact."""

from __future__ import annotations

from dataclasses import dataclass

from ...keys import key_of
from ...panels.source import SourcePanel
from ..host import Host
from ..state import AppState
from ..workbench import Workbench


@dataclass(eq=False)
class CallActions:
    """Owner of the actions `calls`."""

    state: AppState
    workbench: Workbench
    host: Host

    def step(self, delta: int) -> None:
        """Go to the call that began next (1) or before (-1), whatever made it; a filter lets only its own through."""
        if not self.state.model.calls:
            self.host.tell(f"no calls: {key_of('run')} runs a pass")
        elif self.state.model.orders_due:
            self.host.tell("which call began next is not known yet: their tree is being made")
        elif (place := self._find_next(delta)) is None:
            self.host.tell(self._explain_end(delta))
        else:
            self.workbench.panels.find(SourcePanel).follow_calls()
            self.look_at(place)

    def choose(self, index: int, number: int) -> None:
        """Look at the call of the module in this row that has this number in the step."""
        model = self.state.model
        places = model.calls.places(model.object_of(index)) if index < len(model.rows) else ()
        place = next((place for place in places[number:] or places if model.calls[place].in_step == number), None)
        if place is not None:
            self.look_at(place)

    def look_at(self, place: int) -> None:
        """Look at this call of the last pass, in all panes."""
        model, bench = self.state.model, self.workbench
        call = model.calls[place]
        model.look_at(call)
        if bench.selected is None or model.object_of(bench.selected) != call.module:
            bench.select_path(model.paths[call.module])
        if bench.module_tree.order and not bench.module_tree.select(call.module, place):
            bench.module_tree.filter = ""
            bench.module_tree.select(call.module, place)
        bench.panels.select(model, bench.selected or 0)

    def _find_next(self, delta: int) -> int | None:
        """From the call that is looked at; where none is, from the first of the selected module, or of all."""
        model, module_tree = self.state.model, self.workbench.module_tree
        tree = model.call_tree
        move = tree.after if delta > 0 else tree.before
        wanted = {model.object_of(index) for index in module_tree.options.matches} if module_tree.filter else None
        here = model.calls.places(model.object_of(self.workbench.selected or 0)) or tree.roots
        place: int | None = here[0] if model.looked_at is None else model.looked_at
        while place is not None:
            place = move(place)
            if place is None or wanted is None or model.calls.modules[place] in wanted:
                break
        return place

    def _explain_end(self, delta: int) -> str:
        model = self.state.model
        which, following = ("last", "next") if delta > 0 else ("first", "previous")
        among = " that the filter lets through" if self.workbench.module_tree.filter else ""
        if model.step == (model.steps - 1 if delta > 0 else 0):
            return f"this is the {which} call of the pass{among}"
        words = f"this is the {which} call of step #{model.step}{among}"
        return f"{words}: {key_of(f'step-{following}')} goes to the {following} step"
