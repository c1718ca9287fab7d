"""A layer that stays until what it asked for is done."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Awaitable

from ...records import Problem
from ..after import after
from ..keys import key_of
from .layer import FORM, Layer

PATIENCE = 0.4
"""Seconds after which it is said that the engine has not answered yet."""
WAITING = f"the engine is at it  {key_of('leave')} Leave it"


class SubmittingLayer(Layer[bool]):
    """Dismissed with True when it is done. A second enter while the engine is at it asks for nothing."""

    _submitting = False
    _said_before: str | None = None  # on the frame

    def submit(self, deed: Awaitable[Problem | None], what: str) -> None:
        """Carry this out; `show_refusal` is told where that cannot be."""
        self._submitting = True
        after(PATIENCE, self, self._say_waiting)
        self.run_worker(self._submit(deed, what), name="submit", group=FORM)

    def _say_waiting(self) -> None:
        if self._submitting and self.is_shown and self._said_before is None:
            frame = self.query_one("#layer")
            self._said_before, frame.border_subtitle = str(frame.border_subtitle), WAITING

    def _say_as_before(self) -> None:
        if self._said_before is not None and self.is_shown:
            self.query_one("#layer").border_subtitle = self._said_before
        self._said_before = None

    @property
    def submitting(self) -> bool:
        """What was asked for is not answered yet."""
        return self._submitting

    @abstractmethod
    def show_refusal(self, what: str, problem: Problem) -> None:
        """Say why `what` could not be done."""

    async def _submit(self, deed: Awaitable[Problem | None], what: str) -> None:
        try:
            problem = await deed
        finally:
            self._submitting = False
            self._say_as_before()
        if not self.is_shown:
            return  # the person did not wait for the answer
        if problem is None:
            self.dismiss(True)
        else:
            self.show_refusal(what, problem)
