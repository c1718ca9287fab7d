"""All that may be asked for beside a pass."""

from __future__ import annotations

from collections.abc import Callable

from ....postmortem.record import CallLog
from ....records import AnyEvent
from ..attempts import Attempts
from ..runner import Runner
from ..subject import Subject
from .costs import CostMeasuring
from .estimates import Estimates
from .first_bad import FirstBadFinding
from .sweeps import Sweeps


class Tasks:
    """Of one model.

    Args:
        subject: The model.
        runner: Runs its passes.
        attempts: Find out why a pass failed.
        emit: Receives how far a task is.
        call_log: Is told what the process does, for whoever outlives it.
    """

    def __init__(
        self,
        subject: Subject,
        runner: Runner,
        attempts: Attempts,
        emit: Callable[[AnyEvent], None],
        call_log: CallLog | None,
    ) -> None:
        given = subject, runner, attempts, emit, call_log
        self.sweeps = Sweeps(*given)
        self.costs = CostMeasuring(*given)
        self.first_bad = FirstBadFinding(*given)
        self.estimates = Estimates(*given)

    def cancel(self) -> None:
        """Stop whatever runs at the next module. May be called from any thread."""
        for each in (self.sweeps, self.costs, self.first_bad, self.estimates):
            each.cancel()
