"""A model run again and again, each time as if it were the first."""

from __future__ import annotations

import contextlib
import random
import sys
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol, TypeVar

import torch
from torch import Tensor, nn

from ...errors import UsageError
from ..inputs.sample import Sample, sample_from_values
from ..modules.tree import ModuleTree
from ..restore.backup import TensorBackup
from ..restore.guard import Snapshot
from ..restore.process.random_states import cuda_in_use, seed_everything
from ..restore.turn import TURN
from ..torch_hooks.blocks import Block
from ..values.nested import own_copy

Run = Callable[[nn.Module], Any]
"""Runs a model on some input, and gives its output."""

STAYS = "a run changed, and stays changed: "

_SIMPLE = (Tensor, int, float, bool, type(None))


def make_run(given: Any) -> Run:
    """What runs a model on `given`: one tensor or other value, a tuple of positional arguments, a mapping of keyword
    arguments, or a function of the model that runs it itself. The input is copied for each run."""
    if callable(given) and not isinstance(given, (Tensor, nn.Module, Mapping)):
        run: Run = given
        return run
    args, kwargs = _split(given)
    tensors = sum(type(value) is Tensor for value in (*args, *kwargs.values()))  # of several, some may share memory
    if tensors <= 1 and all(type(value) in _SIMPLE for value in (*args, *kwargs.values())):
        return lambda model: model(*map(_copy, args), **{name: _copy(value) for name, value in kwargs.items()})
    return OnCopies(sample_from_values(args, kwargs))


class OnCopies:
    """Runs a model on copies of a sample. `changes` says what the runs did to parts of it that cannot be copied."""

    def __init__(self, sample: Sample) -> None:
        self._sample = sample
        self._prepared: Sample | None = None
        self.changes: dict[str, None] = {}

    def __call__(self, model: nn.Module) -> Any:
        if self._prepared is None:
            self._prepared = self._sample.of(model)
        fresh = self._prepared.copy()
        try:
            return model(*fresh.args, **fresh.kwargs)
        finally:
            self.changes.update(dict.fromkeys(words for each in fresh.shared for words in each.find_changes()))


def _split(given: Any) -> tuple[tuple[Any, ...], dict[str, Any]]:
    if type(given) is tuple:
        return given, {}
    if isinstance(given, Mapping):
        if not all(isinstance(name, str) for name in given):
            raise UsageError("a mapping as input holds keyword arguments by name", hint="a dict as one argument: (it,)")
        return (), dict(given)
    return (given,), {}


def _copy(value: Any) -> Any:
    return own_copy(value) if isinstance(value, Tensor) else value


class Handle(Protocol):
    """Of a hook that was put on."""

    def remove(self) -> None: ...


Put = Callable[[], Sequence[Handle]]
"""Puts hooks on, and gives their handles."""
Seen = TypeVar("Seen")


class Runs:
    """Runs of one model, from one seed, between `__enter__` and `__exit__`; afterwards it is as it was before.

    Args:
        tree: The model.
        seed: For Python, numpy and torch before each run.
        grad: Record gradients.
        backup: Copies of its tensors, if there are some already.

    `notes` says what could not be put back in time. Calls of other threads are not seen, as with any `block`; compiled
    models run eagerly.
    """

    def __init__(self, tree: ModuleTree, seed: int, grad: bool, backup: TensorBackup | None = None) -> None:
        self._tree = tree
        self._seed = seed
        self._grad = grad
        self._backup = backup or TensorBackup(tree)
        self._generator: Tensor | None = None
        self.block = Block(tree, strangers=False)
        self.notes: tuple[str, ...] = ()

    def __enter__(self) -> Runs:
        with contextlib.ExitStack() as entered:
            entered.enter_context(TURN.hold("a sweep"))
            self.block.enter()
            entered.callback(self.block.leave)
            self._snapshot = Snapshot(self._tree, self._backup)
            self._entered = entered.pop_all()
        return self

    def __exit__(self, kind: object, error: BaseException | None, traceback: object) -> None:
        with self._entered:
            self.block.leave()
            self._restore(error)

    def _restore(self, error: BaseException | None) -> None:
        late, lost = self._snapshot.restore(error)
        at_end = (f"{words}, by a later run than the first: put back at the end only" for words in late)
        self.notes = (*at_end, *(f"{STAYS}{words}" for words in lost))

    def run(self, run: Run, see: Callable[[Any], Seen], put: Sequence[Put] = ()) -> Seen:
        """One run: gives what `see` makes of its output, and puts back what the run changed.

        Args:
            run: Runs the model.
            see: Is given the output before anything is put back.
            put: Put hooks on for this run, and give their handles.

        Raises:
            Exception: Whatever `run` and `see` raise.
        """
        self._reseed()
        try:
            with torch.set_grad_enabled(self._grad), TURN.run(self._tree), self._snapshot.others.watch():
                return see(self._call(run, put))
        finally:
            self._snapshot.restore_restless()

    def _call(self, run: Run, put: Sequence[Put]) -> Any:
        handles: list[Handle] = []
        try:
            for each in put:
                handles += each()
            return run(self._tree.root)
        finally:
            for handle in handles:
                handle.remove()

    def _reseed(self) -> None:
        """Seeding torch takes as long as a small layer; its state does not."""
        if self._generator is None or cuda_in_use() or torch.backends.mps.is_available():
            seed_everything(self._seed)
            self._generator = torch.get_rng_state()
            return
        random.seed(self._seed)
        if "numpy" in sys.modules:
            sys.modules["numpy"].random.seed(self._seed % 2**32)
        torch.set_rng_state(self._generator)
