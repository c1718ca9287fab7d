"""Where a tensor is seen, and what a hook may do there besides altering it."""

from __future__ import annotations

from torch import Tensor

from .session_state import HookState


class HookContext:
    """Given to kinds that ask for it.

    Args:
        path: Of the module, dotted.
        on: What the hook is put on: "output", "input", "parameters", "grad".
        call: Of this module in this batch, from 0.
        leaf: Which of the chosen tensors of the value, from 0.
        state: Of all hooks of the model.
    """

    def __init__(self, path: str, on: str, call: int, leaf: int, state: HookState) -> None:
        self.path = path
        self.on = on
        self.call = call
        self.leaf = leaf
        self._state = state

    @property
    def key(self) -> str:
        """What recorded tensors of this place are called: `layer1#2:output.1`."""
        call = f"#{self.call}" if self.call else ""
        leaf = f".{self.leaf}" if self.leaf else ""
        return f"{self.path or '(root)'}{call}:{self.on}{leaf}"

    def say(self, text: str) -> None:
        """A line for the Log panel, or standard output."""
        self._state.say(text)

    def keep(self, run: str, tensor: Tensor, budget: int) -> None:
        """Keep a copy under the name `run`. Raises `MemoryError` where all copies of that run would take more than
        `budget` bytes."""
        self._state.keep(run, self.key, tensor, budget)

    def recall(self, run: str) -> Tensor:
        """What was kept at this place; `run` may also be a .safetensors file. Raises `LookupError`."""
        return self._state.recall(run, self.key)
