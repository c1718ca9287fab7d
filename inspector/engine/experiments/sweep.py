"""A sweep: the clean run is recorded, then one place after another is altered in the corrupted one, and measured."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import nn

from ...errors import UsageError
from ...records import SweepHead, SweepRow
from ...text import encodable
from ..hooks.attached import Attached
from ..hooks.hook import Hook
from ..hooks.kinds import patch, record
from ..hooks.kinds.record import ALL
from ..hooks.never_fired import Circumstances
from ..hooks.outcomes import conclude, describe_error
from ..hooks.session_state import HookState
from ..hooks.tally import Tally
from ..modules.rows import badges_of
from ..modules.selector import select
from ..modules.tree import ModuleTree, Node
from .metrics import Measure
from .runs import STAYS, Handle, OnCopies, Put, Run, Runs
from .sites import Site, Sites

_RUN = "clean"


@dataclass(frozen=True)
class Question:
    """What is asked of a model.

    Args:
        over: Modules, as hooks name them.
        where: Parts of their outputs; none is all of each.
        hook: What is done at each place; None puts in what the clean run had there.
        on: Without a hook, whether outputs are put in or inputs: "output", "input".
        measure: Of the output of every run.
        corrupted: The run that is altered.
        clean: The run that it is compared with; None for none.
    """

    over: Sequence[str]
    where: Sequence[str]
    hook: Hook | None
    measure: Measure
    corrupted: Run
    clean: Run | None = None
    on: str = "output"

    @property
    def side(self) -> str:
        """What the hook is on."""
        return self.on if self.hook is None else self.hook.on

    def check(self) -> None:
        """Raises `UsageError` where something of it would not be looked at, or nothing be altered."""
        if not self.over:
            raise UsageError("no module is named", hint="over='layer?.?', or over='(root)' for the model itself")
        if self.hook is None:
            self._check_patching()
        else:
            self._check_hook(self.hook)

    def _check_patching(self) -> None:
        if self.clean is None:
            raise UsageError("without a clean run there is nothing to put in", hint="or a hook to do: zero(), mean()")
        if self.on not in ("output", "input"):
            what = f"outputs or inputs of the clean run are put in, and on={self.on!r} is neither"
            raise UsageError(encodable(what, 300), hint="on='output' or on='input'")

    def _check_hook(self, hook: Hook) -> None:
        if not hook.alters:
            raise UsageError(encodable(f"{hook} alters nothing", 300), hint="a hook that does: zero(), mean()")
        if self.on not in ("output", hook.on):
            what = f"on={self.on!r} is for a sweep without a hook, and {hook} is on {hook.on}"
            raise UsageError(encodable(what, 300), hint=f"the hook says it: {hook.kind.name}(…, on={self.on!r})")
        if self.where and hook.where:
            what = f"where is said twice: {', '.join(self.where)} of the sweep, {hook.where} of {hook}"
            raise UsageError(encodable(what, 300), hint="of the sweep alone, or of the hook alone")

    def list_input_changes(self) -> tuple[str, ...]:
        """What runs changed of inputs that could not be copied, in words."""
        runs = [run for run in (self.clean, self.corrupted) if isinstance(run, OnCopies)]
        return tuple(dict.fromkeys(f"{STAYS}{words}" for run in runs for words in run.changes))


class Sweep:
    """One sweep over a model.

    Args:
        tree: The model.
        question: What is asked of it.
        runs: Runs it, and puts it back.

    Raises:
        UsageError: A module or a part of an output cannot be understood, or there is nothing to put in.
    """

    def __init__(self, tree: ModuleTree, question: Question, runs: Runs) -> None:
        question.check()
        self._question = question
        self._runs = runs
        self._tree = tree
        self._state = HookState(lambda text: None, runs.block)
        nodes = select(tree, ",".join(question.over))
        self._nodes = [(node, ".".join(tree.paths[node.index])) for node in nodes]
        _refuse_scripted(self._nodes)
        self._places = Sites(self._nodes, question.where, question.side)
        self._hooks: dict[str, Hook] = {}
        for where in question.where:
            self._check(where)
        self._sites: list[Site] = []

    def begin(self) -> SweepHead:
        """Run the model as it is, clean and corrupted.

        Raises:
            UsageError: A part of an output is not there, or the metric gives no number.
            Exception: Whatever the model and the metric raise.
        """
        question, clean = self._question, None
        if question.clean is not None:
            recorders = self._record() if question.hook is None or question.hook.kind is patch else []
            clean = self._run(question.clean, self._refer, recorders)
        see = self._refer if clean is None else question.measure.values
        corrupted = self._run(question.corrupted, see, [self._places.watch])
        self._sites = self._places.list_all()
        self._clean, self._corrupted = clean, corrupted
        values = None if clean is None else tuple(clean.get(name, math.nan) for name in corrupted)
        hook = str(question.hook) if question.hook is not None else "patch"
        where = tuple(encodable(each, 200) for each in question.where)
        places, numbers = len(self._sites), tuple(corrupted.values())
        return SweepHead(tuple(corrupted), values, numbers, places, encodable(hook, 200), where)

    def rows(self) -> Iterator[list[SweepRow]]:
        """What every metric says of one place after another. A run that fails is told in its rows.

        Raises:
            UsageError: The metric gives no number.
            Exception: Whatever the metric raises.
        """
        for site in self._sites:
            values, fault = self._measure(site)
            missing = fault or "the metric gave no number of this name here"
            yield [
                self._row(site, name, values.get(name, math.nan), fault if name in values else missing)
                for name in self._corrupted
            ]

    def _check(self, where: str) -> None:
        if "*" not in where:
            self._state.check(self._hook(where))
        elif self._question.side not in ("output", "input"):
            what = f"where={where!r} divides outputs and inputs, and {self._question.hook} is put on neither"
            raise UsageError(encodable(what, 300), hint="a where without a star, or on='output' or on='input'")

    def _refer(self, output: Any) -> dict[str, float]:
        self._question.measure.refer(output)
        return self._question.measure.values(output)

    def _run(self, run: Run, see: Callable[[Any], dict[str, float]], put: Sequence[Put]) -> dict[str, float]:
        """One run from its step 0."""

        def stepped(model: nn.Module) -> Any:
            self._state.start()
            try:
                return run(model)
            finally:
                self._state.end_pass()

        return self._runs.run(stepped, see, [self._count_steps, *put])

    def _count_steps(self) -> list[Handle]:
        handle = self._state.steps.register(self._tree.root)
        return [] if handle is None else [handle]

    def _record(self) -> list[Put]:
        """What records each place."""
        keep = record(_RUN, megabytes=ALL, on=self._question.side)
        attached = [Attached(keep, node.module, path, self._state) for node, path in self._nodes]
        return [lambda: [each.register() for each in attached]]

    def _hook(self, where: str) -> Hook:
        """Made once for each part: that takes long beside a small model. Raises `UsageError` where a hook has no such
        `where`."""
        return self._hooks.get(where) or self._hooks.setdefault(where, self._make_hook(where))

    def _make_hook(self, where: str) -> Hook:
        if self._question.hook is None:
            return patch(_RUN, on=self._question.on, where=where)
        return replace(self._question.hook, where=where or self._question.hook.where)

    def _measure(self, site: Site) -> tuple[dict[str, float], str]:
        """What the metric says of the run with this place altered, or why it can say nothing."""
        if not site.called:
            return {}, "the module is not called"
        attached = Attached(self._hook(site.where), site.node.module, site.path, self._state)
        try:
            run = _mark_errors(self._question.corrupted)
            values = self._run(run, self._question.measure.values, [lambda: [attached.register()]])
        except RunError as error:
            return {}, str(error)
        if attached.tally.fired and attached.tally.fault is None:
            return values, ""
        outcome = conclude(attached.hook, site.node, attached.tally, self._circumstances(site, attached))
        again = self._question.hook is None and site.where and attached.tally.calls > 1
        return {}, (outcome.fault or outcome.unfired) + (_advise(attached.tally) if again else "")

    def _circumstances(self, site: Site, attached: Attached) -> Circumstances:
        called = {site.node.index} if attached.tally.calls else set()
        return Circumstances(self._tree, lambda node: badges_of(node.module), called)

    def _row(self, site: Site, metric: str, value: float, fault: str) -> SweepRow:
        corrupted = self._corrupted[metric]
        delta = value - corrupted
        recovered = None
        if self._clean is not None:
            whole = self._clean.get(metric, math.nan) - corrupted
            recovered = delta / whole if whole else math.nan
        place, where, column = (encodable(text, 400) for text in (site.path or "(root)", site.where, site.column))
        return SweepRow(place, where, column, metric, value, delta, recovered, encodable(fault, 300))


def _advise(tally: Tally) -> str:
    """Where a part is not in every call, as a token of the prompt is not in the later steps of `generate`."""
    within = "call" if tally.most_calls > 1 else "step"
    return f"; of several calls: hook=\"patch('{_RUN}', {within}=0)\" is for the first alone"


class RunError(Exception):
    """The model raised."""


def _mark_errors(run: Run) -> Run:
    """What the model raises, apart from what a metric does."""

    def marked(model: nn.Module) -> Any:
        try:
            return run(model)
        except Exception as error:  # a model that was altered may raise anything
            raise RunError(describe_error(error)) from error

    return marked


def _refuse_scripted(nodes: Sequence[tuple[Node, str]]) -> None:
    """Raises `UsageError` where a module would run without the hook that is put on it."""
    scripted = [path or "(root)" for node, path in nodes if isinstance(node.module, torch.jit.ScriptModule)]
    if scripted:
        raise UsageError(
            encodable(f"no hook can be put on {scripted[0]}: scripted and traced modules run compiled code", 400),
            hint="leave scripted modules out with ~, or sweep over the model that they were made from",
        )
