"""What was learned about one model, for every form of report."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from ..records import CallDetail, CallRow, HookOutcome, Location, ModelInfo, ModuleRow, PassSummary, Problem


@dataclass(frozen=True)
class Report:
    """What was learned about one model. `calls` are in completion order; `details` go with them, or are empty."""

    info: ModelInfo
    modules: Sequence[ModuleRow]
    calls: Sequence[CallRow] = ()
    details: Sequence[CallDetail] = ()
    locations: Sequence[Location] = ()
    summary: PassSummary | None = None
    problem: Problem | None = None
    outcomes: Sequence[HookOutcome] = ()  # of every hook that was added, where all is told
    paths: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        for row in self.modules:
            parent = self.paths[row.parent] if row.parent >= 0 else ""
            self.paths.append(f"{parent}.{row.key}" if parent else row.key)

    def count_calls(self) -> dict[int, int]:
        """Calls per module object."""
        counts: dict[int, int] = {}
        for call in self.calls:
            counts[call.module] = counts.get(call.module, 0) + 1
        return counts

    def find_ran_unseen(self) -> set[int]:
        """Rows that hold a module that was called, or whose forward was seen to run: they ran, called or not."""
        found: set[int] = set(self.summary.direct) if self.summary is not None else set()
        for index in {call.module for call in self.calls}:
            parent = self.modules[index].parent
            while parent >= 0:
                found.add(parent)
                parent = self.modules[parent].parent
        return found
