"""Passes over a model under inspection: run, compared with the baseline, told, and repeated for what is looked at."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager

from msgspec.structs import replace

from ...errors import UsageError
from ...postmortem.record import CallLog
from ...records import AnyEvent, Missing, PassEnded, PassSummary, Run, Value, Work
from ..passes.baseline import Baseline, Comparison
from ..passes.batches import Batches, settings_of
from ..passes.generating import check_generate, has_prefill
from ..passes.guarded import Outcome, Seen, forget, run_guarded
from ..passes.histories import Histories
from ..passes.last_pass import LastPass
from ..passes.lazy import allow
from ..passes.training import NONE, PassSettings, batches_of
from ..recording.call import Call, Place, Witness
from ..recording.recorder import Cancelled, Recorder
from ..stopping.stopper import Stopper
from ..torch_hooks.meter import Meter
from ..tracing.line_store import LineStore
from ..values.summarize import Summarizer
from ..values.watch import Watch
from .attempts import Attempts
from .followed import choose_followed
from .hook_report import HookReport, report_hooks
from .pass_progress import PassProgress
from .subject import Subject
from .told_changes import ToldChanges
from .unhooked_look import UnhookedLook
from .words import name_pass

CHUNK = 500  # rows per message of a long listing: a client reads them in 2 ms, and then what a person does
BACKGROUND_MS = 1_000  # a pass that took longer is not repeated just to fetch histograms and previews
MOST_CALLS = 100_000  # kept of a pass with several steps: past it, the oldest steps are forgotten

Emit = Callable[[AnyEvent], None]


class Runner:
    """`summary` says how the last pass went, `last` holds its calls, `hooks` what became of ours and `meter` what other
    people's did in it; `settings` are those of the last pass.

    Args:
        subject: The model.
        attempts: Find out why a pass failed.
        emit: Receives every event that answers no request.
        waiting: Whether somebody waits for another answer; nothing is done in the background then.
        call_log: Where passes write down what they see, for whoever outlives this process.
    """

    def __init__(
        self, subject: Subject, attempts: Attempts, emit: Emit, waiting: Callable[[], bool], call_log: CallLog | None
    ) -> None:
        self.last = LastPass(subject.tree)
        self.summary: PassSummary | None = None
        self.histories = Histories()
        self.lines = LineStore(subject.change_log.hook_state.steps)
        self.meter: Meter | None = None
        self.hooks = HookReport()
        self._subject = subject
        self._attempts = attempts
        self._call_log = call_log
        self.emit = emit
        self._waiting = waiting
        self.settings = PassSettings()
        self._watched: int | None = None
        self._ms = 0.0  # that a pass takes
        self._baseline: tuple[object, Baseline] | None = None  # what it is of, and it
        self._compares = False  # the last pass was compared with the baseline
        self._unhooked = UnhookedLook(subject, emit)
        self._recorder: Recorder | None = None  # of the running pass
        self._background: Recorder | None = None  # of a running pass that nobody waits for
        self._cancelled = False  # the pass to compare with was; the one that was asked for ends with it
        self._progress = PassProgress(subject, emit)
        self._changes = ToldChanges(emit)
        state, given = subject.change_log.hook_state, (subject.tree, subject.generation, subject.observers)
        self.stopper = Stopper(*given, state, emit, subject.look_at_frames, subject.show_frames)

    def run(self, request: Run) -> PassSummary:
        """One pass, or several batches, with everything that is observed. Never raises for what the model does.

        Raises:
            UsageError: There is no sample input, or a loss, optimizer or loader cannot be found.
        """
        self._prepare(request)
        watch = Watch(self._watched) if self._watched is not None else None
        self.stopper.baseline = None  # for the pass that is compared with, too
        comparison = self._comparison(watch)
        self.stopper.baseline = comparison.baseline if comparison is not None else None
        recorder = self._record(name_pass(self.settings), watch, number=self.last.number + 1)
        if self._cancelled:
            recorder.cancel()
        batches = self._batches(recorder, comparison, self.histories, self._progress.count_batches)
        told: PassSummary | None = None

        def tell(outcome: Outcome[Value]) -> None:
            nonlocal told
            recorder.finish()
            told = self._take(outcome, batches, watch, comparison)
            self.emit(PassEnded(self._subject.generation, told, settled=False))
            if self._subject.backup.is_large:
                self.emit(Work("comparing the weights with their copies"))

        like = self.meter if self._subject.backup.found is not None else None
        self.meter = Meter(self._subject.tree, self._subject.our_ids(), like)
        outcome = self._pass(batches, Summarizer().describe_now, tell, self.stopper.listening(self.meter), again=True)
        summary = told or self._take(outcome, batches, watch, comparison)
        self._changes.say(outcome)
        summary = replace(summary, restored=outcome.restored, not_restored=outcome.not_restored)
        self.summary = self._unhooked.add(summary, self.settings, set(self.last.calls.nodes()))
        return self.summary

    def _take(
        self, outcome: Outcome[Value], batches: Batches, watch: Watch | None, comparison: Comparison | None
    ) -> PassSummary:
        """What the pass gave is what is looked at from now on. What it changed may not be known yet."""
        stood = self.stopper.standstill
        outcome = dataclasses.replace(outcome, ms=outcome.ms - stood.seconds * 1e3)
        self.last.take(batches.recorder.calls, watch, batches.recorder.output_hooks)
        self.last.repeatable = self.settings.batches == 1 and self.settings.loader == NONE and not stood.touched
        self.last.gradients = batches.gradients
        self._ms, self._compares = outcome.ms, comparison is not None
        self.send_calls()
        return self._summarize(outcome, batches, comparison)

    def _prepare(self, request: Run) -> None:
        """Take over what the request changes from now on. Raises `UsageError`."""
        subject = self._subject
        budget = subject.target.budget if request.budget is None else request.budget
        allowed = allow(subject.info, subject.target, request)
        subject.target = replace(allowed, generate=request.generate, budget=budget)
        if subject.sample is None:
            raise UsageError("there is no sample input", hint="s asks for one, or start with -i 1x3x224x224")
        subject.seed = subject.seed if request.seed is None else request.seed
        check_generate(subject.tree.root, settings := settings_of(request, self.settings))
        self.settings = settings
        if settings.batches > 1:
            self.histories = Histories()
        if request.fresh_input:
            subject.take_sample(subject.sample.fresh(subject.seed), subject.info.reached)
        self._cancelled = False
        last = self.summary
        calls = last.calls if last and last.calls and last.steps == 1 else subject.info.modules
        self._progress.expect(settings.batches, settings.generate, calls)

    def show(self, calls: Sequence[Call]) -> None:
        """Take calls that were captured already, in place of a pass."""
        self.last.take(calls)
        self.last.repeatable = False
        ms = sum(call.ms for call in calls if not call.depth)
        first, last = self.last.first_step, self.last.last_step
        self.summary = PassSummary(1, ms, len(calls), steps=last + 1, first_step=first)

    def send_calls(self) -> None:
        for chunk in self.last.list_calls(self._subject.generation):
            self.emit(chunk)

    def show_step(self, step: int) -> None:
        """Look at another step of the last pass, and tell its calls. Raises `UsageError`."""
        self.last.check_step(step)
        self.last.show(step)
        self.send_calls()

    def announce(self) -> None:
        """Tell what there is of a last pass."""
        if self.summary is not None:
            self.send_calls()
            self.emit(PassEnded(self._subject.generation, self.summary))

    def cancel(self) -> None:
        """Stop the running pass at its next module. May be called from any thread."""
        if self._recorder is not None:
            self._recorder.cancel()
            self.stopper.standstill.abort()

    def cancel_background(self) -> None:
        """Stop the running pass if it only fetches histograms and previews. May be called from any thread."""
        if self._background is not None:
            self._background.cancel()

    def look_at(self, index: int, force: bool, say: Callable[[], None], call: Place | None = None) -> Missing:
        """From now on passes make histograms and previews of this node's values. Those of the last pass, and the lines
        of its `call`, are fetched where a pass is worth repeating: it would be the same, is quick, and nobody waits for
        something else. Before that, `say` what there is already. Gives why they are not there."""
        self._watched = index
        if self._lacks(index, call) and not self._find_obstacle(force):
            say()
            self.fetch_values(index, call)
        return (self._find_obstacle() or "busy") if self._lacks(index, call) else ""

    def _lacks(self, index: int, call: Place | None) -> bool:
        return self.last.lacks_values(index) if call is None else self.lines.lacks(self.last.number, call)

    def _find_obstacle(self, force: bool = False) -> Missing:
        if not self.last.repeatable:
            return "changed"
        if self._ms >= BACKGROUND_MS and not force:
            return "slow"
        return "busy" if self._waiting() else ""

    def fetch_values(self, index: int, call: Place | None = None) -> None:
        """The same pass once more, seen by this module's hook alone, with the lines of a `call` where one is given."""
        watch = Watch(index)
        comparison = Comparison(self._baseline[1], watch) if self._compares and self._baseline else None
        recorder = self._background = self._record("a pass that fetches values", watch, frozenset({index}))
        try:
            batches = self._batches(recorder, comparison, Histories(), lambda number, count: None)
            lines = self.lines.record(self.last.number, recorder, call, not self._subject.info.shapes_only)
            outcome = self._pass(batches, forget, around=lines, again=True)
        finally:
            self._background = None
        if call is not None and not isinstance(outcome.error, Cancelled):
            self.lines.take(self.last.number, call, lines, self.last.count)
        if outcome.error is None:
            self._ms = min(self._ms, outcome.ms)  # the pass before may have been the first, which is slow
        self.last.add_values(recorder.calls, watch)

    def _batches(
        self, recorder: Recorder, witness: Witness | None, histories: Histories, progress: Callable[[int, int], None]
    ) -> Batches:
        """Raises `UsageError`."""
        subject, settings = self._subject, self.settings
        assert subject.sample is not None
        return Batches(
            subject.tree,
            settings,
            batches_of(settings, subject.sample, subject.seed, subject.tree.root),
            recorder,
            witness,
            subject.observers,
            subject.change_log.hook_state,
            histories,
            choose_followed(subject, settings),
            progress,
        )

    def _pass(
        self,
        batches: Batches,
        see: Callable[[object], Seen],
        tell: Callable[[Outcome[Seen]], object] | None = None,
        around: AbstractContextManager[object] | None = None,
        again: bool = False,
    ) -> Outcome[Seen]:
        """See `run_guarded` for `tell`, `around` and `again`."""
        subject = self._subject
        subject.change_log.start()
        self._progress.start()
        self._recorder = batches.recorder
        try:
            outcome = run_guarded(
                subject.tree,
                subject.backup,
                batches.run,
                see,
                seed=subject.seed,
                grad=subject.target.grad or self.settings.backward,
                prepare=batches.prepare,
                around=around,
                tell=tell,
                again=again,
            )
        finally:
            self._recorder = None
        batches.recorder.finish(outcome.error)
        changes = batches.list_input_changes()
        return dataclasses.replace(outcome, not_restored=(*outcome.not_restored, *changes)) if changes else outcome

    def _record(self, doing: str, watch: Watch | None, only: frozenset[int] | None = None, number: int = 0) -> Recorder:
        """`doing` says what the pass is for, `number` which one it is where its calls are to be shown."""
        if self._call_log is not None:
            self._call_log.begin(doing, self._subject.generation, number)
        return Recorder(
            self._subject.tree,
            statistics=(not self._subject.info.shapes_only and only is None) or None,
            watch=watch,
            only=only,
            progress=self._progress.count_calls if only is None else None,
            gradients=self.settings.backward,
            filters=self._subject.observers.filters,
            call_log=self._call_log,
            steps=self._subject.change_log.hook_state.steps,
            budget=self._subject.target.budget,
            limit=MOST_CALLS,
        )

    def _comparison(self, watch: Watch | None) -> Comparison | None:
        """What to compare the next pass with; None while nothing differs from the baseline."""
        subject, change_log = self._subject, self._subject.change_log
        if change_log.state() == change_log.baseline:
            return None
        key = (self.settings, *subject.list_conditions())
        if self._baseline is None or self._baseline[0] != key:
            if (baseline := self._run_baseline()) is None:
                return None
            self._baseline = key, baseline
        return Comparison(self._baseline[1], watch, subject.classes)

    def _run_baseline(self) -> Baseline | None:
        """The pass as it was when the baseline was taken; of several batches the last. None where it raised."""
        baseline, change_log = Baseline(), self._subject.change_log
        with change_log.as_in(change_log.baseline):
            recorder = self._record("the pass to compare with", None)
            outcome = self._pass(self._batches(recorder, baseline, Histories(), self._progress.count_batches), forget)
        self._cancelled = isinstance(outcome.error, Cancelled)
        baseline.take_values(recorder.calls)
        return baseline if outcome.error is None else None

    def _summarize(self, outcome: Outcome[Value], batches: Batches, comparison: Comparison | None) -> PassSummary:
        subject, recorder = self._subject, batches.recorder
        problem = None
        if outcome.error is not None:
            problem = self._attempts.explain(outcome.error, recorder.failed or batches.reached, batches.held)
            subject.keep_raised(outcome.error, problem, recorder)
        self._changes.say_faults(recorder.faults)
        called = set(self.last.calls.nodes()) | self._unhooked.direct
        self.hooks = report_hooks(subject, called, self.settings.backward, outcome.error is not None)
        return PassSummary(
            number=self.last.number,
            ms=outcome.ms,
            calls=len(self.last.calls),
            hooks=subject.observers.count(),
            seed=subject.seed,
            cancelled=isinstance(outcome.error, Cancelled),
            output=outcome.output,
            problem=problem,
            altering=subject.change_log.count_altering(),
            delta=next((call.delta for call in reversed(recorder.calls) if call.index == 0 and not call.depth), None),
            ranking=comparison.ranking if comparison is not None else (),
            faults=self.hooks.faults,
            idle=self.hooks.idle,
            hook_counts=self.hooks.count(),
            bare_ms=None if outcome.error else subject.compare_with_bare(outcome.ms, self.settings, self.last.number),
            observing_ms=min(recorder.observing_ms, outcome.ms),
            budget=subject.target.budget,
            left_out=recorder.values.left_out,
            batches=batches.done,
            backward=self.settings.backward,
            loss=batches.loss,
            steps=max(subject.change_log.hook_state.steps.count, 1),
            first_step=self.last.first_step if recorder.forgot else 0,
            put_in=tuple(self.stopper.standstill.put_in),
            prefill=bool(self.settings.generate) and has_prefill(recorder.calls),
        )
