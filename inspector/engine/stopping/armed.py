"""A stop of a person's, with what became of it in a pass."""

from __future__ import annotations

from typing import Any

from ...errors import UsageError
from ...raised import say
from ...records import Stop, StopRow
from ...text import encodable
from ..hooks.conditions import parse_condition
from ..hooks.step_choice import parse_step
from ..hooks.turns import Turn
from ..modules.tree import ModuleTree
from ..values.nested import tensors_in

_LONGEST = 86_400.0
"""Seconds of a timeout."""


class ArmedStop:
    """`index` is the node whose calls it is for.

    Raises:
        UsageError: Something of it cannot be understood, or there is no such module.
    """

    def __init__(self, stop: Stop, tree: ModuleTree) -> None:
        self.stop = stop
        self.index = _find(stop, tree)
        self.hits = 0
        self.fault = ""
        try:
            self.condition = parse_condition(stop.when, more=True)
            self._steps = parse_step(stop.step)
            if stop.log:
                compile(stop.log.strip(), "<log>", "eval")
        except (ValueError, SyntaxError) as error:
            words = f"{stop.log[:80]!r} is no expression" if isinstance(error, SyntaxError) else str(error)
            raise UsageError(encodable(words, 300), hint="nan > 0, shape[1] != 64, std > 1e3") from None
        if self._steps.last:
            raise UsageError("which step is the last is not known before it is over", hint="step 3, or 2:5")
        if stop.when and stop.on == "exception":
            raise UsageError("what is raised has no values to compare", hint="leave the condition out")
        if not 0 <= stop.timeout <= _LONGEST:
            raise UsageError("a timeout is a number of seconds, 0 for none", hint="30")

    @property
    def row(self) -> StopRow:
        return StopRow(self.stop, self.hits, encodable(self.fault, 300))

    def start(self) -> None:
        """Another pass begins."""
        self.hits, self.fault = 0, ""

    def is_due(self, turn: Turn) -> bool:
        """Whether this call is one of those that it is for."""
        return self.stop.call in (None, turn.call) and self._steps.holds(turn.step)

    def find_reason(self, value: Any) -> str | None:
        """What the condition found, None where it does not hold of any tensor in the value; "" without one. What cannot
        be compared is a fault."""
        if self.condition is None:
            return ""
        try:
            for tensor in tensors_in(value):
                if self.condition.holds(tensor):
                    return self.condition.explain(tensor)
        except Exception as error:  # a tensor may refuse any operation
            self.fault = say(error)
        return None


def _find(stop: Stop, tree: ModuleTree) -> int:
    try:
        return tree.object_at(stop.path).index
    except KeyError:
        raise UsageError(
            f"no module {'.'.join(stop.path)!r} in this model", hint="a path as the tree shows it"
        ) from None
