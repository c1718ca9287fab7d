"""One model under inspection: what a client asks for, carried out. The only mutable thing in the engine.

Not thread-safe: one thread opens, runs and changes. `cancel` may be called from any thread, and so may `queries`.
"""

from __future__ import annotations

import gc
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from functools import partial
from typing import Any

import torch
from msgspec.structs import replace
from torch import nn

from ..errors import InspectorError
from ..postmortem.record import CallLog
from ..records import (
    CORNER,
    Calls,
    Changes,
    Choices,
    HookMarks,
    HookSpec,
    Kinds,
    Note,
    Opened,
    PassSummary,
    Path,
    Problem,
    Run,
    Saved,
    Stage,
    Target,
    Window,
)
from ..text import encodable
from .changes.log import ChangeLog, InForce
from .changes.recipe import KEPT, add_entries, parse, read, with_renames_of_hooks
from .changes.since_typed import add_typed
from .hooks.kinds import HOOK_KINDS
from .hooks.spec import resolve_hook
from .inputs import Sample, form_fields, sample_from_specs
from .inputs.sample import sample_from_values
from .loading import Loaded, load
from .modules.tree import Node, walk
from .passes.lazy import may_run
from .recording.call import Call
from .restore.turn import TURN
from .subject.announcing import Announcer
from .subject.attempts import Attempts
from .subject.hook_parts import check_part
from .subject.runner import Emit, Runner
from .subject.saving import save
from .subject.subject import Subject, tell_nothing
from .subject.tasks.tasks import Around, Tasks
from .subject.writing import Writing
from .usercode.own_modules import OwnModules
from .values.collector import suit_collector, without_collector
from .views.queries import Queries
from .views.weights import WeightQueries


