"""One model under inspection: it owns the model, its sample input, our hooks and the guard. The only mutable thing in
the engine.

Not thread-safe: one thread opens, runs and toggles. `cancel` may be called from any thread, and so may the methods that
only look (`source`, `attributes`, `parameters`, `hooks`, `locations`).
"""

from __future__ import annotations

import gc
import shlex
from collections.abc import Callable
from time import perf_counter
from typing import Any

import torch
from msgspec.structs import replace
from torch import nn

from ..errors import InspectorError, UsageError
from ..records import (
    AddHook,
    AllHooks,
    AnyEvent,
    AnyRequest,
    Attributes,
    CallRows,
    Calls,
    Changes,
    Choices,
    DisableAll,
    EditParameters,
    History,
    HookCheck,
    HookMarks,
    HookRow,
    Hooks,
    LoadRecipe,
    Location,
    Locations,
    ModelInfo,
    ModuleRow,
    ModuleRows,
    Note,
    Opened,
    Parameters,
    PassEnded,
    PassSummary,
    Path,
    Problem,
    Progress,
    RemoveHook,
    ReplaceHook,
    Run,
    Saved,
    Source,
    SourcePart,
    StateDictReport,
    TakeBaseline,
    Target,
    Undo,
)
from ..text import encodable
from ..trail import Trail
from . import modules, passes
from .alterations import Added, Alterations, State, problem
from .attributes import attributes_of
from .baseline import Baseline, Comparison
from .batches import Batches, steps_of
from .diagnosis import diagnosed, is_about_input
from .facts import facts_of
from .guard import Keep
from .histories import Histories
from .hooks.hooksource import source_of_hook
from .hooks.ledger import Ledger
from .hooks.meter import Meter
from .hooks.observe import Observers
from .hooks.shelves import reserve_ids
from .hooks.spec import parse_placed
from .inputs import Sample, form_fields, guess, sample_from_specs
from .inputs.guess import fitting_specs
from .inputs.sample import given
from .lastpass import LastPass
from .loading import Loaded, load
from .parameters import parameters_of
from .recorder import Call, Cancelled, Recorder, Witness
from .saving import load_recipe, save
from .source import location, site_source, source_of
from .statedict import report_file
from .summarize import Summarizer
from .training import NONE, Steps, batches_of

CHUNK = 2_000
"""Rows per message of a long listing."""
BACKGROUND_MS = 1_000
"""A pass that took longer is not repeated just to fetch histograms and previews."""
MAX_CALLS_SHOWN = 200
FOLLOWED = 50_000_000
"""Parameters of a model past which training keeps no history of them."""

Tell = Callable[[AnyEvent], None]


