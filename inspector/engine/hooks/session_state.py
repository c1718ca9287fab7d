"""What the hooks of one model share: the running batch, recordings, and who listens."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from typing import TYPE_CHECKING

from torch import Tensor, nn

from ..torch_hooks.blocks import Block
from .graphs import Graphs
from .tensor_file import read_tensors

if TYPE_CHECKING:
    from ..recording.recorder import Recorder


class HookState:
    """Args:
    say: Receives a line for the Log panel, or standard output.
    block: The block whose calls the hooks act on; None for every call.

    `batch` is the number of the running one, from 0; `recordings` are tensors by run and place. `graphs` are those that
    need parameters as they are, and `writing` goes around whatever writes to those of a module, or also below it.
    """

    def __init__(self, say: Callable[[str], None], block: Block | None = None) -> None:
        self.batch = 0
        self.recorder: Recorder | None = None
        self.recordings: dict[str, dict[str, Tensor]] = {}
        self.say = say
        self.block = block
        self.graphs = Graphs()
        self.writing: Callable[[nn.Module, bool], AbstractContextManager[None]] = lambda module, below: nullcontext()
        self._files: dict[str, dict[str, Tensor]] = {}
        self._later: list[Callable[[], None]] = []

    def sees(self) -> bool:
        """Whether hooks act on a call that is made here and now."""
        return self.block is None or self.block.sees()

    def took(self, module: nn.Module, seconds: float, altered: bool, entering: bool) -> None:
        """A hook of ours ran on `module` for so long, before it was entered or after it returned."""
        if self.recorder is not None:
            self.recorder.took(module, seconds, altered, entering)

    def later(self, edit: Callable[[], None]) -> None:
        """Carry out `edit` when the backward pass of the batch is over."""
        self._later.append(edit)

    def end_pass(self) -> None:
        """The batch is over, and so are its graphs: carry out what waited for that."""
        self.graphs.forget()
        self.end_batch()

    def end_batch(self) -> None:
        """The backward pass is over: carry out what waited for it."""
        waiting, self._later = self._later, []
        for edit in waiting:
            edit()

    def keep(self, run: str, key: str, tensor: Tensor, budget: int) -> None:
        kept = self.recordings.setdefault(run, {})
        size = tensor.numel() * tensor.element_size()
        others = sum(t.numel() * t.element_size() for name, t in kept.items() if name != key)
        if others + size > budget:
            raise MemoryError(f"{run!r} would take more than {budget >> 20} MB; record fewer modules")
        kept[key] = tensor.detach().clone()

    def recall(self, run: str | Mapping[str, Tensor], key: str) -> Tensor:
        """The tensor of this key. Raises `LookupError`."""
        found = self._find(run) if isinstance(run, str) else run
        if key not in found:
            name = repr(run) if isinstance(run, str) else "the recording"
            raise LookupError(f"{name} has nothing of {key}{_hint(key, list(found))}")
        return found[key]

    def _find(self, run: str) -> Mapping[str, Tensor]:
        found = self.recordings.get(run)
        if found is None and run.endswith(".safetensors"):
            found = self._files.get(run) or self._files.setdefault(run, read_tensors(run))
        if found is None:
            raise LookupError(f"nothing was recorded as {run!r}: add record({run!r}) and run")
        return found


def _hint(key: str, keys: list[str]) -> str:
    """What may have been meant, in words."""
    close = difflib.get_close_matches(key, keys, 2)
    return f"; it has {' and '.join(close)}" if close else ""
