"""The first bad value of a model under inspection, looked for with everything in force that was changed."""

from __future__ import annotations

from msgspec.structs import replace

from ....errors import InspectorError, UsageError
from ....records import FindFirstBad, FirstBadValue, Note, Run
from ....text import encodable
from ...hooks.conditions import Condition, parse_condition
from ...inputs import Sample
from ...passes.generating import check_generate
from ...passes.guarded import Outcome
from ...passes.lazy import allow
from ...passes.training import PassSettings, loss_of
from ...tracing.first_bad.search import FirstBadSearch
from .task import Task


class FirstBadFinding(Task):
    """One pass after the other."""

    _running: FirstBadSearch | None = None

    def cancel(self) -> None:
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
        sample = self._find_sample()
        asked = PassSettings(generate=subject.target.generate, backward=request.backward)
        check_generate(subject.tree.root, asked)
        condition = _condition_of(request.condition)
        running = self._prepare(sample, request, condition)
        outcome = self._run(running)
        answer = running.answer(subject.generation, outcome.error is not None)
        if running.unseen is not None:
            again = self._prepare(sample, request, condition)
            again.look_for_writer(running.unseen)
            self._run(again)
            answer = again.with_writer(answer)
        if outcome.error is not None:
            problem = self._attempts.explain(outcome.error, None)
            if not answer.found:
                raise InspectorError.of(problem)
            self._emit(Note("warning", encodable(f"the pass failed after that: {problem.what}", 500)))
        changes = tuple(f"changed, and stays changed: {words}" for words in outcome.not_restored)
        return replace(answer, notes=(*running.notes, *changes))

    def _run(self, running: FirstBadSearch) -> Outcome[None]:
        """Raises `UsageError` where somebody stopped it."""
        self._running = running
        try:
            with self._doing("the search for the first bad value"), self._subject.observers.away():
                outcome = running.run()
        finally:
            self._running = None
        if running.stopped:
            raise UsageError("the search was stopped: nothing is known", hint="look again")
        return outcome

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


def _condition_of(text: str) -> Condition | None:
    try:
        return parse_condition(text)
    except ValueError as error:
        raise UsageError(encodable(str(error), 300), hint="zeros > 100, std > 1e3, max > 6 and min < 0") from None
