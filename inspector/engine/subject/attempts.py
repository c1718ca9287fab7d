"""Passes that are tried with one input or another: to guess a sample input, and to say what runs where one does not."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Sequence
from itertools import count
from typing import NamedTuple

from msgspec.structs import replace

from ...app_keys import app_key
from ...postmortem.record import CallLog
from ...records import Problem, Work
from ...records.badges import has_badge
from ...text import encodable
from ..inputs import Sample, guess
from ..inputs.guess import FEW_TRIES, TRIES, Attempt, fitting_specs, reaches_little
from ..passes.diagnosis import diagnose, is_about_input
from ..passes.forward import forward
from ..passes.guarded import copy_guarded
from ..passes.out_of_memory import Held
from ..recording.call import Call
from ..recording.recorder import Cancelled, Recorder
from .subject import Subject


class Trial(NamedTuple):
    """How a pass went that was only tried."""

    error: BaseException | None
    failed: Call | None  # the innermost call that the error came out of
    reached: int  # modules that it went through
    observed: int  # modules that it could have been seen in

    @property
    def share(self) -> float:
        """Of the modules it was reached by; where none is observed, nobody knows of any that it was not."""
        return self.reached / self.observed if self.observed else 1.0


class Guess(NamedTuple):
    """A sample input, or why there is none; `reached` says how many modules it reaches, where those are few."""

    sample: Sample | None = None
    problem: Problem | None = None
    reached: int | None = None


class Attempts:
    """Args:
    subject: The model.
    call_log: Where passes write down what they see, for whoever outlives this process.
    emit: Receives how far the trying is.
    """

    def __init__(self, subject: Subject, call_log: CallLog | None, emit: Callable[[Work], None]) -> None:
        self._subject = subject
        self._call_log = call_log
        self._emit = emit
        self._recorder: Recorder | None = None  # of the running pass
        self._stopped = False  # somebody wants no more of them

    def guess(self) -> Guess:
        """A sample input with which a pass runs and goes through the model, as far as a few tries find one."""
        failed: list[tuple[BaseException, Call | None]] = []
        ran: dict[Sample, Trial] = {}
        last: list[Trial] = []

        def attempt(sample: Sample) -> BaseException | None:
            self._emit(Work("finding an input", len(failed) + len(ran) + 1, TRIES, "tries"))
            last[:] = [self._try(sample, 1)]
            error = last[0].error
            if error is None:
                ran[sample] = last[0]
            else:
                failed.append((error, last[0].failed))
            return error

        self._stopped = False
        found = guess(self._subject.tree.root, attempt, self._subject.seed, lambda: last[0].share)
        if found is None:
            return Guess(problem=self.explain(*failed[0]) if failed else None)
        reached = ran[found].reached if reaches_little(found, ran[found].share) else None
        return Guess(found, reached=reached)

    def explain(self, error: BaseException, failed: Call | None, held: Held | None = None) -> Problem:
        """What to say of an error in a pass, with an input that runs where the one that was given did not fit.

        Args:
            error: What came out of the pass.
            failed: The innermost call that it came out of.
            held: Who had the memory, where the pass was told that none is left.
        """
        subject, self._stopped = self._subject, False
        problem = diagnose(error, failed, subject.tree, self._list_held(held))
        if held is not None and held.phase:
            problem = replace(problem, why=encodable(f"{held.phase}; {problem.why}", 1_500))
        if subject.sample is None or subject.sample.origin == "guessed" or not is_about_input(error):
            return problem
        with subject.change_log.as_in(subject.change_log.baseline):
            fitting = fitting_specs(subject.tree.root, self._count_tries(), subject.seed)
        if fitting is None:
            return problem
        typed = " ".join(f"-i {shlex.quote(spec)}" for spec in fitting)
        hint = encodable(f"{typed}  (tried: it runs; in the app, {app_key('seed')} offers it)", 500)
        return replace(problem, hint=hint, inputs=tuple(map(encodable, fitting)))

    def _count_tries(self) -> Attempt:
        """Tries inputs, and says which one it is at."""
        numbers = count(1)

        def attempt(sample: Sample) -> BaseException | None:
            self._emit(Work("finding an input that runs", next(numbers), FEW_TRIES, "tries"))
            return self._try(sample).error

        return attempt

    def cancel(self) -> None:
        """Stop the running pass, and with it the trying. May be called from any thread."""
        self._stopped = True
        if self._recorder is not None:
            self._recorder.cancel()

    def _list_held(self, held: Held | None) -> list[tuple[str, int]]:
        """What of the model, of its pass and of ours is in memory, in bytes."""
        nbytes = self._subject.info.nbytes
        known = held if held is not None and held.parts else Held((("parameters and buffers", nbytes),))
        return known.list_with(max(nbytes - self._subject.backup.not_copied, 0))

    def _try(self, sample: Sample, number: int = 0) -> Trial:
        """One pass with this input that is seen but not kept. `number` is that of the pass whose calls these are where
        nobody survives it."""
        subject = self._subject
        trial = copy_guarded(sample)
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
        error = Cancelled() if self._stopped else outcome.error  # one that failed before its next module
        return Trial(error, recorder.failed, self._count_reached(recorder.calls), self._count_observed())

    def _count_observed(self) -> int:
        """Those that a graph took in are never called, whatever the input."""
        observers, rows = self._subject.observers, self._subject.rows
        nodes = self._subject.tree.objects()
        return sum(observers.on(node) and not has_badge(rows[node.index].badges, "inlined") for node in nodes)

    def _count_reached(self, calls: Sequence[Call]) -> int:
        """The modules that were called, or hold one that was."""
        nodes = self._subject.tree.nodes
        reached: set[int] = set()
        for index in {call.index for call in calls}:
            while index >= 0 and index not in reached:
                reached.add(index)
                index = nodes[index].parent
        return len(reached)
