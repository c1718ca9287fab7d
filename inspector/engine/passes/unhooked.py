"""What hooks cannot tell, from one more pass without them: how many calls there are where nothing is observed, and
whose forward runs past `__call__`."""

from __future__ import annotations

import contextlib
import sys
import threading
from collections.abc import Iterator
from time import perf_counter
from types import CodeType, FrameType

from torch import nn
from torch.nn.modules.module import register_module_forward_pre_hook

from ..inputs import Sample
from ..modules.badges import has_forward
from ..modules.tree import ModuleTree, Node
from ..recording.observers import Observers
from ..recording.recorder import Cancelled
from ..restore.backup import TensorBackup
from ..source.classes import own_methods
from ..source.running import forward_of, mro
from ..torch_hooks.ours import OurHook, register
from .forward import forward
from .guarded import copy_guarded

LONGEST = 1.0
"""Seconds after which the pass is given up, at the next call of a module."""


class UnhookedPass:
    """One guarded pass with our observe hooks away. `calls` is None where it did not come to its end; `direct` are the
    nodes of `silent` whose forward ran, as far as it came, although torch's `__call__` never did."""

    def __init__(self, tree: ModuleTree, observers: Observers, silent: list[Node]) -> None:
        self.calls: int | None = None
        self.direct: set[int] = set()
        self._tree = tree
        self._observers = observers
        self._silent = {id(node.module): node.index for node in silent}
        self._forwards = {code for node in silent if (code := _forward_code(node.module)) is not None}

    def run(self, backup: TensorBackup, sample: Sample, seed: int) -> UnhookedPass:
        count = _Count(self._tree)
        trial = copy_guarded(sample)
        with self._observers.away(), self._watching():
            # transformer layers look at the hooks of modules, and not at those of the process
            handle = register(register_module_forward_pre_hook, count)
            try:
                outcome = forward(self._tree, backup, trial.args, trial.kwargs, seed=seed)
            finally:
                handle.remove()
        self.calls = count.calls if outcome.error is None else None
        return self

    @contextlib.contextmanager
    def _watching(self) -> Iterator[None]:
        """Hear of every Python function that is entered, unless somebody else listens (a profiler, a debugger)."""
        if not self._forwards or sys.getprofile() is not None:
            yield
            return
        threading.setprofile(self._entered)
        sys.setprofile(self._entered)
        try:
            yield
        finally:
            sys.setprofile(None)
            threading.setprofile(None)

    def _entered(self, frame: FrameType, event: str, argument: object) -> None:
        if event == "call" and frame.f_code in self._forwards:
            index = self._silent.get(id(frame.f_locals.get(frame.f_code.co_varnames[0])))
            if index is not None:
                self.direct.add(index)


class _Count(OurHook):
    """Counts the calls of the modules of a tree, for as long as anybody waits for that."""

    def __init__(self, tree: ModuleTree) -> None:
        super().__init__()
        self.calls = 0
        self._tree = tree
        self._deadline = perf_counter() + LONGEST

    def __call__(self, module: nn.Module, args: object) -> None:
        if perf_counter() > self._deadline:
            raise Cancelled
        self.calls += id(module) in self._tree.index_of_object


def suspects(tree: ModuleTree, called: set[int]) -> list[Node]:
    """Modules without a call that may have run all the same: one above them, that was called, names `forward`."""
    running = [tree.nodes[index] for index in sorted(called)]
    naming = {cls for cls in {type(node.module) for node in running} if _names_forward(cls)}
    above = [node.index for node in running if type(node.module) in naming]
    below = {index for start in above for index in tree.subtree(start)[1:]}
    nodes = (tree.nodes[index] for index in sorted(below - called))
    return [node for node in nodes if node.alias_of < 0 and has_forward(node.module)]


def may_run_unseen(tree: ModuleTree, node: Node) -> bool:
    """Whether a module above this one may run its forward past `__call__`, by the code of their classes."""
    above, parent = [], node.parent
    while parent >= 0:
        above.append(tree.nodes[parent])
        parent = above[-1].parent
    return has_forward(node.module) and any(_names_forward(type(holder.module)) for holder in above)


def _names_forward(cls: type) -> bool:
    """Whether a method of its own reads an attribute `forward`, other than that of a base class."""
    for base in mro(cls):
        if base is nn.Module:
            return False
        if any(_reads_forward(method.__code__) for method in own_methods(base)):
            return True
    return False


def _reads_forward(code: CodeType) -> bool:
    inner = (const for const in code.co_consts if isinstance(const, CodeType))
    return ("forward" in code.co_names and "super" not in code.co_names) or any(map(_reads_forward, inner))


def _forward_code(module: nn.Module) -> CodeType | None:
    function = forward_of(module).function
    return function.__code__ if function is not None and function.__code__.co_argcount else None
