"""What the modules of a model under inspection cost, told as it is measured."""

from __future__ import annotations

from statistics import median

from ....errors import InspectorError, UsageError
from ....records import Costs, MeasureCosts, Run, Work
from ...costs.measure import Measurement, PassError
from ...inputs import Sample
from ...passes.lazy import allow
from ...passes.training import PassSettings, loss_of
from ...recording.recorder import Cancelled
from .task import Task

EXTRA_PASSES = 2
"""Beside those that are timed: the first, which may be cold, and one that counts FLOPs."""


class CostMeasuring(Task):
    """Of a pass like the last one."""

    def measure(self, request: MeasureCosts) -> Costs:
        """With everything in force that was changed, and our observing hooks away.

        Raises:
            InspectorError: There is nothing to run, the model failed, or somebody stopped it.
        """
        subject = self._subject
        subject.check_callable()
        allow(subject.info, subject.target, Run(subject.generation))
        measurement = self._prepare(self._find_sample(), request.passes + EXTRA_PASSES)
        with self._doing("the measuring of costs"), subject.observers.away():
            try:
                costs = measurement.measure(subject.generation, request.passes)
            except Cancelled:
                raise UsageError("measuring costs was stopped: nothing is known", hint="measure them again") from None
            except PassError as failed:
                raise InspectorError.of(self._attempts.explain(failed.error, None)) from None
        if costs.clock != "waiting" and costs.backward_ms is None:  # else modules waited, or nodes had hooks
            self._take_bare(median(measurement.pass_ms[1 : 1 + request.passes]))
        return costs

    def _take_bare(self, ms: float) -> None:
        """What is only timed is almost as quick as what is not looked at."""
        subject = self._subject
        settings = PassSettings(generate=subject.target.generate)
        subject.bare.take(ms, subject.sample, settings, subject.target.grad)

    def _prepare(self, sample: Sample, passes: int) -> Measurement:
        subject, settings = self._subject, self._runner.settings
        return Measurement(
            subject.tree,
            subject.backup,
            sample,
            self._call,
            seed=subject.seed,
            grad=subject.target.grad,
            loss=loss_of(settings.loss) if settings.backward else None,
            stop=self._cancelled,
            tell=lambda done: self._emit(Work("measuring costs", done, passes, "passes")),
        )
