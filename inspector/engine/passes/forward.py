"""One call of a model, heard by hooks that report to a recorder; plain, or under the guard."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from typing import Any, Protocol

from ..modules.tree import ModuleTree
from ..recording.observers import Observers
from ..recording.recorder import Recorder
from ..restore.backup import TensorBackup
from .guarded import Outcome, forget, run_guarded


class Listener(Protocol):
    """Hooks that report to whatever recorder they are given."""

    recorder: Recorder | None


def forward(
    tree: ModuleTree,
    backup: TensorBackup,
    args: tuple[Any, ...],
    kwargs: dict[str, Any],
    *,
    seed: int,
    listeners: Sequence[Listener] = (),
    recorder: Recorder | None = None,
) -> Outcome[None]:
    """A guarded forward pass without gradients.

    Args:
        tree: The model.
        backup: Copies of its tensors to restore from.
        args: Positional inputs; the pass may write to them, so hand it a copy.
        kwargs: Keyword inputs, likewise.
        seed: For Python, numpy and torch.
        listeners: Report to `recorder` during the pass.
        recorder: Is finished when this returns.
    """

    def run() -> Any:
        with listening(listeners, recorder):
            return call_root(tree, args, kwargs, listeners, recorder)

    outcome = run_guarded(tree, backup, run, forget, seed=seed)
    if recorder is not None:
        recorder.finish(outcome.error)
    return outcome


@contextlib.contextmanager
def listening(listeners: Sequence[Listener], recorder: Recorder | None) -> Iterator[None]:
    """For a while, what the listeners hear is reported to `recorder`."""
    for listener in listeners:
        listener.recorder = recorder
    try:
        yield
    finally:
        for listener in listeners:
            listener.recorder = None


def call_root(
    tree: ModuleTree,
    args: tuple[Any, ...],
    kwargs: dict[str, Any],
    listeners: Sequence[Listener],
    recorder: Recorder | None,
) -> Any:
    """One call of the model; recorded from outside where it refuses the hooks that would record it."""
    root = tree.root
    if recorder is None or not any(isinstance(each, Observers) and 0 in each.refused for each in listeners):
        return root(*args, **kwargs)
    recorder.enter(root, args, kwargs)
    try:
        output = root(*args, **kwargs)
    except Exception:  # as a hook that is always called sees it
        recorder.leave(root, None)
        raise
    recorder.leave(root, output)
    return output
