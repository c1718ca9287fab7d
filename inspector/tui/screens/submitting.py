"""A layer that stays until what it asked for is done."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Awaitable

from ...records import Problem
from .layer import Layer


class SubmittingLayer(Layer[bool]):
    """Dismissed with True when it is done. A second enter while the engine is at it asks for nothing."""

    _submitting = False

    def submit(self, deed: Awaitable[Problem | None], what: str) -> None:
        """Carry this out; `show_refusal` is told where that cannot be."""
        self._submitting = True
        self.run_worker(self._submit(deed, what), name="submit")

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
        if not self.is_shown:
            return  # the person did not wait for the answer
        if problem is None:
            self.dismiss(True)
        else:
            self.show_refusal(what, problem)
