"""One copy of every tensor of a model for the whole session, within a budget: a write through `.data` moves no version
counter and can be found only by comparing.

A person who opens a model waits for its tree, and not for copies: those are made when nothing else is asked for, and at
the latest before anything runs or writes.
"""

from __future__ import annotations

from collections import deque
from dataclasses import fields

import torch
from torch import Tensor

from ...records import Work
from ..modules.tree import ModuleTree
from ..usercode.telling import Tell, now_and_then, tell_nobody
from ..values.collector import without_collector
from ..values.unwrap import is_lazy, read
from .bits import real_elements, stored_bytes
from .found import Found
from .kept_tensor import LOST, KeptTensor, keeps_gradient
from .kinds.held_tensors import HeldTensor
from .module_groups import ModuleGroups
from .others import OtherThreads
from .reach import Reach, name_tensors, script_tensors
from .room import Room
from .tensor_groups import TensorGroup, group_tensors
from .unwritten import find_unwritten

_OF_OTHERS = f"values (another thread writes to the model too: {LOST}"
_GRADIENT_OF_OTHERS = f"grad (another thread writes to the model too: {LOST}"
_SHARED = f"grad (another thread may run a backward pass too: {LOST}"

BUDGET = 4 << 30
"""Bytes of tensors copied at most, and never more than half of the memory that is free; larger ones are watched by
version counters and cannot be put back."""


LARGE = 1 << 28
"""Bytes of copies with which a person notices how long the comparison takes."""


class TensorBackup:
    """Copies of the tensors of a model, made once, and in `modules` its modules as they were last. `not_copied` are the
    bytes past the budget; `is_cut` says that not all that the model reaches is looked at, and `had_others` that there
    were other threads at any time: they may have written between two passes, and ended since. `found` is what the last
    snapshot found, where it was so afterwards and nobody may have changed it since, and `is_alone` says that whoever
    changes the model between two passes takes that away.

    Args:
        tree: The model.
        budget: Bytes that are copied at most.
        tell: Hears how far that is, whenever it is done.
    """

    def __init__(self, tree: ModuleTree, budget: int = BUDGET, tell: Tell = tell_nobody) -> None:
        others = OtherThreads(tree)
        self._gradients = not (others and others.are_busy())
        self.had_others = bool(others)
        self.modules = ModuleGroups(tree)
        self.found: Found | None = None
        self.is_alone = False
        self.not_copied = 0
        self._room = Room(budget)
        self._tell = tell
        self._bytes = self._done = 0  # that are to be copied, and that are
        self._due: deque[tuple[KeptTensor, int]] = deque()  # to be copied yet, and their bytes
        self._tensors: list[KeptTensor] = []
        self._by_id: dict[int, KeptTensor] = {}
        self._groups: list[TensorGroup] | None = None  # of the tensors as they are kept now
        self._lost: dict[str, None] = {}  # what was found by `restore_restless`, and is told once
        with torch._C.DisableTorchFunctionSubclass(), without_collector():
            reach = Reach(tree, self.modules)
            self.is_cut = reach.is_cut
            self._keep([*name_tensors(reach.tensors), *script_tensors(tree)])

    @property
    def is_large(self) -> bool:
        """Whether it takes long to compare all of it."""
        return self._bytes >= LARGE

    def copy_next(self) -> bool:
        """Copy one more tensor; whether there was one."""
        if not self._due:
            return False
        kept, size = self._due.popleft()
        with torch._C.DisableTorchFunctionSubclass():
            kept.take_copy()
        self._done += size
        return True

    def complete(self) -> None:
        """Copy what is not copied yet: to be called before anything runs or writes."""
        tell = now_and_then(self._tell)
        while self.copy_next():
            tell(Work("copying weights", self._done, self._bytes, "bytes"))

    def meet(self, tensors: list[HeldTensor]) -> None:
        """What is kept is copied, and those of them that are new here are kept from now on, as they are now."""
        new = [held for held in tensors if id(held.owner) not in self._by_id]
        if new:
            with torch._C.DisableTorchFunctionSubclass():
                self._keep(name_tensors(new))
        self.complete()

    def _keep(self, found: list[tuple[str, Tensor]]) -> None:
        if self._gradients:
            gradients = [(f"{name}.grad", gradient) for name, tensor in found for gradient in _gradient(tensor)]
            found = [*found, *((name, each) for name, each in gradients if id(each) not in self._by_id)]
        sizes = [stored_bytes(tensor) for _, tensor in found]
        copied = self._choose(found, sizes)
        self.not_copied += sum(size for index, size in enumerate(sizes) if index not in copied)
        self._bytes += sum(sizes[index] for index in copied)
        kept = [KeptTensor.of(*named, self._gradients) for named in found]
        self._due += ((kept[index], sizes[index]) for index in sorted(copied))
        self._tensors += kept
        self._by_id.update((id(each.tensor), each) for each in kept)
        self._groups = None

    def _choose(self, found: list[tuple[str, Tensor]], sizes: list[int]) -> set[int]:
        """Which there is room for. Small ones first: BatchNorm writes its own without moving a version counter."""
        by_size = sorted(range(len(sizes)), key=sizes.__getitem__)
        return {index for index in by_size if self._room.take(read(found[index][1], "device"), sizes[index])}

    def accept(self, tensor: Tensor) -> None:
        """What this tensor holds now is what it is restored to from now on."""
        kept = self._by_id.get(id(tensor))
        if kept is not None and kept.copy is not None and kept.alias is not None:
            kept.copy.copy_(real_elements(kept.alias))

    def named_tensors(self) -> list[tuple[str, Tensor]]:
        """The tensors, and what each is called."""
        return [(kept.name, kept.tensor) for kept in self._tensors]

    def restore_restless(self, restless: set[int] | None, others: OtherThreads) -> set[int]:
        """Put back what is in `restless`, and what was written to: much quicker than to compare everything, which is
        done for None. Gives what is restless from now on."""
        with torch._C.DisableTorchFunctionSubclass():
            if restless is None:
                return {id(kept) for kept in self._tensors if self._put_back(kept, others)}
            for kept in self._tensors:
                if id(kept) in restless or kept.is_written:
                    self._put_back(kept, others)
        return restless

    def _put_back(self, kept: KeptTensor, others: OtherThreads) -> bool:
        """Whether anything had changed."""
        changed = _try_restore(kept, others)
        self._lost.update((f"{kept.name}: {what}", None) for what in changed if what.endswith(LOST))
        return bool(changed)

    def take_over(self, others: OtherThreads) -> None:
        """What was written since, from other threads, is what the tensors are restored to from now on."""
        gradients = not others.are_busy()
        with torch._C.DisableTorchFunctionSubclass():
            for kept in self._tensors:
                if _has_changed(kept) or kept.keeps_gradient != gradients:
                    _renew(kept, gradients)
        self._groups = None

    def leave_to(self, others: OtherThreads) -> list[str]:
        """What other threads wrote stays theirs, and so does what they and the pass may both have written. Returns what
        is left, in words."""
        if not others.ran():
            return []
        with torch._C.DisableTorchFunctionSubclass():
            changed = [kept for kept in self._tensors if _has_changed(kept)]
            if not others.called and not any(_is_theirs(kept, others) for kept in changed):
                return []
            for kept in self._tensors:
                kept.keeps_gradient = False
            for kept in changed:
                _renew(kept, gradient=False)
        self._groups = None
        return [f"{kept.name}: {_OF_OTHERS}" for kept in changed]

    def restore(self, others: OtherThreads | None = None) -> list[str]:
        """Put back what changed, but not what may be of others. Returns it in words: "layer1.0.bn1.running_mean:
        values". Where nothing ran or wrote yet, there is nothing to put back."""
        if self._due:
            return []
        lost, self._lost = self._lost, {}
        with torch._C.DisableTorchFunctionSubclass():
            tensors = self._tensors if others else self._find_suspects()
            same = set() if others else find_unwritten(tensors)
            changed = ((kept, _try_restore(kept, others, id(kept) in same)) for kept in tensors)
            return [*lost, *(f"{kept.name}: {what}" for kept, words in changed for what in words)]

    def _find_suspects(self) -> list[KeptTensor]:
        """The tensors that may have changed, as they come."""
        if self._groups is None:
            self._groups = group_tensors(self._tensors)
        same = {id(kept) for group in self._groups if group.is_same() for kept in group.kept}
        return [kept for kept in self._tensors if id(kept) not in same]


