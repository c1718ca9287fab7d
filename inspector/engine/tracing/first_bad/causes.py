"""Where a tensor went bad: at an operation, or before all of them; and which memory has been bad since when."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor
from torch.multiprocessing.reductions import StorageWeakRef

from ....records import Statistics, TensorValue, Value
from ...values.summarize import Summarizer
from ...values.unwrap import PLAIN, is_wrapped, numbers_of, outside_transforms
from ..lines import CodePlace
from .badness import Bad
from .module_calls import ModuleCall


@dataclass(eq=False)
class Origin:
    """Something bad that no operation gave: an input, a parameter, or what was written behind torch's back."""

    name: str  # "input", or as the model names it; "" for what is neither
    bad: Bad
    held: Tensor | Value
    """A parameter itself, which the guard puts back after the pass: few are asked about. Of others, what was in it."""
    is_parameter: bool = False
    is_weight: bool = False  # a parameter that is trained, or statistics of a normalization: no infinity is meant there
    taken_by: BadOp | None = None  # the operation that it went into, where it is neither

    @property
    def value(self) -> Value:
        """What was in it; of a parameter, before the pass."""
        if isinstance(self.held, Tensor):
            self.held = Summarizer().describe_now(self.held)
        return self.held

    @property
    def is_unseen(self) -> bool:
        """Whether somebody wrote it while the pass ran: of a parameter, which was fine before."""
        found = _statistics(self.value)
        return not self.name or (self.is_parameter and found is not None and not found.nan and not found.inf)

    @property
    def is_infinite(self) -> bool:
        """Whether it is infinite as a whole."""
        found = _statistics(self.value)
        return self.bad is Bad.INFINITE and found is not None and found.min is None

    @property
    def is_mask(self) -> bool:
        """Whether its infinities are meant: they are beside zeros, as in what is added to scores, or are all that a
        buffer holds, or are the one number that masks are filled with."""
        if self.bad is not Bad.INFINITE or self.is_weight:
            return False
        is_one = isinstance(self.value, TensorValue) and math.prod(self.value.shape) == 1
        return holds_mask(self.value) or (self.is_infinite and (self.is_parameter or is_one))


@dataclass(eq=False)
class BadOp:
    """An operation that gave something bad.

    `causes` are where what it was given went bad, empty where all of that is fine.
    """

    number: int  # among all operations of the pass, from 0
    name: str  # "torch.nn.functional.gelu"
    bad: Bad
    place: CodePlace | None
    call: ModuleCall
    step: int
    fills: bool  # infinity is what it was told to write
    inputs: tuple[Value, ...]  # of one that something may begin at; else empty
    output: Value | None
    parameters: tuple[str, ...]
    largest_number: float  # among the plain numbers that it was given; one that is not finite, if there is one
    zero_number: bool  # one of them, behind the first argument, is 0
    in_loss: bool
    causes: list[Where] = field(default_factory=list)

    @property
    def is_like_mask(self) -> bool:
        """Whether it is a logarithm of zeros and ones, whose result is -inf and 0: somebody's mask, or a mistake."""
        if self.bad is not Bad.INFINITE or self.causes or not self.name.rpartition(".")[2].startswith("log"):
            return False
        return holds_mask(self.output)


def holds_mask(value: Value | None) -> bool:
    """Whether the finite numbers of a tensor are zeros, of which there are some: so is what is added to scores."""
    found = _statistics(value)
    return found is not None and found.min == found.max == 0.0


def _statistics(value: Value | None) -> Statistics | None:
    return value.statistics if isinstance(value, TensorValue) else None


Where = BadOp | Origin


class BadMemory:
    """Since when which memory holds something bad. Memory that is freed is never taken for other memory that comes to
    lie at the same place: what names it is kept, and nothing of what is in it."""

    _FEW = 1_000

    def __init__(self) -> None:
        self._since: dict[int, tuple[Where, StorageWeakRef | None]] = {}
        self._most = self._FEW

    def __bool__(self) -> bool:
        return bool(self._since)

    def find(self, tensor: Tensor) -> Where | None:
        """Where it went bad, as far as that was told."""
        found = self._since.get(memory_of(tensor)) if self._since else None
        return found[0] if found is not None else None

    def take(self, tensor: Tensor, where: Where) -> None:
        """Its memory holds something bad from now on."""
        storage = _storage_of(tensor)
        if storage is None:
            self._since[id(tensor)] = where, None
        else:
            self._since[storage._cdata] = where, StorageWeakRef(storage)  # type: ignore[no-untyped-call]
        if len(self._since) > self._most:
            self._forget_freed()

    def forget(self, tensor: Tensor) -> None:
        """All of its memory is fine."""
        self._since.pop(memory_of(tensor), None)

    def _forget_freed(self) -> None:
        self._since = {memory: held for memory, held in self._since.items() if not _is_freed(held[1])}
        self._most = 2 * max(self._FEW, len(self._since))


def _is_freed(kept: StorageWeakRef | None) -> bool:
    return kept is not None and bool(kept.expired())  # type: ignore[no-untyped-call]


def memory_of(tensor: Tensor) -> int:
    """What tensors that share memory have in common."""
    storage = _storage_of(tensor)
    return id(tensor) if storage is None else int(storage._cdata)


def _storage_of(tensor: Tensor) -> Any:
    """None where there is none."""
    try:
        if type(tensor) not in PLAIN or is_wrapped(tensor):
            with torch._C.DisableTorchFunctionSubclass(), outside_transforms():
                inner = numbers_of(tensor)[0]
                tensor = tensor if inner is None else inner
        return tensor.untyped_storage()
    except Exception:  # a tensor may refuse any question
        return None