class Session:
    """Args:
    tell: Receives every event that answers no request.
    waiting: Whether somebody waits for another answer; nothing is done in the background then.
    trail: Where passes write down what they see, for whoever outlives this process.
    """

    def __init__(self, tell: Tell, waiting: Callable[[], bool] = lambda: False, trail: Trail | None = None) -> None:
        self._tell = tell
        self._trail = trail
        self._waiting = waiting
        self.generation = 0
        self.target = Target("")
        self.tree = modules.ModuleTree()
        self.sample: Sample | None = None
        self.info: ModelInfo | None = None
        self.last = LastPass(self.tree)
        self.summary: PassSummary | None = None
        self._observers = Observers(self.tree)
        self._ledger = Ledger(self._observers.ours)
        self._keep: Keep | None = None
        self._recorder: Recorder | None = None
        self._background: Recorder | None = None  # of a pass nobody waits for on the screen
        self._began = 0.0
        self._watched: int | None = None
        self._said: tuple[str, ...] = ()  # what a pass changed, as it was told last
        self._seed = 0
        self._rows: list[ModuleRow] = []
        self._announced = 0  # the generation whose rows were told
        self._steps = Steps()
        self._histories = Histories()
        self._meter: Meter | None = None  # of the last pass
        self._compares = False  # the last pass was compared with the baseline
        self._baseline: tuple[object, Baseline] | None = None

    # ------------------------------------------------------------ opening

    def open(self, target: Target) -> Opened | Choices:
        """Load a target and take it under inspection.

        Raises:
            InspectorError: It cannot be loaded; the session is as it was.
        """
        loaded = load(target)
        if isinstance(loaded, Choices):
            return loaded
        self.close()
        self.target, self._seed = target, target.seed
        self._adopt(loaded)
        try:
            for text in target.hooks:
                where, hook = parse_placed(text)
                self.alterations.add(where, hook)
            if target.recipe:
                load_recipe(self.alterations, target.recipe)
        except InspectorError:
            self.close()
            raise
        with self.alterations.as_in(self.alterations.baseline):
            return self._with_sample(loaded.sample)

    def adopt(self, model: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any], name: str) -> Opened:
        """Take the caller's own model under inspection; without arguments its input is unknown."""
        sample = given(args, kwargs) if args or kwargs else None
        self.target = Target(name, training=model.training, grad=torch.is_grad_enabled())
        self._adopt(Loaded(model, sample, "your model", ()))
        return self._with_sample(sample)

    def _adopt(self, loaded: Loaded) -> None:
        self.generation += 1
        self.tree = modules.walk(loaded.model)
        reserve_ids(self.tree)
        self._observers = Observers(self.tree)
        self._ledger = Ledger(self._ours, self.tree)
        self._keep = Keep(self.tree)
        self.alterations = Alterations(self.tree, self._keep, self._observers, self._ledger, self._say)
        self._steps, self._histories, self._baseline, self._meter = Steps(), Histories(), None, None
        self.last, self.summary, self._watched = LastPass(self.tree), None, None
        self._rows = modules.rows(self.tree)
        self.info = facts_of(self.tree, self._rows, self.target.target, loaded, self._keep)
        if self.target.observe:
            for node in self.tree.objects():
                self._observers.add(node)

    def _ours(self, module: nn.Module) -> dict[int, str]:
        """The ids of our hooks on `module`, those included that a person took away and may bring back."""
        added = {hook_id: str(member.attached.hook) for hook_id, member in self.alterations.of(module).items()}
        return {**self._observers.ours(module), **added}

    def _say(self, text: str) -> None:
        self._tell(Note("info", encodable(text, 1_000)))

    def show(self, model: nn.Module, calls: list[Call]) -> Opened:
        """Take a model under inspection with calls that were captured already, in place of a pass."""
        self.target = Target(type(model).__name__, training=model.training, run=False)
        self._adopt(Loaded(model, None, "captured", ()))
        opened = self._with_sample(None)
        self.last.take(calls)
        self.last.repeatable = False
        self.summary = PassSummary(1, sum(call.ms for call in calls if not call.depth), len(calls))
        return opened

    def announce(self) -> None:
        """Tell the module list, the hook marks and what was captured already: what follows an `Opened`."""
        self._announce_modules()
        if self.summary is not None:
            self._send_calls()
            self._tell(PassEnded(self.generation, self.summary))

    def _announce_modules(self) -> None:
        """Once for each model."""
        if self._announced == self.generation:
            return
        self._announced = self.generation
        self._tell(self.changes())  # first, for the rows are what a pass is started by, and this is no change after it
        for first in range(0, len(self._rows), CHUNK):
            chunk = tuple(self._rows[first : first + CHUNK])
            self._tell(ModuleRows(self.generation, chunk, len(self._rows)))
        self._tell(self.marks())

    # ------------------------------------------------------------ sample input

    def set_input(self, specs: tuple[str, ...]) -> Opened:
        """Raises `UsageError` where a spec cannot be understood."""
        root = self.tree.root
        return self._with_sample(sample_from_specs(specs, root, self._seed, None, None))

    def _with_sample(self, sample: Sample | None) -> Opened:
        problem: Problem | None = None
        if sample is None and self.target.run:
            assert self.info is not None
            self._tell(Note("info", "no sample input given: guessing one from the model"))
            # Trying inputs runs the model, which may be the end of this process: what is known is told before.
            self._tell(Opened(self.generation, self.info, guessing=True))
            self._announce_modules()
            sample, problem = self._guess()
        self.sample = sample
        self.last.repeatable = False
        form = () if sample is not None else tuple(form_fields(self.tree.root))
        assert self.info is not None
        self.info = replace(
            self.info,
            input=encodable(sample.text, 300) if sample else "",
            input_origin=sample.origin if sample else "",
        )
        return Opened(self.generation, self.info, form, problem)

    def _guess(self) -> tuple[Sample | None, Problem | None]:
        last: list[tuple[BaseException, Call | None]] = []

        def attempt(sample: Sample) -> BaseException | None:
            error, failed = self._tried(sample, self.last.number + 1)
            if error is not None:
                last.append((error, failed))
            return error

        found = guess(self.tree.root, attempt, self._seed)
        return found, self._problem_of(*last[-1]) if found is None and last else None

    def _problem_of(self, error: BaseException, failed: Call | None) -> Problem:
        problem = diagnosed(error, failed, self.tree, self._held())
        if self.sample is None or self.sample.origin == "guessed" or not is_about_input(error):
            return problem
        with self.alterations.as_in(self.alterations.baseline):
            fitting = fitting_specs(self.tree.root, self._attempt, self._seed)
        if fitting is None:
            return problem
        typed = " ".join(f"-i {shlex.quote(spec)}" for spec in fitting)
        return replace(problem, hint=encodable(f"{typed}  (tried: it runs; in the app, s takes it)", 500))

    def _held(self) -> list[tuple[str, int]]:
        """What of the model and of ours is in memory, in bytes."""
        assert self.info is not None and self._keep is not None
        kept = max(self.info.nbytes - self._keep.not_copied, 0)
        return [("parameters and buffers", self.info.nbytes), ("copies of them to restore from", kept)]

    def _attempt(self, sample: Sample) -> BaseException | None:
        return self._tried(sample)[0]

    def _tried(self, sample: Sample, number: int = 0) -> tuple[BaseException | None, Call | None]:
        """One pass with this input that is seen but not kept: its error, and the innermost call that came out of."""
        assert self._keep is not None
        trial = sample.copy()
        self._begin_trail(f"guessing the sample input ({encodable(sample.text, 200)})", number)
        self._recorder = recorder = Recorder(self.tree, statistics=False, trail=self._trail)
        outcome = passes.run(
            self.tree,
            self._keep,
            trial.args,
            trial.kwargs,
            seed=self._seed,
            observers=self._observers,
            recorder=recorder,
        )
        self._recorder = None
        return outcome.error, recorder.failed

    def _begin_trail(self, doing: str, number: int = 0) -> None:
        if self._trail is not None:
            self._trail.begin(doing, self.generation, number)

    # ------------------------------------------------------------ passes

    def run(self, request: Run | None = None) -> PassSummary:
        """One pass, or several batches, with everything that is observed. Never raises for what the model does.

        Raises:
            UsageError: There is no sample input, or a loss, optimizer or loader cannot be found.
        """
        request = request if request is not None else Run(self.generation)
        if self.sample is None:
            raise UsageError("there is no sample input", hint="s asks for one, or start with -i 1x3x224x224")
        self._seed = self._seed if request.seed is None else request.seed
        self._steps = steps = steps_of(request, self._steps)
        if steps.batches > 1:
            self._histories = Histories()
        if request.fresh_input:
            self.sample = self.sample.fresh(self._seed)
        comparison = self._compared() if steps.batches == 1 and not steps.backward else None
        recorder, run = self._recorded_pass(steps, comparison)
        self.last.take(recorder.calls, self._watched)
        self.last.repeatable = steps.batches == 1 and not steps.backward
        self._compares = comparison is not None
        self._send_calls()
        self.summary = self._summarize(run.outcome, recorder, run, comparison)
        return self.summary

    def _recorded_pass(self, steps: Steps, comparison: Comparison | None) -> tuple[Recorder, Batches]:
        """Raises `UsageError`."""
        assert self.sample is not None and self._keep is not None
        run = Batches(
            self.tree,
            steps,
            batches_of(steps, self.sample, self._seed),
            lambda: self._record(self._watched, comparison, steps.backward, None, _words(steps), self.last.number + 1),
            self._listeners,
            self._histories,
            self._parameters_followed(steps),
            self._batch_progress,
        )
        self.alterations.start()
        self._began = perf_counter()
        with Meter(self.tree, self._ours) as self._meter:
            run.outcome = passes.run(
                self.tree,
                self._keep,
                (),
                {},
                seed=self._seed,
                grad=self.target.grad or steps.backward,
                call=lambda: run.run(self._set_recorder),
                see=Summarizer().describe_now,
            )
        self._recorder = None
        assert run.recorder is not None
        run.recorder.finish(run.outcome.error)
        return run.recorder, run

    def _set_recorder(self, recorder: Recorder) -> None:
        self._recorder = recorder

    @property
    def _listeners(self) -> list[passes.Listener]:
        return [self._observers, self.alterations.shared]

    def _parameters_followed(self, steps: Steps) -> list[modules.Node]:
        """Whose parameters a history is kept of: everybody's in training, else those that hooks write to."""
        if steps.batches == 1:
            return []
        if steps.optimizer not in ("", NONE) and self.info is not None and self.info.parameters <= FOLLOWED:
            return list(self.tree.objects())
        return [member.node for member in self.alterations.active() if member.attached.hook.on == "parameters"]

    def _batch_progress(self, number: int, count: int) -> None:
        elapsed = (perf_counter() - self._began) * 1e3
        self._tell(Progress(self.generation, 0, 0, 0, elapsed, number, count))

    def _compared(self) -> Comparison | None:
        """What to compare the next pass with; None while nothing differs from the baseline."""
        alterations = self.alterations
        if alterations.state() == alterations.baseline:
            return None
        key = (id(self.sample), self._seed, alterations.baseline, self._observers.count())
        if self._baseline is None or self._baseline[0] != key:
            with alterations.as_in(alterations.baseline):
                baseline = Baseline()
                alterations.start()
                recorder = self._record(None, baseline, doing="the pass to compare with")
                outcome = self._pass(recorder)
            baseline.take_values(recorder.calls)
            if outcome.error is not None:
                return None
            self._baseline = key, baseline
        return Comparison(self._baseline[1], self._watched)

    def cancel(self) -> None:
        """Stop the running pass at its next module."""
        if self._recorder is not None:
            self._recorder.cancel()

    def cancel_background(self) -> None:
        """Stop the running pass if it only fetches histograms and previews."""
        if self._background is not None:
            self._background.cancel()

    def _record(
        self,
        watched: int | None,
        witness: Witness | None = None,
        gradients: bool = False,
        only: frozenset[int] | None = None,
        doing: str = "a pass that fetches values",
        number: int = 0,
    ) -> Recorder:
        """`doing` says what the pass is for, `number` which one it is where its calls are to be shown."""
        assert self.info is not None
        self._begin_trail(doing, number)
        return Recorder(
            self.tree,
            statistics=not self.info.shapes_only and only is None,
            watched=watched,
            only=only,
            progress=self._progress if only is None else None,
            witness=witness,
            gradients=gradients,
            trail=self._trail,
        )

    def _pass(self, recorder: Recorder, see: Callable[[object], Any] = lambda output: None) -> passes.Outcome:
        assert self._keep is not None and self.sample is not None
        self._recorder, self._began = recorder, perf_counter()
        sample = self.sample.copy()
        try:
            return passes.run(
                self.tree,
                self._keep,
                sample.args,
                sample.kwargs,
                seed=self._seed,
                grad=self.target.grad,
                observers=self._listeners,
                recorder=recorder,
                see=see,
            )
        finally:
            self._recorder = None

    def _progress(self, entered: int, index: int) -> None:
        assert self.info is not None
        expected = self.summary.calls if self.summary and self.summary.calls else self.info.modules
        elapsed = (perf_counter() - self._began) * 1e3
        self._tell(Progress(self.generation, entered, expected, index, elapsed))

    def _send_calls(self) -> None:
        rows = self.last.rows()
        for first in range(0, max(len(rows), 1), CHUNK):
            self._tell(CallRows(self.generation, self.last.number, tuple(rows[first : first + CHUNK]), len(rows)))

    def _summarize(
        self, outcome: passes.Outcome, recorder: Recorder, run: Batches, comparison: Comparison | None
    ) -> PassSummary:
        problem = None
        if outcome.error is not None:
            problem = self._problem_of(outcome.error, recorder.failed)
        for fault in recorder.faults:
            self._tell(Note("error", f"observing failed: {encodable(fault, 300)}"))
        self._say_changes(outcome)
        return PassSummary(
            number=self.last.number,
            ms=outcome.ms,
            calls=len(self.last.calls),
            hooks=self._observers.count(),
            seed=self._seed,
            cancelled=isinstance(outcome.error, Cancelled),
            output=outcome.output if outcome.error is None else None,  # type: ignore[arg-type]  # made by `describe`
            problem=problem,
            restored=outcome.restored,
            not_restored=outcome.not_restored,
            altering=self.alterations.altering(),
            delta=next((call.delta for call in recorder.calls if call.index == 0 and not call.depth), None),
            ranking=comparison.ranking if comparison is not None else (),
            faults=self.alterations.faults(),
            batches=run.done,
            backward=self._steps.backward,
            loss=run.loss,
        )

    def _say_changes(self, outcome: passes.Outcome) -> None:
        """What a pass wrote to the model and the process goes to the log, once as long as it stays the same."""
        said = outcome.restored + outcome.not_restored
        if said and said != self._said:
            if outcome.restored:
                self._tell(Note("info", f"the pass changed, and was put back: {_listed(outcome.restored)}"))
            if outcome.not_restored:
                self._tell(Note("warning", f"the pass changed, and stays changed: {_listed(outcome.not_restored)}"))
        self._said = said

    # ------------------------------------------------------------ looking

    def calls_of(self, path: Path, values: bool = False, force: bool = False) -> Calls:
        """The calls of one module in the last pass; with `values` histograms and previews where they can be had."""
        index = self._node(path).index
        if values:
            self._watched = index
            if self._wants_values(index, force):
                self._tell(self._calls(index, path))
                self._fetch_values(index)
        return self._calls(index, path)

    def _calls(self, index: int, path: Path) -> Calls:
        own = self.last.of(index)
        shown = self.last.details(own[:MAX_CALLS_SHOWN])
        return Calls(self.generation, self.last.number, shown, len(own), path=path)

    def _wants_values(self, index: int, force: bool) -> bool:
        """A pass is worth repeating where it would be the same, is quick, and nobody waits for something else."""
        quick = self.summary is not None and self.summary.ms < BACKGROUND_MS
        missing = bool(self.last.of(index)) and self.last.lacks_values(index)
        return missing and self.last.repeatable and (quick or force) and not self._waiting()

    def _fetch_values(self, index: int) -> None:
        """The same pass once more, seen by this module's hook alone."""
        comparison = Comparison(self._baseline[1], index) if self._compares and self._baseline else None
        recorder = self._background = self._record(index, comparison, only=frozenset({index}))
        self.alterations.start()
        try:
            self._pass(recorder)
        finally:
            self._background = None
        self.last.add_values(recorder.calls)

    def trace(self, first: int, count: int) -> Calls:
        """Calls of the last pass in completion order."""
        shown = self.last.details(self.last.calls[first : first + count])
        return Calls(self.generation, self.last.number, shown, len(self.last.calls))

    def source(self, path: Path, part: SourcePart) -> Source:
        node = self._node(path)
        if part == "auto":
            whole = source_of(node.module, "class", path)
            return whole if whole.focus else source_of(node.module, "forward", path)
        if part == "hook":
            raise UsageError("of which hook is not said: its source is asked for with its kind and id")
        if part != "site":
            return source_of(node.module, part, path)
        call = next((call for call in self.last.of(node.index) if call.file), None)
        if call is None:
            note = "no call was seen in the last pass" if self.last.number else "run a pass to see who calls it: r"
            return Source(path, "site", "call site", notes=(note,))
        return site_source(call.file, call.line, path)

    def attributes(self, path: Path) -> Attributes:
        module = self._node(path).module
        return attributes_of(module, path, Summarizer().describe_now, tuple(modules.badges(module)))

    def parameters(self, path: Path, limit: int) -> Parameters:
        self._node(path)
        return parameters_of(self.tree, path, limit)

    def locations(self) -> Locations:
        found = ((node.index, location(node.module)) for node in self.tree.nodes)
        return Locations(tuple(Location(index, *place) for index, place in found if place is not None))

    # ------------------------------------------------------------ hooks

    def observe(self, paths: tuple[Path, ...], subtree: bool, on: bool) -> HookMarks:
        nodes: dict[int, modules.Node] = {}
        for path in paths:
            self._node(path)
            start = self.tree.index_of[path]
            for index in self.tree.subtree(start) if subtree else [start]:
                node = self.tree.object_at(self.tree.paths[index])
                nodes[node.index] = node
        self.alterations.observe(list(nodes.values()), on)
        self._tell(self.changes())
        return self.marks()

    def marks(self) -> HookMarks:
        objects = list(self.tree.objects())
        observed = bytearray(len(self.tree.nodes))
        for node in objects:
            observed[node.index] = 2 if node.index in self._observers.refused else int(self._observers.on(node))
        foreign = {node.index: self._ledger.foreign(node.module) for node in objects}
        return HookMarks(
            self.generation,
            bytes(observed),
            {index: count for index, count in foreign.items() if count > 0},
            dict(self._observers.refused),
            self.alterations.added(),
            tuple(sorted({written.node for written in self.alterations.edits.edited()})),
        )

    def hooks(self, path: Path) -> Hooks:
        node = self._node(path)
        return Hooks(path, self._hook_rows(node), self._observers.on(node), self._observers.refused.get(node.index, ""))

    def all_hooks(self, first: int, count: int) -> AllHooks:
        """Hooks `first` and following, module by module."""
        rows = [*self._ledger.process_rows(self._meter)]
        rows += [row for node in self.tree.objects() for row in self._hook_rows(node)]
        return AllHooks(tuple(rows[first : first + count]), len(rows))

    def _hook_rows(self, node: modules.Node) -> tuple[HookRow, ...]:
        fired = len(self.last.of(node.index))
        added = self.alterations.of(node.module)
        path = self.tree.paths[node.index]
        rows = []
        for row in self._ledger.rows(node.module, fired, path=path, counts=self._meter):
            member = added.get(row.id) if row.ours else None
            if member is None:
                rows.append(row)
            elif member.present:
                rows.append(_own_row(row, member))
        return tuple(rows)

    def set_hook(self, path: Path | None, kind: str, hook_id: int, on: bool, of: str = "") -> Changes:
        """Raises `UsageError` where there is no such hook."""
        node = self._node(path) if path is not None else None
        if node is not None and hook_id in self._observers.ours(node.module):
            self.alterations.observe([node], on)
        else:
            self.alterations.toggle(node, kind, hook_id, on, of)
        return self.changed()

    def hook_source(self, path: Path | None, kind: str, hook_id: int, of: str = "") -> Source:
        """Raises `UsageError` where there is no such hook."""
        node = self._node(path) if path is not None else None
        return source_of_hook(self._ledger.hook(node.module if node else None, kind, hook_id, of), path)

    def try_state_dict(self, file: str) -> StateDictReport:
        """Raises `UsageError`."""
        return report_file(self.tree.root, file, self._keep)

    def save(self, file: str) -> Saved:
        """Raises `UsageError`."""
        return save(self, file)

    @property
    def seed(self) -> int:
        """Of the last pass."""
        return self._seed

    def change(self, request: AnyRequest) -> Changes:
        """Carry out what a person wants changed. Raises `UsageError`, with nothing done."""
        alterations = self.alterations
        match request:
            case AddHook():
                alterations.add(request.where, request.hook, request.code)
            case ReplaceHook():
                alterations.replace(request.path, request.kind, request.id, request.hook, request.code)
            case RemoveHook():
                alterations.remove(request.path, request.kind, request.id)
            case DisableAll():
                alterations.disable_all()
            case EditParameters():
                alterations.edit(request.where, request.edit)
            case Undo(redo=redo):
                (alterations.redo if redo else alterations.undo)()
            case TakeBaseline():
                alterations.baseline = alterations.state()
            case LoadRecipe(file=file):
                load_recipe(alterations, file)
        return self.changed()

    def changed(self) -> Changes:
        """Something was changed: tell the marks, and give what was changed so far."""
        self.last.repeatable = False
        self._tell(self.marks())
        return self.changes()

    def changes(self) -> Changes:
        alterations = self.alterations
        state, base = alterations.state(), alterations.baseline
        words = "the model as it was loaded" if base == State() else f"{len(base.active)} hooks and {base.edits} edits"
        return Changes(
            self.generation,
            alterations.changes(),
            alterations.altering(),
            alterations.disabled(),
            len(alterations.edits.edited()),
            words if state != base else f"{words}, as it is now",
        )

    def check_hook(self, where: str, text: str, code: str) -> HookCheck:
        try:
            hook, nodes = self.alterations.check(where, text, code)
        except InspectorError as error:
            return HookCheck(problem=error.problem)
        names = tuple(encodable(".".join(self.tree.paths[node.index]) or "(root)", 200) for node in nodes[:8])
        return HookCheck(str(hook), len(nodes), names)

    def history(self, path: Path) -> History:
        node = self._node(path)
        series = self._histories.of(node.index)
        note = "" if series else "no batches yet: m runs several"
        return History(path, self._histories.batches, series, note)

    def close(self) -> None:
        """Leave the model as it was before the session."""
        if not self.generation:
            return
        self.alterations.close()
        self._observers.remove_all()
        if self._keep is not None:
            self._keep.restore()
        self._keep = None
        self.last = LastPass(modules.ModuleTree())
        self.tree = modules.ModuleTree()
        gc.collect()

    def check(self, generation: int) -> None:
        """Raises `InspectorError` where a request was made for a model that is no longer open."""
        if generation != self.generation:
            raise InspectorError("the model was opened anew meanwhile", hint="try again")

    def _node(self, path: Path) -> modules.Node:
        try:
            return self.tree.object_at(path)
        except KeyError:
            raise UsageError(f"no module {'.'.join(path)!r} in this model") from None


def _own_row(row: HookRow, member: Added) -> HookRow:
    attached = member.attached
    fault = problem(attached).what if attached.fault is not None else ""
    return replace(
        row,
        flags=tuple(flag for flag in row.flags if flag != "prepend"),  # ours only stand before our observing ones
        name=str(attached.hook),
        owner="",
        file="",
        line=0,
        fired=attached.fired,
        ms=attached.seconds * 1e3,
        alters=attached.hook.alters,
        enabled=member.on,
        fault=fault,
    )


def _words(steps: Steps) -> str:
    words = "the forward and backward pass" if steps.backward else "the forward pass"
    return words if steps.batches == 1 else f"{words} of {steps.batches} batches"


def _listed(words: tuple[str, ...], shown: int = 4) -> str:
    more = f" and {len(words) - shown} more" if len(words) > shown else ""
    return ", ".join(words[:shown]) + more