def _is_theirs(kept: KeptTensor, others: OtherThreads) -> bool:
    """Whether the pass cannot have changed it."""
    return kept.has_other_values() and not others.pass_wrote(kept.place)


def _gradient(tensor: Tensor) -> list[Tensor]:
    if is_lazy(tensor) or not keeps_gradient(tensor):
        return []
    gradient = read(tensor, "grad")
    return [] if gradient is None else [gradient]


def _renew(kept: KeptTensor, gradient: bool) -> None:
    copied = kept.copy is not None
    now = KeptTensor.of(kept.name, kept.tensor, gradient)
    for each in fields(now):
        setattr(kept, each.name, getattr(now, each.name))
    if copied:
        kept.take_copy()


def _has_changed(kept: KeptTensor) -> bool:
    try:
        return kept.has_changed()
    except Exception:  # a tensor may refuse any operation; `restore` says so
        return False


def _try_restore(kept: KeptTensor, others: OtherThreads | None, is_same: bool = False) -> list[str]:
    try:
        return _restore_beside(kept, others) if others else list(kept.restore(is_same))
    except Exception as error:  # as in `of`; the others are still put back
        return [f"{type(error).__name__} while comparing ({LOST}"]


def _restore_beside(kept: KeptTensor, others: OtherThreads) -> list[str]:
    """They may write at any moment: what has not changed is not touched, and what has is asked about before it is."""
    words: list[str] = []
    if kept.has_changed():
        if not others.pass_wrote(kept.place) and others.ran():
            _renew(kept, kept.keeps_gradient)
            return [_OF_OTHERS]
        words += kept.restore_itself()
    return words + _restore_gradient_beside(kept, others)


def _restore_gradient_beside(kept: KeptTensor, others: OtherThreads) -> list[str]:
    """After a backward pass of theirs alone it is theirs; where the pass ran one, too, it is of both."""
    if not kept.keeps_gradient:
        return [_SHARED] if others.share_gradients and kept.requires_grad and kept.tensor.is_leaf else []
    if not kept.has_other_gradient():
        return []
    if others.may_have_gradients():
        kept.keeps_gradient = False
        return [_GRADIENT_OF_OTHERS]
    if others.share_gradients and others.called and others.ran():
        kept.keeps_gradient = False
        return [_SHARED]
    return list(kept.restore_gradient())
