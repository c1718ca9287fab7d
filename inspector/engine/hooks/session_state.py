"""What the hooks of one model share: the running step, recordings, and who listens."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from typing import TYPE_CHECKING, NamedTuple

from torch import Tensor, nn

from ...errors import UsageError
from ..torch_hooks.blocks import Block
from .graphs import Graphs
from .hook import Hook
from .steps import StepCounter
from .tensor_file import read_tensors

if TYPE_CHECKING:
    from ..recording.recorder import Recorder


class Kept(NamedTuple):
    """Where a recorded tensor is kept: under `key` of a run. `place` is the module and what of it was recorded."""

    run: str
    place: str
    key: str


FindBaseline = Callable[[nn.Module, tuple[int, int], object], Mapping[int, Tensor]]
"""Given a module, step and call, and the output: what its tensors were in the baseline, by their `id`; those that are
the same are left out."""


class HookState:
    """Args:
    say: Receives a line for the Log panel, or standard output.
    block: The block whose calls the hooks act on; None for every call.

    `steps` counts the calls of the model; `recordings` are tensors by run and key. `graphs` are those that need
    parameters as they are, and `writing` goes around whatever writes to those of a module, or also below it.
    `find_baseline` is None where nothing is compared with one.
    """

    def __init__(self, say: Callable[[str], None], block: Block | None = None) -> None:
        self.steps = StepCounter(self._end_step, block)
        self.recorder: Recorder | None = None
        self.recordings: dict[str, dict[str, Tensor]] = {}
        self.say = say
        self.block = block
        self.graphs = Graphs()
        self.find_baseline: FindBaseline | None = None
        self.writing: Callable[[nn.Module, bool], AbstractContextManager[None]] = lambda module, below: nullcontext()
        self._nbytes: dict[str, int] = {}  # of each run
        self._files: dict[str, dict[str, Tensor]] = {}
        self._later: list[Callable[[], None]] = []
        self._kept: list[Kept] = []  # in this pass
        self._passing: list[Kept] = []  # in this step alone
        self._older: dict[tuple[str, str], list[str]] = {}  # keys of earlier passes, by run and place

    def find_then(self, hook: Hook, module: nn.Module, turn: tuple[int, int], output: object) -> Mapping[int, Tensor]:
        """See `FindBaseline`; of a hook that compares with none, nothing."""
        compares = hook.condition is not None and hook.condition.needs_baseline
        return self.find_baseline(module, turn, output) if compares and self.find_baseline is not None else {}

    def check(self, hook: Hook) -> None:
        """Raises `UsageError` where it compares with a baseline, and there is none."""
        if hook.condition is not None and hook.condition.needs_baseline and self.find_baseline is None:
            raise UsageError("there is no baseline here to compare with", hint="the app has one, and --hook")

    @property
    def step(self) -> int:
        """The running step, or the last one; from 0."""
        return self.steps.number

    def start(self) -> None:
        """Another pass begins. What was recorded before stays until its place is recorded anew."""
        self.steps.start()
        for kept in self._kept:
            self._older.setdefault((kept.run, kept.place), []).append(kept.key)
        self._kept, self._passing = [], []

    def sees(self) -> bool:
        """Whether hooks act on a call that is made here and now."""
        return self.block is None or self.block.sees()

    def took(self, module: nn.Module, seconds: float, altered: bool, entering: bool) -> None:
        """A hook of ours ran on `module` for so long, before it was entered or after it returned."""
        if self.recorder is not None:
            self.recorder.took(module, seconds, altered, entering)

    def later(self, edit: Callable[[], None]) -> None:
        """Carry out `edit` when the backward pass of the step is over."""
        self._later.append(edit)

    def end_pass(self) -> None:
        """The step is over, and so are its graphs: carry out what waited for that."""
        self.graphs.forget()
        self.end_step()

    def end_step(self) -> None:
        """The backward pass is over: carry out what waited for it."""
        waiting, self._later = self._later, []
        for edit in waiting:
            edit()

    def _end_step(self) -> None:
        """Another step begins, so that this one is not the last."""
        self.end_step()
        if self.recorder is not None:
            self.recorder.end_step()
        for kept in self._passing:
            self._drop(kept.run, kept.key)
        self._passing = []

    def keep(self, kept: Kept, tensor: Tensor, budget: int, last: bool = False) -> None:
        """Keep a copy of a tensor; with `last`, until another step begins.

        Raises:
            MemoryError: All of the run would take more than `budget` bytes.
        """
        run = self.recordings.setdefault(kept.run, {})
        if kept.run not in self._nbytes:  # it may have come from a file
            self._nbytes[kept.run] = sum(map(_nbytes, run.values()))
        for key in (kept.key, *self._older.pop((kept.run, kept.place), ())):
            self._drop(kept.run, key)
        nbytes = self._nbytes.get(kept.run, 0) + _nbytes(tensor)
        if nbytes > budget:
            raise MemoryError(f"{kept.run!r} would take more than {budget >> 20} MB; record fewer modules")
        self._nbytes[kept.run] = nbytes
        run[kept.key] = tensor.detach().clone()
        self._kept.append(kept)
        if last:
            self._passing.append(kept)

    def _drop(self, run: str, key: str) -> None:
        """What was kept there, if anything was."""
        tensor = self.recordings[run].pop(key, None)
        if tensor is not None:
            self._nbytes[run] -= _nbytes(tensor)

    def recall(self, run: str | Mapping[str, Tensor], key: str) -> Tensor:
        """The tensor of this key. Raises `LookupError`."""
        found = self._find(run) if isinstance(run, str) else run
        if key not in found:
            name = repr(run) if isinstance(run, str) else "the recording"
            raise LookupError(f"{name} has nothing of {key}{_hint(key, list(found))}")
        return found[key]

    def has(self, run: str | Mapping[str, Tensor], key: str) -> bool:
        """Whether `recall` would give one."""
        return key in (self._find(run) if isinstance(run, str) else run)

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


def _nbytes(tensor: Tensor) -> int:
    return tensor.numel() * tensor.element_size()
