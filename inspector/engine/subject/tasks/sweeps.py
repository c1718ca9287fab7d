"""Sweeps over a model under inspection, told as they go."""

from __future__ import annotations

import threading
from collections.abc import Callable
from time import perf_counter

from ....errors import InspectorError, UsageError
from ....postmortem.record import CallLog
from ....records import AnyEvent, RunSweep, SweepBegan, SweepEnded, SweepRow, SweepRows
from ...experiments.metrics import Measure
from ...experiments.runs import OnCopies, Run, Runs
from ...experiments.sweep import Question, Sweep
from ...hooks.spec import parse_hook
from ...inputs import sample_from_specs
from ..attempts import Attempts
from ..subject import Subject

_TELL_EVERY = 0.1  # seconds
_CHUNK = 500
"""Rows that one message holds at most, but for those of one place."""


class Sweeps:
    """Args:
    subject: The model.
    attempts: Find out why a run failed.
    emit: Receives what is measured.
    call_log: Is told what the process does, for whoever outlives it.
    """

    def __init__(
        self, subject: Subject, attempts: Attempts, emit: Callable[[AnyEvent], None], call_log: CallLog | None
    ) -> None:
        self._subject = subject
        self._attempts = attempts
        self._emit = emit
        self._call_log = call_log
        self._cancelled = threading.Event()

    def cancel(self) -> None:
        """Stop the running sweep before its next place. May be called from any thread."""
        self._cancelled.set()

    def run(self, request: RunSweep) -> SweepEnded:
        """One sweep; what is measured is emitted as it comes.

        Raises:
            InspectorError: What was asked for cannot be understood, the metric failed, or the model did as it is.
        """
        self._subject.check_callable()
        self._cancelled.clear()
        began, question = perf_counter(), self._question(request)
        if self._call_log is not None:
            self._call_log.begin("a sweep", self._subject.generation, 0)
        runs = Runs(self._subject.tree, self._subject.seed, self._subject.target.grad, self._subject.backup)
        try:
            with runs:
                complete = self._carry_out(Sweep(self._subject.tree, question, runs))
        except InspectorError:
            raise
        except (
            BaseException
        ) as error:  # whatever a model does, KeyboardInterrupt and SystemExit included, is its result
            raise InspectorError.of(self._attempts.explain(error, None)) from None
        finally:
            if self._call_log is not None:
                self._call_log.end()
        notes = (*runs.notes, *question.list_input_changes())
        return SweepEnded(self._subject.generation, complete, (perf_counter() - began) * 1e3, notes)

    def _question(self, request: RunSweep) -> Question:
        seed = self._subject.seed
        return Question(
            request.over,
            request.where,
            parse_hook(request.hook) if request.hook else None,
            Measure(request.metric),
            self._run_on(request.corrupted, seed + 1) if request.corrupted else self._run_on_sample(),
            self._run_on(request.clean, seed) if request.clean else None,
            request.on,
        )

    def _run_on(self, specs: tuple[str, ...], seed: int) -> Run:
        return OnCopies(sample_from_specs(specs, self._subject.tree.root, seed, None, None))

    def _run_on_sample(self) -> Run:
        if self._subject.sample is None:
            raise UsageError("there is no input to alter", hint="give it: -i 1x3x224x224, or --corrupted")
        return OnCopies(self._subject.sample)

    def _carry_out(self, sweep: Sweep) -> bool:
        """Whether it came to its end."""
        generation, rows = self._subject.generation, list[SweepRow]()
        head = sweep.begin()
        self._emit(SweepBegan(generation, head))
        told, done = perf_counter(), 0
        for found in sweep.rows():
            rows += found
            done += 1
            if len(rows) >= _CHUNK or perf_counter() - told > _TELL_EVERY:
                self._emit(SweepRows(generation, tuple(rows), done))
                told, rows = perf_counter(), []
            if self._cancelled.is_set():
                break
        self._emit(SweepRows(generation, tuple(rows), done))
        return done == head.places
