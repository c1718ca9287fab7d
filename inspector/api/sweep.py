"""The library's sweep: one place after another is patched or ablated, and it is measured what that does."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from itertools import count
from time import monotonic
from typing import Any

from torch import nn

from ..engine.experiments.metrics import Measure, Metric
from ..engine.experiments.runs import STAYS, Run, Runs, make_run
from ..engine.experiments.sweep import Question, Sweep
from ..engine.hooks.hook import Hook
from ..engine.hooks.spec import parse_hook
from ..engine.modules.tree import ModuleTree, walk
from ..engine.restore.turn import TURN
from ..errors import UsageError
from ..records import SweepRow
from ..report.progress_bar import SOON, fill_bar, is_seen, make_bar, wait_of_places
from ..report.sweeps.result import SweepResult
from .check_model import check_model


def sweep(
    model: nn.Module,
    clean: Any = None,
    corrupted: Any = None,
    *,
    over: str | Sequence[str],
    metric: Metric | str,
    where: str | Sequence[str] | None = None,
    hook: Hook | str | None = None,
    on: str = "output",
    seed: int = 0,
    grad: bool = False,
) -> SweepResult:
    """Alter one place after another, each in a run of its own, and measure what that does to the output.

    Without a `hook` this is activation patching: the clean run is recorded, and in the corrupted one each place gets
    what it had in the clean one. With a hook it is ablation: `sweep(model, x, over="layer*", hook=inspector.zero(),
    metric=fn)`; a clean run is then only what is compared with, and may be left out.

    Every run starts from the same seed and the same model; afterwards that is as it was before, bit for bit, random
    states included. It stays in the mode it is in, `train` or `eval`. An input is one tensor, a tuple of positional
    arguments, a mapping of keyword arguments, or a function `run(model)` that gives the output; it is copied for each
    run. An interrupt (ctrl+c) ends the sweep and keeps what there is: `result.complete` is False.

    Args:
        model: Any module.
        clean: The input of the run that is as it should be.
        corrupted: The input of the run that is altered. With a hook, one input alone is this one.
        over: Modules, as `hooks` names them: "layer4.*", "class:Conv2d", several in a list.
        metric: A function of the output that gives a number, or a dict of numbers by name; or words: "logit:IDX",
            "logit_diff:A,B", "kl" (from the clean run), "mean", "norm".
        where: Parts of each output, one after another: ".last_hidden_state[:, -1]"; a star goes over a dimension:
            "[:, *]" every token, "[..., */4]" the last dimension in four equal parts. Without it all of each output.
        hook: What is done at each place, as `hooks` takes it: `inspector.zero()`, "noise(0.1, seed=1)".
        on: Without a hook, "output" or "input": which of them is put in. Heads are parts of the input of the projection
            behind them: `over="*.o_proj", on="input", where="[0][..., */4]"`.
        seed: For Python, numpy and torch before each run.
        grad: Record gradients in the runs.

    Returns:
        A row for each place, part and metric.

    Raises:
        NotAModule: A TypeError too: what was given is no module.
        UsageError: A module, a part, a metric or a hook cannot be understood, or the metric gives no number.
        InspectorError: As `inspector.summary` raises it where it is not this thread's turn.
        Exception: What the model raises as it is, and what the metric raises. A run that fails because of what was
            altered in it is told in its row.
    """
    check_model(model, "sweep")
    if corrupted is None and hook is not None:
        clean, corrupted = None, clean
    if corrupted is None:
        raise UsageError("there is no input to alter", hint="sweep(model, clean, corrupted, over=..., metric=...)")
    question = Question(
        _list(over),
        _list(where),
        parse_hook(hook) if isinstance(hook, str) else hook,
        Measure(metric),
        make_run(corrupted),
        _run_or_none(clean),
        on,
    )
    tree = walk(model)
    with TURN.hold("a sweep"):
        return _carry_out(tree, question, seed, grad)


def _carry_out(tree: ModuleTree, question: Question, seed: int, grad: bool) -> SweepResult:
    TURN.refuse_nested(tree)
    runs = Runs(tree, seed, grad)
    try:
        with runs:
            experiment = Sweep(tree, question, runs)
            head = experiment.begin()
            rows, complete = _collect(experiment, head.places)
    except BaseException:  # there is no result that could say it
        for words in (*runs.notes, *question.list_input_changes()):
            if words.startswith(STAYS):
                warnings.warn(words, RuntimeWarning, stacklevel=4)
        raise
    return SweepResult(head, rows, complete, (*runs.notes, *question.list_input_changes()))


def _list(given: str | Sequence[str] | None) -> list[str]:
    return [given] if isinstance(given, str) else list(given or ())


def _run_or_none(given: Any) -> Run | None:
    return None if given is None else make_run(given)


def _collect(experiment: Sweep, places: int) -> tuple[list[SweepRow], bool]:
    """The rows, and whether they are all there are."""
    rows: list[SweepRow] = []
    try:
        with _progress(places) as advance:
            for found in experiment.rows():
                rows += found
                advance()
    except KeyboardInterrupt:  # what was measured is worth keeping
        return rows, False
    return rows, True


@contextmanager
def _progress(places: int) -> Iterator[Callable[[], object]]:
    """A bar on standard error while somebody looks at it."""
    if not is_seen():
        yield lambda: None
        return
    bar, numbers, soon = make_bar(takes_prints=True), count(1), monotonic() + SOON

    def advance() -> None:
        fill_bar(bar, wait_of_places(next(numbers), places))
        if monotonic() >= soon:
            bar.start()

    try:
        yield advance
    finally:
        bar.stop()
