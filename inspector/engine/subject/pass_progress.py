"""How far the running pass is, told to whoever waits for it."""

from __future__ import annotations

from collections.abc import Callable
from time import perf_counter
from typing import Literal

from ...records import Progress
from .subject import Subject


class PassProgress:
    """Times are counted from the last `start`.

    Args:
        subject: The model.
        emit: Receives what there is to tell.
    """

    def __init__(self, subject: Subject, emit: Callable[[Progress], None]) -> None:
        self._subject = subject
        self._emit = emit
        self._generate = 0
        self._batch = 1, 1  # the running one, and how many there are
        self._expected = 0
        self._began = 0.0

    def expect(self, batches: int, tokens: int, calls: int) -> None:
        """The next passes are of so many batches, make so many tokens (0 for none), and call modules so often."""
        self._batch, self._generate, self._expected = (1, batches), tokens, calls

    def start(self) -> None:
        self._began = perf_counter()

    def count_calls(self, entered: int, index: int) -> None:
        """So many calls were entered, the last of the node `index`."""
        if self._generate and self._batch[1] == 1:
            step = self._subject.change_log.hook_state.step
            self._tell(0, 0, index, (step + 1, self._generate), "token")
        else:
            self._tell(entered, self._expected, index, self._batch)

    def count_batches(self, number: int, count: int) -> None:
        """The batch `number` of `count` begins."""
        self._batch = number, count
        self._tell(0, 0, 0, self._batch)

    def _tell(
        self, entered: int, expected: int, index: int, step: tuple[int, int], unit: Literal["batch", "token"] = "batch"
    ) -> None:
        ms = (perf_counter() - self._began) * 1e3
        self._emit(Progress(self._subject.generation, entered, expected, index, ms, *step, unit))
