"""Sweeps over a model under inspection, told as they go."""

from __future__ import annotations

from time import perf_counter

from ....errors import InspectorError
from ....records import RunSweep, SweepBegan, SweepEnded, SweepRow, SweepRows
from ...experiments.metrics import Measure
from ...experiments.runs import OnCopies, Run, Runs
from ...experiments.sweep import Question, Sweep
from ...hooks.spec import parse_hook
from ...inputs import sample_from_specs
from .task import Task

_TELL_EVERY = 0.1  # seconds
_CHUNK = 500
"""Rows that one message holds at most, but for those of one place."""


class Sweeps(Task):
    """One after the other."""

    def run(self, request: RunSweep) -> SweepEnded:
        """One sweep; what is measured is emitted as it comes.

        Raises:
            InspectorError: What was asked for cannot be understood, the metric failed, or the model did as it is.
        """
        self._subject.check_callable()
        began, question = perf_counter(), self._question(request)
        runs = Runs(self._subject.tree, self._subject.seed, self._subject.target.grad, self._subject.backup)
        with self._doing("a sweep"):
            try:
                with runs:
                    complete = self._carry_out(Sweep(self._subject.tree, question, runs))
            except InspectorError:
                raise
            except BaseException as error:  # whatever a model does, KeyboardInterrupt and SystemExit included
                raise InspectorError.of(self._attempts.explain(error, None)) from None
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
        return OnCopies(self._find_sample("what is altered: -i 1x3x224x224, or --corrupted"))

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
