"""All that may be asked for beside a pass."""

from __future__ import annotations

from .costs import CostMeasuring
from .estimates import Estimates
from .first_bad import FirstBadFinding
from .sweeps import Sweeps
from .task import Around as Around


class Tasks:
    """Of one model."""

    def __init__(self, around: Around) -> None:
        self.sweeps = Sweeps(around)
        self.costs = CostMeasuring(around)
        self.first_bad = FirstBadFinding(around)
        self.estimates = Estimates(around)

    def cancel(self) -> None:
        """Stop whatever runs at the next module. May be called from any thread."""
        for each in (self.sweeps, self.costs, self.first_bad, self.estimates):
            each.cancel()
