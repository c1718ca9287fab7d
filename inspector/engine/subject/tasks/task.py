"""What all that is done beside a pass has in common: a model, somebody to tell, and a way to stop it."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Iterator
from typing import NamedTuple

from ....errors import UsageError
from ....postmortem.record import CallLog
from ....records import AnyEvent
from ...inputs import Sample
from ...passes.generating import generate
from ..attempts import Attempts
from ..runner import Runner
from ..subject import Subject


class Around(NamedTuple):
    """What there is for a task to work with."""

    subject: Subject
    """The model."""
    runner: Runner
    """Has run its last pass."""
    attempts: Attempts
    """Find out why a run failed."""
    emit: Callable[[AnyEvent], None]
    """Receives how far it is, and what is found meanwhile."""
    call_log: CallLog | None
    """Is told what the process does, for whoever outlives it."""


class Task:
    """One at a time."""

    def __init__(self, around: Around) -> None:
        self._subject, self._runner, self._attempts, self._emit, self._call_log = around
        self._cancelled = threading.Event()

    def cancel(self) -> None:
        """Stop as soon as may be. May be called from any thread."""
        self._cancelled.set()

    @contextlib.contextmanager
    def _doing(self, what: str) -> Iterator[None]:
        """For as long as it takes; whoever asked to stop before that meant another one."""
        self._cancelled.clear()
        if self._call_log is not None:
            self._call_log.begin(what, self._subject.generation, 0)
        try:
            yield
        finally:
            if self._call_log is not None:
                self._call_log.end()

    def _find_sample(self, hint: str = "s asks for one, or start with -i 1x3x224x224") -> Sample:
        """Raises `UsageError` where there is none."""
        if self._subject.sample is None:
            raise UsageError("there is no sample input", hint=hint)
        return self._subject.sample

    def _call(self, sample: Sample) -> object:
        """The model, or where tokens are generated, that."""
        log, root = self._subject.change_log, self._subject.tree.root
        log.start()
        steps = log.hook_state.steps
        if self._subject.target.generate:
            output = generate(root, sample, self._subject.target.generate, steps)
        else:
            steps.begin()
            output = root(*sample.args, **sample.kwargs)
        log.hook_state.end_pass()
        return output
