"""What an engine tells of a model, kept until there is enough for a report."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ..records import (
    AnyEvent,
    CallDetail,
    CallRow,
    CallRows,
    HookOutcome,
    Location,
    ModuleRow,
    ModuleRows,
    Opened,
    PassSummary,
    Problem,
    TensorValue,
)
from .model import Report


class Collector:
    """Takes events in the order in which they come; `opened` is the latest, None before the first."""

    def __init__(self) -> None:
        self.opened: Opened | None = None
        self.modules: list[ModuleRow] = []
        self._steps: dict[int, list[CallRow]] = {}

    @property
    def complete(self) -> bool:
        """Every module that was announced is here."""
        return self.opened is not None and len(self.modules) == self.opened.info.rows

    @property
    def calls(self) -> list[CallRow]:
        """Of every step that was told of, in order."""
        return [row for step in sorted(self._steps) for row in self._steps[step]]

    def replace_calls(self, calls: Sequence[CallRow]) -> None:
        """Of a pass that ended with its engine, other calls are known."""
        self._steps = {0: list(calls)}

    def take(self, event: AnyEvent) -> None:
        """Keep what a report needs of `event`."""
        if isinstance(event, Opened):
            self._turn_to(event)
        elif self.opened is None or getattr(event, "generation", None) != self.opened.generation:
            pass
        elif isinstance(event, ModuleRows):
            self.modules += event.rows
        elif isinstance(event, CallRows):
            self._steps.setdefault(event.step, []).extend(event.rows)

    def _turn_to(self, opened: Opened) -> None:
        """What was told of another model goes with it."""
        if self.opened is None or self.opened.generation != opened.generation:
            self.modules, self._steps = [], {}
        self.opened = opened

    def report(
        self,
        summary: PassSummary | None = None,
        problem: Problem | None = None,
        details: Sequence[CallDetail] = (),
        locations: Sequence[Location] = (),
        outcomes: Sequence[HookOutcome] = (),
        gradients: Mapping[str, TensorValue] | None = None,
    ) -> Report:
        """What was collected, with how the pass went. Only once something is `opened`."""
        assert self.opened is not None
        info = self.opened.info
        return Report(info, self.modules, self.calls, details, locations, summary, problem, outcomes, gradients or {})
