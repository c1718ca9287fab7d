"""Where values stand between the lowest and the highest of them, on a linear or a logarithmic scale."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

_LARGEST = 308.25  # of the powers of ten that a float holds


@dataclass(frozen=True)
class Scale:
    """From `low` to `high`, both finite. On a logarithmic scale both are above zero."""

    low: float
    high: float
    log: bool = False

    @classmethod
    def over(cls, values: Iterable[float | None], log: bool = False) -> Scale | None:
        """The scale that holds every value that can stand on one; None where there is none."""
        found = [value for value in values if value is not None and math.isfinite(value) and (value > 0 or not log)]
        return cls(min(found), max(found), log) if found else None

    def holds(self, value: float | None) -> bool:
        return value is not None and self.low <= value <= self.high

    def place(self, value: float) -> float:
        """From 0 for the lowest to 1 for the highest; in the middle where all are the same."""
        low, high, here = self._on(self.low), self._on(self.high), self._on(value)
        span = high / 2 - low / 2  # halves: the whole span may be more than a float holds
        return min(max((here / 2 - low / 2) / span, 0.0), 1.0) if span > 0 else 0.5

    def at(self, place: float) -> float:
        """The value that stands at this place."""
        low, high = self._on(self.low), self._on(self.high)
        here = low * (1 - place) + high * place
        value = 10.0 ** min(here, _LARGEST) if self.log else here
        return min(max(value, self.low), self.high)

    def _on(self, value: float) -> float:
        return math.log10(value) if self.log else value
