"""What a kind of state is: how one thing is remembered, what it leads to, and how it is put back.

A kind is a class with `claims`, `parts` and `restore`, and a line in the registry. It asks nothing of what it keeps
that would run somebody's code: types are taken from `type()`, contents through the built-in type's own methods.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

from ..place import Finder, Place
from ..theirs import Theirs

MISSING: Any = object()
"""Stands for what is not there."""


class Change(NamedTuple):
    """Something that was not as before: an attribute or part by name, "" for the thing itself. `lost` says why it stays
    changed, "" where it was put back."""

    piece: str = ""
    lost: str = ""


Parts = Iterable[tuple[str, Any]]
"""What a thing leads to, each with the piece that its place is said with."""


class Budget:
    """What may still be copied before a pass. Counted down by whoever copies."""

    def __init__(self, items: int = 4_000_000, nbytes: int = 1 << 30) -> None:
        self.items = items
        self.nbytes = nbytes

    def take_items(self, count: int) -> bool:
        """Whether so many items may be copied."""
        if count > self.items:
            return False
        self.items -= count
        return True

    def take_bytes(self, count: int) -> bool:
        """Whether so many bytes may be copied."""
        if count > self.nbytes:
            return False
        self.nbytes -= count
        return True


class Kept(ABC):
    """One thing as it was when this was made. `found` is where it lies, or knows that."""

    __slots__ = ("found", "owner")

    found: Finder

    def __init__(self, owner: Any, budget: Budget) -> None:
        self.owner = owner

    @property
    def place(self) -> Place:
        """Where it lies."""
        return self.found.place_of(self.owner)

    @classmethod
    @abstractmethod
    def claims(cls, kind: type) -> bool:
        """Whether things of this type are of this kind."""

    def parts(self) -> Parts:
        """What it leads to."""
        return ()

    def leave_to(self, theirs: Theirs) -> Iterator[Change]:
        """What other threads are known to have changed is from now on what it is put back to; yields what that was."""
        yield from ()

    def restore(self) -> Iterator[Change]:
        """Put back what changed, and yield what that was."""
        yield from ()


class Refused(Kept):
    """What could not be looked at, and why."""

    __slots__ = ("why",)

    def __init__(self, owner: Any, error: Exception) -> None:
        self.owner = owner
        self.why = type(error).__name__

    @classmethod
    def claims(cls, kind: type) -> bool:
        return False

    def restore(self) -> Iterator[Change]:
        yield Change("", f"it cannot be looked at: {self.why}")
