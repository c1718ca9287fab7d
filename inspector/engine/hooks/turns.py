"""Which calls of its module a hook acts in, and which of them an observing hook shows."""

from __future__ import annotations

from typing import Any, NamedTuple

from torch import Tensor

from ...records import HookOutcome, OtherValue
from ..values.nested import tensors_in
from ..values.value_path import part_at
from .conditions import Condition
from .hook import Hook
from .steps import StepCounter
from .tally import Tally

NOT_SEEN = OtherValue("", "not looked at: the observe hook is limited")


class Turn(NamedTuple):
    """One call of a module: in which step, and which of its calls in that step; both from 0."""

    step: int
    call: int


class Turns:
    """Counts the calls of one module in each step, for the `step`, `call` and `every` of a hook."""

    def __init__(self, hook: Hook, steps: StepCounter) -> None:
        self._hook = hook
        self._steps = steps
        self._step = -1
        self._calls = 0

    def start(self) -> None:
        """Another pass begins."""
        self._step = -1

    def next(self, tally: Tally) -> Turn | None:
        """The call that begins now, which is counted; None where the hook does not act in it."""
        step = self._steps.number
        if step != self._step:
            self._step, self._calls = step, 0
        turn = Turn(step, self._calls)
        self._calls += 1
        meant = step % self._hook.every == 0 and self._hook.choice.holds(step)
        chosen = meant and self._hook.call in (None, turn.call)
        tally.count_call(step, self._calls, chosen)
        return turn if chosen else None


class ObserveFilter:
    """What an observing hook shows of a module: its `Hook`, and whose turn it is.

    `inputs`, `output` and `gradient` say which of them are looked at, `tally` what became of it since `start`, and
    `outcome` what became of it in the last pass.
    """

    def __init__(self, hook: Hook, steps: StepCounter) -> None:
        self.hook = hook
        self.tally = Tally()
        self.outcome: HookOutcome | None = None
        self._turns = Turns(hook, steps)
        self.inputs = hook.on in ("both", "input")
        self.output = hook.on in ("both", "output")
        self.gradient = hook.on in ("both", "grad")

    @property
    def waits(self) -> bool:
        """Whether a call is shown only where its values are of a kind."""
        return self.hook.condition is not None and (self.inputs or self.output)

    def start(self) -> None:
        """Another pass begins."""
        self._turns.start()
        self.tally = Tally()

    def next(self) -> Turn | None:
        """See `Turns.next`."""
        return self._turns.next(self.tally)

    def show_call(self, inputs: bool, output: bool) -> None:
        """A call of its module is shown: what went in was seen, and what came out."""
        self.tally.fired += output if self.output else inputs and self.inputs

    def show_gradient(self) -> None:
        """A gradient is shown."""
        self.tally.fired += not (self.inputs or self.output)

    def part(self, value: Any) -> Any:
        """What is chosen of an input or an output; `NOT_SEEN` where it has no such part, which is a fault."""
        try:
            return part_at(value, self.hook.steps)
        except LookupError as error:
            self.tally.fault = error
            return NOT_SEEN

    def holds(self, value: Any) -> bool:
        """Whether the condition is true of any floating tensor in the value. What cannot be compared is a fault."""
        condition = self.hook.condition
        if condition is None:
            return False
        try:
            return any(self._holds(condition, tensor) for tensor in tensors_in(value) if _floats(tensor))
        except Exception as error:  # a tensor may refuse any operation
            self.tally.fault = error
            return False

    def _holds(self, condition: Condition, tensor: Tensor) -> bool:
        self.tally.tested += 1
        return condition.holds(tensor)


def _floats(tensor: Tensor) -> bool:
    return tensor.is_floating_point() or tensor.is_complex()
