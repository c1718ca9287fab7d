"""What was learned about one model, for every form of report."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from ..gradients import LIMITS, Limits
from ..records import (
    CallDetail,
    CallRow,
    Costs,
    HookOutcome,
    Location,
    MemoryEstimate,
    ModelInfo,
    ModuleRow,
    PassSummary,
    Problem,
    TensorValue,
)
from .findings import find_producers, name_oddities
from .hints import Hint, list_hints


@dataclass(frozen=True)
class Report:
    """What was learned about one model. `calls` are in completion order; `details` go with them, or are empty;
    `gradients` are those of parameters, by their full names."""

    info: ModelInfo
    modules: Sequence[ModuleRow]
    calls: Sequence[CallRow] = ()
    details: Sequence[CallDetail] = ()
    locations: Sequence[Location] = ()
    summary: PassSummary | None = None
    problem: Problem | None = None
    outcomes: Sequence[HookOutcome] = ()  # of every hook that was added, where all is told
    gradients: Mapping[str, TensorValue] = field(default_factory=dict)
    costs: Costs | None = None  # where they were measured
    memory: MemoryEstimate | None = None  # where it was estimated
    limits: Limits = LIMITS  # of what is said of gradients
    paths: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        for row in self.modules:
            parent = self.paths[row.parent] if row.parent >= 0 else ""
            self.paths.append(f"{parent}.{row.key}" if parent else row.key)

    def hints(self) -> list[Hint]:
        """What to know beside the figures."""
        layers = {row.index for row in self.modules if row.own_parameters}
        return list_hints(self.info, self.summary, self.calls, self.paths, layers, self.limits)

    def name_oddities(self) -> dict[int, list[str]]:
        """What stands out in the outputs of each module object that was called."""
        calls_of: dict[int, list[CallRow]] = {}
        for call in self.calls:
            calls_of.setdefault(call.module, []).append(call)
        producers = find_producers(self.calls)
        return {module: name_oddities(calls, producers) for module, calls in calls_of.items()}

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
