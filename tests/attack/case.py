"""One attack: what it may use, and how it says that something does not hold."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

Size = tuple[int, int]
"""Columns and lines."""

SMALLEST, LARGEST = (1, 1), (250, 70)


class Broken(AssertionError):
    """A promise that was not kept, in one line."""


@dataclass
class Case:
    """What is done is drawn from `random` alone, which is made from the name of the front and the seed.

    `skip` leaves out so many of the first deeds, for fronts that do one after another. The working directory is
    `folder / "work"`, and whatever is made in `folder / "temporary"` has to be gone at the end.
    """

    front: str
    seed: int
    folder: Path
    size: Size | None = None
    skip: int = 0
    random: random.Random = field(init=False)
    done: int = field(default=0, init=False)

    def __post_init__(self) -> None:
        self.random = random.Random(f"{self.front}:{self.seed}")

    @property
    def deeds(self) -> Path:
        """What was done, a line each, for whoever looks into a failure; it is there when nothing else is any more."""
        return self.folder / "deeds"

    def note(self, deed: str) -> bool:
        """Write down what is done next. False where it is one to be skipped."""
        self.done += 1
        if self.done <= self.skip:
            return False
        with self.deeds.open("a", encoding="utf-8", errors="backslashreplace") as file:
            file.write(deed.replace("\n", "\\n")[:2000] + "\n")
        return True

    def draw_size(self) -> Size:
        """One that was asked for, else any; small ones, where things break, as often as all others."""
        if self.size is not None:
            return self.size
        columns, lines = LARGEST if self.random.random() < 0.5 else (90, 26)
        return self.random.randint(SMALLEST[0], columns), self.random.randint(SMALLEST[1], lines)


@dataclass(frozen=True)
class Front:
    """One way to attack. `attack` runs a case in a process of its own and raises `Broken`; any other exception is a
    failure as well.

    Args:
        attack: Runs one case.
        seconds: After which a case hangs.
        megabytes: The most that a process of a case may take.
        prepare: Called once, in the process that the cases are forked from.
        shrinks: Its deeds go one after another, so that the first ones can be left out.
    """

    attack: Callable[[Case], None]
    seconds: float = 60.0
    megabytes: int = 3_000
    prepare: Callable[[], object] = lambda: None
    shrinks: bool = False
