"""What all that is done beside a pass has in common: a model, somebody to tell, and a way to stop it."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Iterator

from ....errors import UsageError
from ....postmortem.record import CallLog
from ....records import AnyEvent
from ...inputs import Sample
from ...passes.generating import generate
from ..attempts import Attempts
from ..runner import Runner
from ..subject import Subject


class Task:
    """Args:
    subject: The model.
    runner: Has run its last pass.
    attempts: Find out why a run failed.
    emit: Receives how far it is, and what is found meanwhile.
    call_log: Is told what the process does, for whoever outlives it.
    """

    def __init__(
        self,
        subject: Subject,
        runner: Runner,
        attempts: Attempts,
        emit: Callable[[AnyEvent], None],
        call_log: CallLog | None,
    ) -> None:
        self._subject = subject
        self._runner = runner
        self._attempts = attempts
        self._emit = emit
        self._call_log = call_log
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
