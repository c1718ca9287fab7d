"""A model as it is told of: its modules, what was changed in it, and which modules are hooked."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from ...records import ModelInfo, ModuleRow, ModuleRows, Opened, Work
from ..values.collector import MANY
from .runner import CHUNK, Emit
from .subject import Subject


class Announcer:
    """Tells of each model once.

    Args:
        emit: Receives the events.
    """

    def __init__(self, emit: Emit) -> None:
        self._emit = emit
        self._listed = self._announced = 0  # the generation whose rows were told, and whose rest was
        self._there = threading.Event()  # the model, with everything of ours on it
        self._there.set()

    @contextmanager
    def before_all_is_there(self) -> Iterator[None]:
        """Whoever asks about what is listed already has to `wait` meanwhile."""
        self._there.clear()
        try:
            yield
        finally:
            self._there.set()

    def wait(self) -> None:
        """Until all is there."""
        self._there.wait()

    def list_large(self, generation: int, info: ModelInfo, rows: Sequence[ModuleRow]) -> None:
        """Very many modules are looked at while they are still copied and hooked; `announce` tells the rest."""
        if len(rows) > MANY:
            self._emit(Opened(generation, info, guessing=True))
            self._list(generation, rows)
            self._emit(Work("putting hooks on", len(rows), unit="modules"))

    def is_listed(self, generation: int) -> bool:
        """Whether its rows were told."""
        return self._listed == generation

    def announce(self, subject: Subject) -> None:
        if self._announced == subject.generation:
            return
        self._announced = subject.generation
        self._emit(subject.changes())  # first: the rows start a pass, and this is no change after it
        if not self.is_listed(subject.generation):
            self._list(subject.generation, subject.rows)
        self._emit(subject.marks())

    def _list(self, generation: int, rows: Sequence[ModuleRow]) -> None:
        self._listed = generation
        for first in range(0, len(rows), CHUNK):
            self._emit(ModuleRows(generation, tuple(rows[first : first + CHUNK]), len(rows)))
