"""Generators of random numbers that are objects of their own."""

from __future__ import annotations

import random
import sys
from abc import abstractmethod
from collections.abc import Iterator
from typing import Any

import torch

from .kind import Budget, Change, Kept, Parts
from .origin import module_of


class _KeptRandom(Kept):
    __slots__ = ("state",)

    def __init__(self, owner: Any, budget: Budget) -> None:
        super().__init__(owner, budget)
        self.state = self.read()

    @abstractmethod
    def read(self) -> Any:
        """Its state."""

    @abstractmethod
    def write(self) -> None:
        """Give it the state that it had."""

    def restore(self) -> Iterator[Change]:
        if not _equal(self.read(), self.state):
            self.write()
            yield Change()


class KeptTorchGenerator(_KeptRandom):
    __slots__ = ()

    @classmethod
    def claims(cls, kind: type) -> bool:
        return issubclass(kind, torch.Generator)

    def read(self) -> Any:
        return torch.Generator.get_state(self.owner)

    def write(self) -> None:
        torch.Generator.set_state(self.owner, self.state)


class KeptPythonRandom(_KeptRandom):
    """That of the system has no state."""

    __slots__ = ()

    @classmethod
    def claims(cls, kind: type) -> bool:
        return issubclass(kind, random.Random) and not issubclass(kind, random.SystemRandom)

    def read(self) -> Any:
        return random.Random.getstate(self.owner)

    def write(self) -> None:
        random.Random.setstate(self.owner, self.state)


class KeptNumpyRandom(_KeptRandom):
    """A `Generator`, its `BitGenerator`, or a `RandomState`; no subclass, which may say anything of its state."""

    __slots__ = ()

    @classmethod
    def claims(cls, kind: type) -> bool:
        numpy = sys.modules.get("numpy.random")
        if numpy is None or not module_of(kind).startswith("numpy.random"):
            return False
        return issubclass(kind, (numpy.Generator, numpy.BitGenerator, numpy.RandomState))

    def parts(self) -> Parts:
        return (("seed_seq", getattr(self._source(), "_seed_seq", None)),)

    def _source(self) -> Any:
        numpy = sys.modules["numpy.random"]
        return self.owner.bit_generator if isinstance(self.owner, numpy.Generator) else self.owner

    def read(self) -> Any:
        source = self._source()
        return source.get_state(legacy=False) if hasattr(source, "get_state") else source.state

    def write(self) -> None:
        source = self._source()
        if hasattr(source, "set_state"):
            source.set_state(self.state)
        else:
            source.state = self.state


class KeptSeeds(Kept):
    """What numpy draws seeds from: how many it gave."""

    __slots__ = ("spawned", "state")

    def __init__(self, owner: Any, budget: Budget) -> None:
        super().__init__(owner, budget)
        self.spawned = owner.n_children_spawned
        self.state = owner.__reduce__()[2]

    @classmethod
    def claims(cls, kind: type) -> bool:
        numpy = sys.modules.get("numpy.random")
        return numpy is not None and kind is numpy.SeedSequence

    def restore(self) -> Iterator[Change]:
        if self.owner.n_children_spawned != self.spawned:
            self.owner.__setstate__(self.state)
            yield Change("spawned seeds")


def _equal(a: Any, b: Any) -> bool:
    """Of states: numbers, arrays and tensors in tuples and dicts."""
    if isinstance(a, dict):
        return a.keys() == b.keys() and all(_equal(a[key], b[key]) for key in a)
    if hasattr(a, "tobytes"):
        return bool(a.tobytes() == b.tobytes())
    return torch.equal(a, b) if isinstance(a, torch.Tensor) else bool(a == b)
