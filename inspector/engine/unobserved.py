"""How many calls a pass makes where no module has a hook of ours: transformer layers run another way then."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

from torch import nn
from torch.nn.modules.module import register_module_forward_pre_hook

from . import passes
from .guard import Keep
from .hooks.observe import Observers
from .inputs import Sample
from .modules import ModuleTree


def calls_unobserved(tree: ModuleTree, keep: Keep, observers: Observers, sample: Sample, seed: int) -> int | None:
    """Calls of one guarded pass, counted by a hook of the whole process, which such layers do not look at; None where
    the pass fails."""
    counted = 0

    def count(module: nn.Module, args: object) -> None:
        nonlocal counted
        counted += id(module) in tree.index_of_object

    trial = sample.copy()
    with _without(observers, tree):
        handle = register_module_forward_pre_hook(count)
        try:
            outcome = passes.run(tree, keep, trial.args, trial.kwargs, seed=seed)
        finally:
            handle.remove()
    return counted if outcome.error is None else None


@contextlib.contextmanager
def _without(observers: Observers, tree: ModuleTree) -> Iterator[None]:
    """Without our observe hooks, which come back as the last ones, where they were."""
    nodes = [node for node in tree.objects() if observers.on(node)]
    for node in nodes:
        observers.remove(node)
    try:
        yield
    finally:
        for node in nodes:
            observers.add(node)
