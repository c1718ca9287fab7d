"""Where a tensor is seen, and what a hook may do there besides altering it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import cast

from torch import Tensor

from ..modules.selector import INNER
from ..values.value_path import Step, part_at, write_steps
from .session_state import HookState, Kept
from .turns import Turn


def place_key(path: str, on: str, call: int = 0, leaf: int = 0, step: int = 0) -> str:
    """What a recorded tensor is called: `layer1#2@1:output.1`; the call, the step and the leaf are left out where they
    are 0, and so are the keys that `torch.compile` puts into paths: a recording fits the model compiled or not.

    Args:
        path: Of the module, dotted; "" is the model itself.
        on: "output", "input" or "grad".
        call: Of this module in the step.
        leaf: Which tensor of the whole value.
        step: Call of the model itself.
    """
    if INNER in path:
        path = ".".join(key for key in path.split(".") if key != INNER)
    number = f"#{call}" if call else ""
    number += f"@{step}" if step else ""
    return f"{path or '(root)'}{number}:{on}" + (f".{leaf}" if leaf else "")


class HookContext:
    """Given to kinds that ask for it.

    Args:
        path: Of the module, dotted.
        on: What the hook is put on: "output", "input", "parameters", "grad".
        turn: Which step, and which call of this module in it.
        leaf: Which tensor of the whole value, from 0.
        state: Of all hooks of the model.
        last: What is done in this step is undone when another one begins.
        inside: Which part of that tensor it is; empty for all of it.
    """

    def __init__(
        self,
        path: str,
        on: str,
        turn: Turn,
        leaf: int,
        state: HookState,
        last: bool = False,
        inside: tuple[Step, ...] = (),
    ) -> None:
        self.path = path
        self.on = on
        self.step, self.call = turn
        self.leaf = leaf
        self._state = state
        self._last = last
        self._inside = inside

    @property
    def key(self) -> str:
        """What a recorded tensor of this place is called; of a part of one also which: `layer1:output[:, -1]`."""
        return self.key_at("") + write_steps(self._inside)

    @property
    def step_words(self) -> str:
        """` batch 3`, from 0; nothing where there is one step only."""
        unit = self._state.steps.unit
        return f" {unit or 'step'} {self.step}" if unit or self.step else ""

    def key_at(self, place: str) -> str:
        """The same of all of the tensor at another module, "" for this one; a place with a colon is a key as it is."""
        if ":" in place:
            return place
        return place_key("" if place == "(root)" else place or self.path, self.on, self.call, self.leaf, self.step)

    def say(self, text: str) -> None:
        """A line for the Log panel, or standard output."""
        self._state.say(text)

    def keep(self, run: str, tensor: Tensor, budget: int) -> None:
        """Keep a copy under the name `run`. Raises `MemoryError` where all copies of that run would take more than
        `budget` bytes."""
        if self._last and self.step != self._state.step:
            return  # a gradient of a step that is over
        self._state.keep(Kept(run, f"{self.path}:{self.on}", self.key), tensor, budget, self._last)

    def recall(self, run: str | Tensor | Mapping[str, Tensor], place: str = "") -> Tensor:
        """What was kept here, or at another `place`: of a part of a tensor the same part, whether it was recorded or
        all of it.

        Args:
            run: The name of a recording, a .safetensors file, a recording itself, or the tensor itself.
            place: See `key_at`.

        Raises:
            LookupError: There is none.
        """
        if isinstance(run, Tensor):
            return run
        whole, part = self.key_at(place), write_steps(self._inside)
        if whole.endswith("]"):  # the key of a part as it is
            return self._state.recall(run, whole)
        if part and self._state.has(run, whole + part):
            return self._state.recall(run, whole + part)
        return cast(Tensor, part_at(self._state.recall(run, whole), self._inside))
