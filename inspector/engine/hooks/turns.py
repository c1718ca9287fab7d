"""Which calls of its module a hook acts in, and which of them an observing hook shows."""

from __future__ import annotations

from typing import Any, NamedTuple

from torch import Tensor, nn

from ...records import HookOutcome, OtherValue
from ..values.nested import tensors_in
from ..values.value_path import part_at
from .conditions import Condition
from .graphs import in_backward
from .hook import Hook
from .session_state import HookState
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


UNKNOWN = (
    "this call is computed again for the backward pass, and which of {} earlier ones it repeats is not known: its "
    "gradients are not those of the call. Run backward before the next call, or leave checkpointing off"
)


class Repeats:
    """The calls of a module that checkpointing may make again for the backward pass: those since the last such pass.
    What is made again has to act as it did the first time, or gradients are silently others."""

    def __init__(self) -> None:
        self.start()

    def start(self) -> None:
        """None was made yet."""
        self._count = 0
        self._first: Turn | None = None
        self._alike = True  # all were chosen, or none
        self._repeating = False
        self.states: Any = None  # of what draws, before the first

    def note(self, turn: Turn | None, states: Any) -> None:
        """A call that is made for the first time; None where the hook does not act in it."""
        if self._repeating:
            self.start()
        if self._count == 0:
            self._first, self.states = turn, states
        self._alike = self._alike and (turn is None) == (self._first is None)
        self._count += 1

    def runs(self) -> bool:
        """Whether the call that is made now repeats one of them."""
        return self._count > 0 and in_backward()

    def is_known(self, each_differs: bool) -> bool:
        """Whether it can be told what such a call is to do. `each_differs`: the hook does not do the same in each."""
        return self._count == 1 or (self._alike and (self._first is None or not each_differs))

    def next(self, each_differs: bool) -> Turn | None:
        """The call that is made again, None where the hook did not act in it.

        Raises:
            RuntimeError: It is not known, see `is_known`.
        """
        self._repeating = True
        if not self.is_known(each_differs):
            raise RuntimeError(UNKNOWN.format(self._count))
        return self._first


class ObserveFilter:
    """What an observing hook shows of a module: its `Hook`, and whose turn it is.

    `inputs`, `output` and `gradient` say which of them are looked at, `tally` what became of it since `start`, and
    `outcome` what became of it in the last pass.
    """

    def __init__(self, hook: Hook, state: HookState, module: nn.Module) -> None:
        state.check(hook)
        self.hook = hook
        self.tally = Tally()
        self.outcome: HookOutcome | None = None
        self._state = state
        self._module = module
        self._turns = Turns(hook, state.steps)
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

    def holds(self, value: Any, at: Turn | None = None) -> bool:
        """Whether the condition is true of any floating tensor in the value, of an output in the call `at`. What cannot
        be compared is a fault."""
        condition = self.hook.condition
        if condition is None:
            return False
        try:
            then = self._state.find_then(self.hook, self._module, at, value) if at is not None else {}
            floats = (tensor for tensor in tensors_in(value) if _floats(tensor))
            return any(self._holds(condition, tensor, then.get(id(tensor))) for tensor in floats)
        except Exception as error:  # a tensor may refuse any operation
            self.tally.fault = error
            return False

    def _holds(self, condition: Condition, tensor: Tensor, then: Tensor | None) -> bool:
        self.tally.tested += 1
        return condition.holds(tensor, then)


def _floats(tensor: Tensor) -> bool:
    return tensor.is_floating_point() or tensor.is_complex()
