"""The parameters that a hook or an edit is about, and how they are written."""

from __future__ import annotations

import contextlib
import fnmatch
from collections.abc import Iterator, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from ..modules.tree import own_tensors
from ..torch_hooks.ours import OurHandle, OurHook, register
from .graphs import Graphs, in_backward
from .session_state import HookState

BUSY = (
    "the graph of an earlier call still needs {} as it is, and its backward pass would raise: run backward before the "
    "next call, or say call=0 to write once in a step"
)
RECOMPUTED = (
    "this call is computed again for the backward pass, with parameters that were written to since: its gradients are "
    "not those of the call. Say call=0 and at='before' to write once in a step, or leave checkpointing off"
)


def find_parameters(module: nn.Module, pattern: str) -> list[tuple[str, Tensor]]:
    """The module's own parameters whose name matches the glob; without one, those of floating numbers."""
    own = own_tensors(module, "_parameters")
    if not pattern:
        return [(name, tensor) for name, tensor in own if tensor.is_floating_point() or tensor.is_complex()]
    found = [(name, tensor) for name, tensor in own if fnmatch.fnmatchcase(name, pattern)]
    if not found:
        raise LookupError(f"{type(module).__name__} has no parameter {pattern!r} of its own")
    return found


def write_parameters(new: Sequence[tuple[str, Tensor, Tensor]], graphs: Graphs) -> None:
    """Write each parameter's new elements in place; all of them or, where one cannot be, none.

    Args:
        new: Names, parameters, and what they become.
        graphs: Those that may still need them.

    Raises:
        RuntimeError: A graph needs one of them.
    """
    changed = [(name, parameter, elements) for name, parameter, elements in new if elements is not parameter]
    busy = [name for name, parameter, _ in changed if graphs.need(parameter)]
    if busy:
        raise RuntimeError(BUSY.format(" and ".join(busy)))
    with torch.no_grad():
        for _, parameter, elements in changed:
            parameter.copy_(elements)
    if changed:
        torch.clear_autocast_cache()  # it keeps a parameter as it was when it was cast


@contextlib.contextmanager
def telling_busy(module: nn.Module, graphs: Graphs) -> Iterator[None]:
    """Around a function that may write to the module's parameters.

    Raises:
        RuntimeError: It wrote to one that a graph needs.
    """
    needed = [(name, tensor) for name, tensor in own_tensors(module, "_parameters") if graphs.need(tensor)]
    before = [_version(tensor) for _, tensor in needed]
    yield
    torch.clear_autocast_cache()
    busy = [name for (name, tensor), version in zip(needed, before, strict=True) if _version(tensor) != version]
    if busy:
        raise RuntimeError(f"{' and '.join(busy)} was written to: {BUSY.format('it')}")


def _version(tensor: Tensor) -> int:
    """A count that an operation in place moves on."""
    return 0 if tensor.is_inference() else tensor._version


class GraphWatch:
    """Of one module with a hook on its parameters: which graphs of its calls need them, and whether a call that is
    computed again for the backward pass would still be the same."""

    def __init__(self, module: nn.Module, state: HookState) -> None:
        self._module = module
        self._state = state
        self._looking: OurHandle | None = None
        self._stale = -1  # the step whose calls would be computed with other parameters

    def start(self) -> None:
        """Another pass, or run of batches, begins."""
        self._stale = -1
        self.stop_looking()

    def look(self, note: OurHook) -> None:
        """Have `note` called when the call that begins now returns."""
        self.stop_looking()
        self._looking = register(self._module.register_forward_hook, note, with_kwargs=True)

    def stop_looking(self) -> None:
        """The call returned; where it raised, what waits for it is still there."""
        if self._looking is not None:
            self._looking.remove()
            self._looking = None

    def note(self, output: Any, given: Any) -> None:
        """A call that was given `given` returned `output`."""
        self.stop_looking()
        self._state.graphs.note(output, given, [tensor for _, tensor in own_tensors(self._module, "_parameters")])

    def written(self, late: bool) -> None:
        """A hook wrote to the parameters; `late` where a call of this step had begun before."""
        self._stale = self._state.step if late else self._stale

    def computes_again(self) -> bool:
        """Whether the call that begins now was made before, and its parameters were written then.

        Raises:
            RuntimeError: They were written to since.
        """
        if in_backward() and self._stale == self._state.step:
            raise RuntimeError(RECOMPUTED)
        return in_backward()