class Session:
    """`generation` counts the models that were opened; `subject`, `runner` and `queries` are of the open one, and
    `left` is what the last one was closed with.

    Args:
        emit: Receives every event that answers no request, and has sent it on return: the model that runs next may end
            this process.
        waiting: Whether somebody waits for another answer; nothing is done in the background then.
        call_log: Where passes write down what they see, for whoever outlives this process.
        alone: Nobody but `answer` and the passes change the model: the process is ours.
    """

    subject: Subject
    attempts: Attempts
    runner: Runner
    tasks: Tasks
    writing: Writing
    queries: Queries
    left: InForce

    def __init__(
        self,
        emit: Emit,
        waiting: Callable[[], bool] = lambda: False,
        call_log: CallLog | None = None,
        alone: bool = False,
    ) -> None:
        self._emit = emit
        self._waiting = waiting
        self._call_log = call_log
        self._alone = alone
        self._open = False
        self._announcer = Announcer(emit)
        self._own_modules: OwnModules | None = None  # of a target that was loaded
        self.generation = 0
        self.terms = Target("")  # of a model that is adopted: whether it is read-only, and the budget of its passes

    def open(self, target: Target) -> Opened | Choices:
        """Load a target and take it under inspection.

        Raises:
            InspectorError: It cannot be loaded; the session is as it was.
        """
        self._emit(Stage(f"loading {encodable(target.target, 200)}"))
        target = with_renames_of_hooks(target)
        if isinstance(loaded := load(target, self._emit), Choices):
            return loaded
        self.close()
        self._adopt(loaded, target)
        self._own_modules = OwnModules(target.target, self.generation, self._emit)
        try:
            self.subject.typed = add_typed(self.subject.change_log, target)
        except InspectorError:
            self.close()
            raise
        with self.subject.change_log.as_in(self.subject.change_log.baseline):
            return self._with_sample(loaded.sample)

    def adopt(
        self, model: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any], name: str, notes: tuple[str, ...] = ()
    ) -> Opened:
        """Take the caller's own model under inspection; without arguments its input is unknown."""
        sample = sample_from_values(args, kwargs) if args or kwargs else None
        target = replace(self.terms, target=name, training=model.training, grad=torch.is_grad_enabled())
        with self.turn():
            TURN.refuse_nested(walk(model))
            self._adopt(Loaded(model, sample, "your model", notes), target)
            return self._with_sample(sample)

    def show(self, model: nn.Module, calls: Sequence[Call]) -> Opened:
        """Take a model under inspection with calls that were captured already, in place of a pass."""
        target = Target(type(model).__name__, training=model.training, run=False)
        with self.turn():
            self._adopt(Loaded(model, None, "captured", ()), target)
            opened = self._with_sample(None)
            self.runner.show(calls)
            return opened

    def go_ahead(self) -> bool:
        """Do a piece of what the next pass waits for, if nobody wants anything else; whether there was one."""
        return self._open and self.subject.go_ahead(self.turn, self._say if self.summary is not None else None)

    def turn(self) -> AbstractContextManager[None]:
        """For whatever runs or changes the model: other threads may look into it, too, and take turns with this one."""
        return TURN.hold("what the app is asked for")

    def _adopt(self, loaded: Loaded, target: Target) -> None:
        self.generation += 1
        with self._announcer.before_all_is_there():
            self._take(loaded, target)

    def _take(self, loaded: Loaded, target: Target) -> None:
        generation, typed = self.generation, target.hooks or target.recipe  # what is typed may be wrong: that first
        show = tell_nothing if typed else partial(self._announcer.list_large, generation)
        with without_collector():
            self.subject = Subject.of(loaded, target, generation, self._say, self._emit, show)
            suit_collector(len(self.subject.rows))
        self.subject.backup.is_alone = self._alone
        self.attempts = Attempts(self.subject, self._call_log, self._emit)
        self.runner = Runner(self.subject, self.attempts, self._emit, self._waiting, self._call_log)
        self.tasks = Tasks(Around(self.subject, self.runner, self.attempts, self._emit, self._call_log))
        self.writing = Writing(self._emit)
        self.queries = (Queries if self.subject.info.is_model else WeightQueries)(self.subject, self.runner)
        self._open = True
        if self._alone and self.generation > 1:
            gc.collect()  # the model before
        if target.observe and self.subject.info.is_model:
            self.subject.observers.add_all()

    def announce(self) -> None:
        """Tell the module list, the hook marks and what was captured already: what follows an `Opened`."""
        self._announcer.announce(self.subject)
        self.runner.announce()
        self._tell_own_files()

    def _tell_own_files(self) -> None:
        if self._own_modules is not None:
            self._own_modules.tell()

    def close(self) -> None:
        """Leave the model as it was before the session."""
        if self._open:
            self._open = False
            with self.turn():
                self.left = self.subject.change_log.in_force()
                self.subject.close()

    def check(self, generation: int) -> None:
        """Raises `InspectorError` where a request was made for a model that is no longer open. One that is looked at
        before it is all there is waited for."""
        self._announcer.wait()
        if not self._open:
            raise InspectorError("no model is open", hint="open one first")
        if generation != self.generation:
            raise InspectorError("the model was opened anew meanwhile", hint="try again")

    def check_path(self, path: Path | None) -> None:
        """Raises `UsageError` where there is no such module; None names none."""
        if path is not None:
            self.subject.node(path)

    def set_input(self, specs: tuple[str, ...]) -> Opened:
        """Raises `UsageError` where a spec cannot be understood."""
        subject = self.subject
        subject.check_callable()
        return self._with_sample(sample_from_specs(specs, subject.tree.root, subject.seed, None, None))

    def _with_sample(self, sample: Sample | None) -> Opened:
        subject = self.subject
        problem: Problem | None = None
        reached: int | None = None
        if not subject.info.is_model:
            return Opened(self.generation, subject.info)
        if self._announcer.is_listed(self.generation):  # the reply starts a pass
            self._announcer.announce(subject)
        runnable = subject.info.runnable
        if sample is None and subject.target.run and runnable and may_run(subject.info, subject.target):
            self._emit(Note("info", "no sample input given: guessing one from the model"))
            # Trying inputs runs the model, which may be the end of this process: what is known is told before.
            self._emit(Opened(self.generation, subject.info, guessing=True))
            self._announcer.announce(subject)
            sample, problem, reached = self.attempts.guess()
        subject.take_sample(sample, reached)
        self.runner.last.repeatable = False
        form = () if sample is not None or not runnable else tuple(form_fields(subject.tree.root))
        return Opened(self.generation, subject.info, form, problem)

    @property
    def summary(self) -> PassSummary | None:
        """How the last pass went; None where there was none."""
        return self.runner.summary

    def run(self, request: Run | None = None) -> PassSummary:
        """See `Runner.run`."""
        self.subject.begin_run()
        summary = self.runner.run(request if request is not None else Run(self.generation))
        self._tell_own_files()  # a forward may import
        return summary

    def calls_of(
        self, path: Path, values: bool = False, force: bool = False, window: Window = CORNER, call: int = 0
    ) -> Calls:
        """The calls of one module in the last pass; with `values` histograms and previews where they can be had."""
        if not values:
            return self.queries.calls_of(path, call=call)
        index = self.subject.node(path).index
        missing = self.runner.look_at(index, force, lambda: self._emit(self.queries.calls_of(path, call=call)))
        return replace(self.queries.calls_of(path, window, call), missing=missing)

    def show_step(self, step: int) -> None:
        """Look at another step of the last pass. Raises `UsageError` where nothing is kept of it."""
        self.runner.show_step(step)

    def cancel(self) -> None:
        """Stop the running pass at its next module, and what is written at its next piece."""
        if self._open:
            for each in (self.attempts, self.tasks, self.writing, self.runner):
                each.cancel()

    def cancel_background(self) -> None:
        """Stop the running pass if it only fetches histograms and previews."""
        if self._open:
            self.runner.cancel_background()

    def hand_over(self, work: Callable[[], object]) -> bool:
        """Let the thread of a pass that stands still do this; whether one does."""
        return self._open and self.runner.stopper.standstill.hand_over(work)

    def observe(self, paths: tuple[Path, ...], subtree: bool, on: bool) -> HookMarks:
        """Turn the observe hook of modules on or off, with everything below them where that is wanted."""
        self.subject.check_callable()
        tree = self.subject.tree
        nodes: dict[int, Node] = {}
        for path in paths:
            self.subject.node(path)
            start = tree.index_of[path]
            for index in tree.subtree(start) if subtree else [start]:
                node = tree.object_at(tree.paths[index])
                nodes[node.index] = node
        self.subject.change_log.observe(list(nodes.values()), on)
        self._emit(self.subject.changes())
        return self.subject.marks()

    def set_hook(self, path: Path | None, kind: str, hook_id: int, on: bool, of: str = "") -> Changes:
        """Switch any hook; `path` is None for one of the process. Raises `UsageError` where there is no such hook."""
        subject = self.subject
        node = subject.node(path) if path is not None else None
        if node is not None and hook_id in subject.observers.ours(node.module):
            subject.change_log.observe([node], on)
        else:
            subject.check_changeable()
            subject.change_log.toggle(node, kind, hook_id, on, of)
        return self._report_changes()

    def change(self, act: Callable[[ChangeLog], None]) -> Changes:
        """Let `act` change something. Raises `UsageError`, with nothing done."""
        self.subject.check_changeable()
        act(self.subject.change_log)
        return self._report_changes()

    def add_hook(self, where: str, hook: str | HookSpec) -> Changes:
        """Put a hook on every module that `where` names. Raises `UsageError`, with nothing done."""
        asked = resolve_hook(hook)

        def add(log: ChangeLog) -> None:
            check_part(asked, log.check(where, asked), self.runner.last, log.tree)
            log.add(where, asked)

        return self.change(add)

    def replace_hook(self, path: Path, kind: str, hook_id: int, hook: str | HookSpec) -> Changes:
        """Put another in the place of one of ours. Raises `UsageError`, with nothing done."""
        asked = resolve_hook(hook)
        check_part(asked, [self.subject.node(path)], self.runner.last, self.subject.tree)
        return self.change(lambda log: log.replace(path, kind, hook_id, asked))

    def edit_parameters(self, where: str, hook: str | HookSpec) -> Changes:
        """Change the parameters of every module that `where` names. Raises `UsageError`, with nothing done."""
        return self.change(lambda log: log.edit(where, resolve_hook(hook, on="parameters")))

    def load_state_dict(self, file: str, renames: tuple[str, ...], partial: bool) -> Changes:
        """Fill the model from a file. Raises `InspectorError`, with nothing done."""
        return self.change(lambda log: log.load(file, renames, partial, self._emit))

    def load_recipe(self, file: str, text: str = "") -> Changes:
        """Add the hooks and edits of a recipe. Raises `UsageError`, with nothing done."""
        return self.change(lambda log: add_entries(log, read(file) if file else parse(text, KEPT)))

    def _report_changes(self) -> Changes:
        """Tell the marks, and give what was changed so far."""
        self.runner.last.repeatable = False
        self._emit(self.subject.marks())
        return self.subject.changes()

    def kinds(self) -> Kinds:
        """The kinds of hooks that can be added."""
        recordings = tuple(self.subject.change_log.hook_state.recordings) if self._open else ()
        return Kinds(tuple(kind.info(tuple(encodable(name, 80) for name in recordings)) for kind in HOOK_KINDS))

    def save(self, file: str) -> Saved:
        """Write a recipe, a script or recorded tensors. Raises `UsageError`."""
        return save(self.subject, self.runner, self.writing, file)

    def _say(self, text: str) -> None:
        self._emit(Note("info", encodable(text, 1_000)))
