"""Passes that are tried with one input or another: to guess a sample input, and to say what runs where one does not."""

from __future__ import annotations

import shlex

from msgspec.structs import replace

from ...postmortem.record import CallLog
from ...records import Problem
from ...text import encodable
from ..inputs import Sample, guess
from ..inputs.guess import fitting_specs
from ..passes.diagnosis import diagnose, is_about_input
from ..passes.forward import forward
from ..recording.call import Call
from ..recording.recorder import Recorder
from .subject import Subject


class Attempts:
    """Args:
    subject: The model.
    call_log: Where passes write down what they see, for whoever outlives this process.
    """

    def __init__(self, subject: Subject, call_log: CallLog | None) -> None:
        self._subject = subject
        self._call_log = call_log
        self._recorder: Recorder | None = None  # of the running pass

    def guess(self) -> tuple[Sample | None, Problem | None]:
        """A sample input with which a pass runs; without one, why the likeliest does not."""
        failed: list[tuple[BaseException, Call | None]] = []

        def attempt(sample: Sample) -> BaseException | None:
            error, call = self._try(sample, 1)
            if error is not None:
                failed.append((error, call))
            return error

        found = guess(self._subject.tree.root, attempt, self._subject.seed)
        return found, self.explain(*failed[0]) if found is None and failed else None

    def explain(self, error: BaseException, failed: Call | None) -> Problem:
        """What to say of an error in a pass, with an input that runs where the one that was given did not fit.

        Args:
            error: What came out of the pass.
            failed: The innermost call that it came out of.
        """
        subject = self._subject
        problem = diagnose(error, failed, subject.tree, self._held())
        if subject.sample is None or subject.sample.origin == "guessed" or not is_about_input(error):
            return problem
        with subject.change_log.as_in(subject.change_log.baseline):
            fitting = fitting_specs(subject.tree.root, lambda sample: self._try(sample)[0], subject.seed)
        if fitting is None:
            return problem
        typed = " ".join(f"-i {shlex.quote(spec)}" for spec in fitting)
        return replace(problem, hint=encodable(f"{typed}  (tried: it runs; in the app, s takes it)", 500))

    def cancel(self) -> None:
        """Stop the running pass, and with it the trying. May be called from any thread."""
        if self._recorder is not None:
            self._recorder.cancel()

    def _held(self) -> list[tuple[str, int]]:
        """What of the model and of ours is in memory, in bytes."""
        nbytes = self._subject.info.nbytes
        kept = max(nbytes - self._subject.backup.not_copied, 0)
        return [("parameters and buffers", nbytes), ("copies of them to restore from", kept)]

    def _try(self, sample: Sample, number: int = 0) -> tuple[BaseException | None, Call | None]:
        """One pass with this input that is seen but not kept: its error, and the innermost call that it came out of.
        `number` is that of the pass whose calls these are where nobody survives it."""
        subject = self._subject
        trial = sample.copy()
        if self._call_log is not None:
            doing = f"guessing the sample input ({encodable(sample.text, 200)})"
            self._call_log.begin(doing, subject.generation, number)
        self._recorder = recorder = Recorder(subject.tree, statistics=False, call_log=self._call_log)
        outcome = forward(
            subject.tree,
            subject.backup,
            trial.args,
            trial.kwargs,
            seed=subject.seed,
            listeners=[subject.observers],
            recorder=recorder,
        )
        self._recorder = None
        return outcome.error, recorder.failed
