"""Reports as `--print` puts them together, without the processes."""

from __future__ import annotations

import warnings
from typing import Any

from torch import nn

from inspector.engine.session import Session
from inspector.records import Run
from inspector.report.collector import Collector
from inspector.report.model import Report


def make_report(
    model: nn.Module, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None, name: str = "net", **run: Any
) -> Report:
    """Of one pass over `model`, with every call in full. `run` are fields of `records.Run`."""
    collector = Collector()
    session = Session(collector.take)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        collector.take(session.adopt(model, args, kwargs or {}, name))
        session.announce()
        summary = session.run(Run(session.generation, materialize=True, **run))
    queries = session.queries
    details, places = queries.trace(0, len(collector.calls)).calls, queries.locations().rows
    gradients = queries.gradients(0, 1_000_000).values
    outcomes = queries.outcomes(0, 1_000_000).rows
    report = collector.report(summary, summary.problem, details, places, outcomes, gradients)
    session.close()
    return report
