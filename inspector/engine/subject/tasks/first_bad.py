"""The first bad value of a model under inspection, looked for with everything in force that was changed."""

from __future__ import annotations

from collections.abc import Callable

from msgspec.structs import replace

from ....errors import InspectorError, UsageError
from ....postmortem.record import CallLog
from ....records import AnyEvent, FindFirstBad, FirstBadValue, Note, Run
from ....text import encodable
from ...hooks.conditions import Condition, parse_condition
from ...inputs import Sample
from ...passes.generating import generate
from ...passes.lazy import allow
from ...passes.training import loss_of
from ...tracing.search import FirstBadSearch
from ..attempts import Attempts
from ..subject import Subject


class FirstBadFinding:
    """Args:
    subject: The model.
    attempts: Find out why a pass failed.
    emit: Receives what is worth a note.
    call_log: Is told what the process does, for whoever outlives it.
    """

    def __init__(
        self, subject: Subject, attempts: Attempts, emit: Callable[[AnyEvent], None], call_log: CallLog | None
    ) -> None:
        self._subject = subject
        self._attempts = attempts
        self._emit = emit
        self._call_log = call_log
        self._running: FirstBadSearch | None = None

    def cancel(self) -> None:
        """Stop at the next module. May be called from any thread."""
        if self._running is not None:
            self._running.cancel()

    def find(self, request: FindFirstBad) -> FirstBadValue:
        """One pass, our observing hooks away.

        Raises:
            InspectorError: There is nothing to run, it was stopped, or the model failed before anything was bad.
        """
        subject = self._subject
        subject.check_callable()
        allow(subject.info, subject.target, Run(subject.generation, backward=request.backward))
        if subject.sample is None:
            raise UsageError("there is no sample input", hint="s asks for one, or start with -i 1x3x224x224")
        if request.backward and subject.target.generate:
            raise UsageError(
                "generate() leaves no graph for a backward pass", hint="--generate or --backward, not both"
            )
        self._running = running = self._prepare(subject.sample, request, _condition_of(request.condition))
        if self._call_log is not None:
            self._call_log.begin("the search for the first bad value", subject.generation, 0)
        try:
            with subject.observers.away():
                outcome = running.run()
        finally:
            self._running = None
            if self._call_log is not None:
                self._call_log.end()
        if running.stopped:
            raise UsageError("the search was stopped: nothing is known", hint="look again")
        answer = running.answer(subject.generation, outcome.error is not None)
        if outcome.error is not None:
            problem = self._attempts.explain(outcome.error, None)
            if not answer.found:
                raise InspectorError.of(problem)
            self._emit(Note("warning", encodable(f"the pass failed after that: {problem.what}", 500)))
        return replace(answer, notes=tuple(f"changed, and stays changed: {words}" for words in outcome.not_restored))

    def _prepare(self, sample: Sample, request: FindFirstBad, condition: Condition | None) -> FirstBadSearch:
        subject = self._subject
        return FirstBadSearch(
            subject.tree,
            subject.backup,
            sample,
            self._call,
            subject.change_log.hook_state.steps,
            seed=subject.seed,
            grad=subject.target.grad,
            loss=loss_of(request.loss) if request.backward else None,
            condition=condition,
            everything=request.everything,
        )

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


def _condition_of(text: str) -> Condition | None:
    try:
        return parse_condition(text)
    except ValueError as error:
        raise UsageError(encodable(str(error), 300), hint="zeros > 100, std > 1e3, max > 6 and min < 0") from None
