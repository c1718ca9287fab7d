"""What the modules of a model under inspection cost, told as it is measured."""

from __future__ import annotations

from collections.abc import Callable
from statistics import median

from ....errors import InspectorError, UsageError
from ....postmortem.record import CallLog
from ....records import AnyEvent, Costs, MeasureCosts, Run, Work
from ...costs.measure import Measurement, PassError
from ...hooks.steps import StepCounter
from ...inputs import Sample
from ...passes.generating import generate
from ...passes.lazy import allow
from ...passes.training import PassSettings, loss_of
from ...recording.recorder import Cancelled
from ..attempts import Attempts
from ..runner import Runner
from ..subject import Subject

EXTRA_PASSES = 2
"""Beside those that are timed: the first, which may be cold, and one that counts FLOPs."""


class CostMeasuring:
    """Args:
    subject: The model.
    runner: Has run the last pass: its backward pass, if it had one, is measured too.
    attempts: Find out why a pass failed.
    emit: Receives how far it is.
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
        self._runner = runner
        self._subject = subject
        self._attempts = attempts
        self._emit = emit
        self._call_log = call_log
        self._running: Measurement | None = None

    def cancel(self) -> None:
        """Stop measuring at the next module. May be called from any thread."""
        if self._running is not None:
            self._running.cancel()

    def measure(self, request: MeasureCosts) -> Costs:
        """With everything in force that was changed, and our observing hooks away.

        Raises:
            InspectorError: There is nothing to run, the model failed, or somebody stopped it.
        """
        subject = self._subject
        subject.check_callable()
        allow(subject.info, subject.target, Run(subject.generation))
        if subject.sample is None:
            raise UsageError("there is no sample input", hint="s asks for one, or start with -i 1x3x224x224")
        if self._call_log is not None:
            self._call_log.begin("the measuring of costs", subject.generation, 0)
        self._running = self._prepare(subject.sample, request.passes + EXTRA_PASSES)
        try:
            with subject.observers.away():
                costs = self._running.measure(subject.generation, request.passes)
            if costs.clock != "waiting" and costs.backward_ms is None:  # else modules waited, or nodes had hooks
                self._take_bare(median(self._running.pass_ms[1 : 1 + request.passes]))
            return costs
        except Cancelled:
            raise UsageError("measuring costs was stopped: nothing is known", hint="measure them again") from None
        except PassError as failed:
            raise InspectorError.of(self._attempts.explain(failed.error, None)) from None
        finally:
            self._running = None
            if self._call_log is not None:
                self._call_log.end()

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
            tell=lambda done: self._emit(Work("measuring costs", done, passes, "passes")),
        )

    def _call(self, sample: Sample) -> object:
        """The model, or where the last pass generated tokens, that again."""
        log, root = self._subject.change_log, self._subject.tree.root
        log.start()
        steps: StepCounter = log.hook_state.steps
        if self._subject.target.generate:
            output = generate(root, sample, self._subject.target.generate, steps)
        else:
            steps.begin()
            output = root(*sample.args, **sample.kwargs)
        log.hook_state.end_pass()
        return output
