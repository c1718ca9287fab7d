"""What became of the hooks that were added, once a pass is over."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from functools import partial

from ...records import HookCounts, HookOutcome, Problem
from ..hooks.never_fired import Circumstances
from ..passes.unhooked import may_run_unseen
from .subject import Subject

TOLD = 20
"""Hooks that never fired or changed nothing, of which each is told with the pass; the rest are counted."""


@dataclass(frozen=True)
class HookReport:
    """Of every hook that was on, in the order in which they were added; `faults` are those of the first that failed."""

    outcomes: tuple[HookOutcome, ...] = ()
    faults: tuple[Problem, ...] = ()

    @property
    def idle(self) -> tuple[HookOutcome, ...]:
        """The first that never fired or changed nothing, those that never fired before the others."""
        never, nothing = (self._of_kind(kind) for kind in ("never fired", "changed nothing"))
        return tuple([*never, *nothing][:TOLD])

    def count(self) -> HookCounts:
        found = Counter(outcome.kind for outcome in self.outcomes)
        return HookCounts(len(self.outcomes), found["failed"], found["never fired"], found["changed nothing"])

    def _of_kind(self, kind: str) -> list[HookOutcome]:
        return [outcome for outcome in self.outcomes if outcome.kind == kind]


def report_hooks(subject: Subject, called: set[int], backward: bool, ended: bool) -> HookReport:
    """Args:
    subject: The model, after the pass.
    called: The nodes whose calls were seen, or whose forward was.
    backward: There was a backward pass.
    ended: The pass came to no good end.
    """
    known = Circumstances(
        subject.tree,
        lambda node: subject.rows[node.index].badges,
        called,
        ended=ended,
        backward=backward,
        last_step=subject.change_log.hook_state.steps.count - 1,
        may_run_unseen=partial(may_run_unseen, subject.tree),
    )
    return HookReport(*subject.change_log.conclude(known))
