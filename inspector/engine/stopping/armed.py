"""A stop of a person's, with what became of it in a pass."""

from __future__ import annotations

from collections.abc import Mapping
from types import CodeType
from typing import Any

from torch import Tensor

from ...errors import UsageError
from ...raised import say
from ...records import Stop, StopRow
from ...text import encodable
from ..hooks.conditions import Condition, parse_condition
from ..hooks.step_choice import parse_step
from ..hooks.turns import Turn
from ..modules.tree import ModuleTree
from ..values.nested import tensors_in
from .codes import find_line
from .scope import Scope

_LONGEST = 86_400.0
"""Seconds of a timeout."""
_NONE: Mapping[int, Tensor] = {}


class ArmedStop:
    """`node` is where its module is in the tree; of a line, `code` has it, and `line` is the number that runs.

    Raises:
        UsageError: Something of it cannot be understood, or there is no such module or line.
    """

    def __init__(self, stop: Stop, tree: ModuleTree) -> None:
        self.stop = stop
        self.node = _find(stop, tree)
        self.code: CodeType | None = None
        self.line = 0
        if stop.on == "line":
            self.code, self.line = find_line(tree, stop.file, stop.line)
        self.hits = 0
        self.fault = ""
        self._ran = Turn(-1, 0)  # of a line: in which step, and how often there
        try:
            self._condition = _parse(stop)
            self._steps = parse_step(stop.step)
            if stop.log:
                compile(stop.log.strip(), "<log>", "eval")
        except (ValueError, SyntaxError) as error:
            words = f"{error.text or ''!r} is no expression" if isinstance(error, SyntaxError) else str(error)
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
        self.hits, self.fault, self._ran = 0, "", Turn(-1, 0)

    def is_due(self, turn: Turn) -> bool:
        """Whether this call is one of those that it is for."""
        return self.stop.call in (None, turn.call) and self._steps.holds(turn.step)

    def count_run(self, step: int) -> Turn:
        """Its line runs now: how often before in this step."""
        self._ran = Turn(step, self._ran.call + 1 if self._ran.step == step else 0)
        return self._ran

    def find_reason(self, value: Any, scope: Scope, then: Mapping[int, Tensor] = _NONE) -> str | None:
        """What the condition found, None where it holds of no tensor in the value, or of a line is not true there; ""
        without one. What cannot be compared is a fault. `then` is what tensors were in the baseline, by their `id`."""
        if not self.stop.when:
            return ""
        try:
            if self._condition is None:
                return self.stop.when if scope.evaluate(self.stop.when) else None
            for tensor in tensors_in(value):
                if self._condition.holds(tensor, then.get(id(tensor))):
                    return self._condition.explain(tensor, then.get(id(tensor)))
        except BaseException as error:  # a tensor may refuse any operation, and a person's expression do anything
            self.fault = say(error)
        return None


def _parse(stop: Stop) -> Condition | None:
    """Of a line it is Python, and there is none to parse."""
    if stop.on != "line":
        return parse_condition(stop.when, baseline=stop.on == "after")
    if stop.when:
        compile(stop.when.strip(), "<condition>", "eval")
    return None


def _find(stop: Stop, tree: ModuleTree) -> int:
    try:
        return tree.object_at(stop.path).index
    except KeyError:
        raise UsageError(
            f"no module {'.'.join(stop.path)!r} in this model", hint="a path as the tree shows it"
        ) from None
