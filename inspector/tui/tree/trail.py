"""The modules that the cursor was on, for going back and forward."""

from __future__ import annotations

from collections.abc import Container

from ...records import Path

LONGEST = 200
"""Places that are kept."""


class Trail:
    """Places in the order in which they were gone to, and at which of them the person is.

    A walk, which is one step after another by keys that move, is one place: the module where it ended.
    """

    def __init__(self) -> None:
        self._places: list[Path] = []
        self._at = -1
        self._walking = False

    def visit(self, place: Path, walked: bool) -> None:
        """The cursor is here now; what was ahead is forgotten."""
        if self._at >= 0 and self._places[self._at] == place:
            return
        kept = self._at if walked and self._walking else self._at + 1
        self._places[kept:] = [place]
        del self._places[:-LONGEST]
        self._at = len(self._places) - 1
        self._walking = walked

    def list_latest(self) -> list[Path]:
        """Every place once, where the person is and where they were last first."""
        before, after = self._places[: self._at + 1], self._places[self._at + 1 :]
        return list(dict.fromkeys([*reversed(before), *after]))

    def end_walk(self) -> None:
        """The next step begins another walk."""
        self._walking = False

    def step(self, delta: int, there: Container[Path]) -> Path | None:
        """Go back (-1) or forward (1) to the next place that is still `there`; None where no such place is."""
        at = self._at + delta
        while 0 <= at < len(self._places) and self._places[at] not in there:
            at += delta
        if not 0 <= at < len(self._places):
            return None
        self._at = at
        self._walking = False
        return self._places[at]
