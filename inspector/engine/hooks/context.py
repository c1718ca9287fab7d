"""Where a tensor is seen, and what a hook may do there besides altering it."""

from __future__ import annotations

from collections.abc import Mapping

from torch import Tensor

from .session_state import HookState


def place_key(path: str, on: str, call: int = 0, leaf: int = 0, step: int = 0) -> str:
    """What a recorded tensor is called: `layer1#2@1:output.1`; the call, the step and the leaf are left out where they
    are 0.

    Args:
        path: Of the module, dotted; "" is the model itself.
        on: "output", "input" or "grad".
        call: Of this module in the step.
        leaf: Which tensor of the whole value.
        step: Call of the model itself.
    """
    number = f"#{call}" if call else ""
    number += f"@{step}" if step else ""
    return f"{path or '(root)'}{number}:{on}" + (f".{leaf}" if leaf else "")


class HookContext:
    """Given to kinds that ask for it.

    Args:
        path: Of the module, dotted.
        on: What the hook is put on: "output", "input", "parameters", "grad".
        call: Of this module in this batch, from 0.
        leaf: Which tensor of the whole value, from 0.
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
        """What a recorded tensor of this place is called."""
        return place_key(self.path, self.on, self.call, self.leaf)

    def key_at(self, place: str) -> str:
        """The same of another module, "" for this one; a place with a colon is a whole key as it is."""
        if ":" in place:
            return place
        return place_key("" if place == "(root)" else place or self.path, self.on, self.call, self.leaf)

    def say(self, text: str) -> None:
        """A line for the Log panel, or standard output."""
        self._state.say(text)

    def keep(self, run: str, tensor: Tensor, budget: int) -> None:
        """Keep a copy under the name `run`. Raises `MemoryError` where all copies of that run would take more than
        `budget` bytes."""
        self._state.keep(run, self.key, tensor, budget)

    def recall(self, run: str | Tensor | Mapping[str, Tensor], place: str = "") -> Tensor:
        """What was kept here, or at another `place`.

        Args:
            run: The name of a recording, a .safetensors file, a recording itself, or the tensor itself.
            place: See `key_at`.

        Raises:
            LookupError: There is none.
        """
        return run if isinstance(run, Tensor) else self._state.recall(run, self.key_at(place))
