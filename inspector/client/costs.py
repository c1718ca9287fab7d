"""What is known of the costs of a model, by module and by call."""

from __future__ import annotations

from ..records import CallRow, Changes, Cost, Costs

State = tuple[object, ...]
"""What costs depend on: the hooks and edits in force, and the input."""


def state_of(changes: Changes, input: str) -> State:
    """The state in which costs that are measured now would be."""
    return changes.altering, changes.disabled, changes.edited, changes.added, input


class KnownCosts:
    """Args:
    costs: What was measured.
    state: What they are of.
    """

    def __init__(self, costs: Costs, state: State) -> None:
        self.costs = costs
        self.state = state
        self._of = {row.module: row.cost for row in costs.rows}
        self._of_call = {(row.module, row.call): row.cost for row in costs.calls}

    def of(self, module: int) -> Cost | None:
        """Of all calls of a module object; None where it was not called."""
        return self._of.get(module)

    def of_call(self, call: CallRow) -> Cost | None:
        """Of one call; None where there was no such call, or too many to be told of."""
        return self._of_call.get((call.module, call.call))
