"""What passes wrote to the model and the process, told in the Log."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from ...records import Note
from ...text import encodable
from ..passes.guarded import Outcome
from .words import list_some


class ToldChanges:
    """Says it once, as long as it stays the same.

    Args:
        emit: Receives what there is to tell.
    """

    def __init__(self, emit: Callable[[Note], None]) -> None:
        self._emit = emit
        self._said: tuple[str, ...] = ()

    def say_faults(self, faults: Sequence[str]) -> None:
        """What went wrong in our own looking."""
        for fault in faults:
            self._emit(Note("error", f"observing failed: {encodable(fault, 300)}"))

    def say(self, outcome: Outcome[Any]) -> None:
        said = outcome.restored + outcome.not_restored
        if said and said != self._said:
            if outcome.restored:
                self._emit(Note("info", f"the pass changed, and was put back: {list_some(outcome.restored)}"))
            if outcome.not_restored:
                self._emit(Note("warning", f"the pass changed, and stays changed: {list_some(outcome.not_restored)}"))
        self._said = said
