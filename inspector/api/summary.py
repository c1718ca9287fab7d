"""One pass as plain text, without the app."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from torch import nn

from ..engine.restore.turn import TURN
from ..engine.session import Session
from ..errors import InspectorError
from ..records import MeasureCosts, Run, Target
from ..report.collector import Collector
from ..report.costs import render_costs
from ..report.problem import render_problem
from ..report.tree import render_tree
from ..text import visible
from .check_model import check_budget, check_model


def summary(
    model: nn.Module,
    *args: Any,
    kwargs: Mapping[str, Any] | None = None,
    width: int = 100,
    generate: int = 0,
    costs: int = 0,
    budget: float | str = 0.0,
    backward: bool = False,
) -> str:
    """The module tree of one pass as plain text: classes, parameters, output shapes, calls.

    The pass runs on copies of the inputs, and the model is as before afterwards. Without arguments a sample input is
    guessed. With `generate`, `model.generate` makes so many tokens in place of one call, and the last one is shown.
    With `costs`, what each module costs, in milliseconds, FLOPs and bytes: the median of so many warm passes.
    With `backward`, the pass ends in a backward pass from the mean of what the model gave, and what that costs in each
    module is measured too. With a `budget`, as a share of the pass without our hooks (0.1 or "10%"), statistics are
    left out that would take more, and it says of how many tensors: NaN, Inf and dead modules in them are not found.
    Whatever runs a model and puts it back (`summary`, `sweep`, a pass of an open app) waits for its turn: one thread at
    a time, in the whole process.

    Raises:
        InspectorError: The pass failed; its message has the traceback. Or another thread has had its turn for too
            long, or the budget is no share, or this model is in the middle of such a pass on this thread.
    """
    check_model(model, "summary")
    with TURN.hold("a summary"):
        return _summarize(model, args, dict(kwargs or {}), width, generate, costs, check_budget(budget), backward)


def _summarize(
    model: nn.Module,
    args: tuple[Any, ...],
    kwargs: dict[str, Any],
    width: int,
    generate: int,
    costs: int,
    budget: float,
    backward: bool,
) -> str:
    collector = Collector()
    session = Session(collector.take)
    session.terms = Target("", budget=budget)
    try:
        opened = session.adopt(model, args, kwargs, type(model).__name__)
        collector.take(opened)
        session.announce()
        if opened.form:
            raise InspectorError("the sample input is unknown", hint="pass it: inspector.summary(model, x)")
        # asked for in so many words, and the guard makes lazy modules lazy again
        asked = Run(session.generation, materialize=True, generate=generate, backward=backward)
        ended = session.run(asked) if opened.info.runnable else None
        if ended is not None and ended.problem is not None:
            left = [f"  the pass changed, and stays changed: {visible(words)}\n" for words in ended.not_restored]
            raise InspectorError("".join([render_problem(ended.problem), *left]))
        report = collector.report(ended)
        if not costs:
            return render_tree(report, width)
        return render_costs(
            replace(report, costs=session.tasks.costs.measure(MeasureCosts(session.generation, costs)), paths=[]), width
        )
    finally:
        session.close()
