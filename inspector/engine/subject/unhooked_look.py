"""What runs where nothing is observed, looked at once for each sample and told in the summary of a pass."""

from __future__ import annotations

from collections.abc import Callable

from msgspec.structs import replace

from ...records import Note, PassSummary
from ...records.badges import has_badge
from ..inputs import Sample
from ..passes.training import PassSettings
from ..passes.unhooked import UnhookedPass, suspects
from .subject import Subject

LONGEST_MS = 10_000
"""A pass that took longer is not begun once more without hooks. Far more than what that one may take: the first pass of
a process also imports, compiles and fills caches."""


class UnhookedLook:
    """Args:
    subject: The model.
    say: Is told where the number of calls is another one.
    """

    def __init__(self, subject: Subject, say: Callable[[Note], object]) -> None:
        self._subject = subject
        self._say = say
        self._seen: tuple[Sample, UnhookedPass] | None = None  # the sample it was looked at with

    @property
    def direct(self) -> set[int]:
        """Modules whose forward runs past `__call__` with the sample there is, as far as it was looked at."""
        return self._seen[1].direct if self._seen is not None and self._seen[0] is self._subject.sample else set()

    def add(self, summary: PassSummary, settings: PassSettings, called: set[int]) -> PassSummary:
        """`summary` with what hooks change or miss: where that may be, a pass without them is run.

        Args:
            summary: Of a pass that is over.
            settings: How it was run.
            called: The modules whose calls were seen in it.
        """
        if not self._is_worth_it(summary, settings):
            return summary
        look = self._look(summary, called)
        calls = look.calls if look.calls != summary.calls else None
        return replace(summary, unobserved=calls, direct=tuple(sorted(look.direct)))

    def _is_worth_it(self, summary: PassSummary, settings: PassSettings) -> bool:
        plain = settings == PassSettings(loss=settings.loss) and summary.problem is None
        plain = plain and not summary.altering and not summary.not_restored and not self._subject.target.grad
        return plain and bool(self._subject.observers.count()) and summary.ms <= LONGEST_MS

    def _look(self, summary: PassSummary, called: set[int]) -> UnhookedPass:
        subject, sample = self._subject, self._subject.sample
        assert sample is not None
        if self._seen is not None and self._seen[0] is sample:
            return self._seen[1]
        silent = suspects(subject.tree, called)
        look = UnhookedPass(subject.tree, subject.observers, silent)
        if silent or any(has_badge(row.badges, "fused path") for row in subject.rows):
            look.run(subject.backup, sample, subject.seed)
        self._seen = sample, look
        if look.calls not in (None, summary.calls):
            words = f"fused path: {look.calls} calls where nothing is observed, {summary.calls} in this pass"
            self._say(Note("info", words))
        return look
