"""The guard around whatever runs a model: random states seeded before it, model and process put back after it."""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, replace
from time import perf_counter
from typing import Generic, TypeVar

import torch

from ...raised import tame
from ...text import encodable
from ..inputs import Sample
from ..modules.tree import ModuleTree
from ..restore.backup import TensorBackup
from ..restore.guard import Snapshot
from ..restore.process.names import Builtins
from ..restore.process.random_states import cuda_in_use, seed_everything
from ..restore.process.state import ProcessState
from ..restore.turn import TURN
from ..torch_hooks.eager import run_eagerly
from ..torch_hooks.graph_end import let_go, take_graph
from ..values.collector import collecting_as_suits

Output = TypeVar("Output")
Seen = TypeVar("Seen")


@dataclass(frozen=True)
class Outcome(Generic[Seen]):
    """What became of one run. `error` is None exactly when the model returned; `ms` are without what looked at the
    output. What the run changed is told in words, where it was put back and where it cannot be."""

    ms: float
    output: Seen | None
    error: BaseException | None
    restored: tuple[str, ...] = ()
    not_restored: tuple[str, ...] = ()


def run_guarded(
    tree: ModuleTree,
    backup: TensorBackup,
    run: Callable[[], Output],
    see: Callable[[Output], Seen],
    *,
    seed: int,
    grad: bool = False,
    prepare: Callable[[], object] = lambda: None,
    around: AbstractContextManager[object] | None = None,
    tell: Callable[[Outcome[Seen]], object] | None = None,
    again: bool = False,
) -> Outcome[Seen]:
    """Run a model with every random state seeded, then leave it and the process as they were. Never raises for what
    the model does.

    Args:
        tree: The model.
        backup: Copies of its tensors to restore from.
        run: Calls the model.
        see: Given what `run` gave before anything is put back; its result is `Outcome.output`.
        seed: For Python, numpy and torch.
        grad: Record gradients meanwhile.
        prepare: Called before `run`, and its time is not counted.
        around: Entered right before `run` and left right after it; nor is the time of that.
        tell: Told of a run that went well before it is put back, which may take longer than the run: all but what our
            own code would trip over. What the run changed is not known by then.
        again: See `Snapshot`.
    """
    with TURN.hold("a pass"):
        around = around if around is not None else nullcontext()
        return _run(tree, Snapshot(tree, backup, again), run, see, seed, grad, prepare, around, tell)


def _run(
    tree: ModuleTree,
    before: Snapshot,
    run: Callable[[], Output],
    see: Callable[[Output], Seen],
    seed: int,
    grad: bool,
    prepare: Callable[[], object],
    around: AbstractContextManager[object],
    tell: Callable[[Outcome[Seen]], object] | None,
) -> Outcome[Seen]:
    builtins, process = Builtins(), os.getpid()
    error: BaseException | None = None
    seen: Seen | None = None
    began = ended = perf_counter()
    try:
        with torch.set_grad_enabled(grad), run_eagerly(tree), TURN.run(tree), before.others.watch():
            prepare()
            seed_everything(seed)
            with around, collecting_as_suits(len(tree.nodes)):
                began = perf_counter()
                output = run()
                _synchronize()
                ended = perf_counter()
        seen = see(output)
        nodes = take_graph(output)
        del output
        let_go(nodes)
    except BaseException as raised:  # whatever a model does, KeyboardInterrupt and SystemExit included, is its result
        ended = perf_counter()
        error = tame(raised)
    shadowed = builtins.restore()
    if os.getpid() != process:
        os._exit(1)  # a copy of this process that the model made: it has no engine to go back to
    outcome = Outcome((ended - began) * 1e3, seen, error)
    try:
        if tell is not None and error is None:
            before.restore_first()
            tell(outcome)
    finally:
        restored, lost = before.restore(error)
    restored = ["builtins", *restored] if shadowed else restored
    return replace(outcome, restored=_shorten(restored), not_restored=_shorten(lost))


def copy_guarded(sample: Sample) -> Sample:
    """A copy, with the process as before: copying may run code of the objects in it, as a pass does."""
    process = ProcessState()
    try:
        return sample.copy()
    finally:
        process.restore()


def forget(output: object) -> None:
    """For `run_guarded`, where nobody looks at the output."""


def _synchronize() -> None:
    """A device works on after the call returned; its time belongs to the pass."""
    if cuda_in_use():
        torch.cuda.synchronize()


def _shorten(words: list[str], limit: int = 50) -> tuple[str, ...]:
    more = len(words) - limit
    return tuple(encodable(word, 200) for word in words[:limit]) + ((f"and {more} more",) if more > 0 else ())
