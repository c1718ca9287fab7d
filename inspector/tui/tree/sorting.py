"""By what modules can be sorted, the most first."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

from ...client.model import Model
from ...records import Cost
from ...report.costs import count_flops
from ...report.waits import size
from .. import format as fmt
from .heat import short

Measures = dict[int, float]
"""By row; a module of which nothing is known has none."""


@dataclass(frozen=True)
class Sort:
    """`title` says it above the tree, `write` a measure on a line, where the `column` of costs does not."""

    title: str
    measure: Callable[[Model], Measures]
    write: Callable[[float], str]
    column: str = ""


def own_times(model: Model) -> Measures:
    """Milliseconds in each module and in none below it, over all its calls: those of warm passes where costs were
    measured, else of the last pass."""
    if model.costs is not None:
        return costs(lambda cost: cost.own_ms)(model)
    return dict(model.own_times)


def costs(measure: Callable[[Cost], float | None]) -> Callable[[Model], Measures]:
    """By what was measured of each module that was called; nothing before that."""

    def measure_all(model: Model) -> Measures:
        rows = model.costs.costs.rows if model.costs is not None else ()
        found = ((row.module, measure(row.cost)) for row in rows)
        return {index: value for index, value in found if value}

    return measure_all


def own_parameters(model: Model) -> Measures:
    """How many each module has itself; of names without a model all that is below."""
    own, rows = enumerate(model.rows.own_parameters), model.rows
    return {index: float(count) for index, count in own if count and not rows.is_alias(index)}


def gradients(model: Model) -> Measures:
    """The largest norm of a gradient that reached an output of each module."""
    found = {index: model.calls.gradient_norm(index) for index in model.calls.called()}
    return {index: norm for index, norm in found.items() if norm is not None}


def distances(model: Model) -> Measures:
    """How far the output of each module is from the baseline."""
    found = {index: model.calls.distance(index) for index in model.calls.called()}
    return {index: distance for index, distance in found.items() if distance is not None}


SORTS = (
    Sort("own time", own_times, fmt.ms, "own"),
    Sort("time", costs(lambda cost: cost.ms), fmt.ms, "time"),
    Sort("own FLOPs", costs(lambda cost: cost.own_flops), lambda flops: count_flops(int(flops))),
    Sort("own activations", costs(lambda cost: cost.own_activations), lambda nbytes: size(int(nbytes))),
    Sort("own parameters", own_parameters, fmt.count),
    Sort("gradient", gradients, fmt.number),
    Sort("Δ from the baseline", distances, short),
)


def most_first(measures: Measures) -> list[int]:
    """The rows; what is no number is the most of all, and of equal ones the first comes first."""
    known = measures
    if any(map(math.isnan, measures.values())):
        known = {row: math.inf if math.isnan(measure) else measure for row, measure in measures.items()}
    return sorted(sorted(known), key=known.__getitem__, reverse=True)
