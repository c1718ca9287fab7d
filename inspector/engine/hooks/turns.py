"""Which calls of its module a hook acts in, and which of them an observing hook shows."""

from __future__ import annotations

from typing import Any, Protocol

from torch import Tensor

from ...records import OtherValue
from ..values.nested import tensors_in
from ..values.value_path import part_at
from .hook import Hook

NOT_SEEN = OtherValue("", "not looked at: the observe hook is limited")


class Batches(Protocol):
    """Who counts the batches."""

    @property
    def batch(self) -> int: ...


class Turns:
    """Counts the calls of one module in a batch, for the `call` and `every` of a hook."""

    def __init__(self, hook: Hook, batches: Batches) -> None:
        self._hook = hook
        self._batches = batches
        self._batch = -1
        self._calls = 0

    def start(self) -> None:
        """Another pass, or run of batches, begins."""
        self._batch = -1

    def next(self) -> int | None:
        """The number of the call that begins now, None where the hook does not act in it."""
        batch = self._batches.batch
        if batch != self._batch:
            self._batch, self._calls = batch, 0
        number = self._calls
        self._calls += 1
        if self._hook.call is not None and number != self._hook.call:
            return None
        return number if batch % self._hook.every == 0 else None


class ObserveFilter:
    """What an observing hook shows of a module: its `Hook`, and whose turn it is.

    `inputs`, `output` and `gradient` say which of them are looked at, `fault` what went wrong since `start`.
    """

    def __init__(self, hook: Hook, batches: Batches) -> None:
        self.hook = hook
        self.turns = Turns(hook, batches)
        self.fault: Exception | None = None
        self.inputs = hook.on in ("both", "input")
        self.output = hook.on in ("both", "output")
        self.gradient = hook.on in ("both", "grad")

    @property
    def waits(self) -> bool:
        """Whether a call is shown only where its values are of a kind."""
        return self.hook.condition is not None and (self.inputs or self.output)

    def start(self) -> None:
        """Another pass, or run of batches, begins."""
        self.turns.start()
        self.fault = None

    def part(self, value: Any) -> Any:
        """What is chosen of an input or an output; `NOT_SEEN` where it has no such part, which is a fault."""
        try:
            return part_at(value, self.hook.steps)
        except LookupError as error:
            self.fault = error
            return NOT_SEEN

    def holds(self, value: Any) -> bool:
        """Whether the condition is true of any floating tensor in the value. What cannot be compared is a fault."""
        condition = self.hook.condition
        if condition is None:
            return False
        try:
            return any(condition.holds(tensor) for tensor in tensors_in(value) if _floats(tensor))
        except Exception as error:  # a tensor may refuse any operation
            self.fault = error
            return False


def _floats(tensor: Tensor) -> bool:
    return tensor.is_floating_point() or tensor.is_complex()
