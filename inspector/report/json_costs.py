"""Costs in the JSON report."""

from __future__ import annotations

from typing import Any

from ..records import CostRow, Costs
from .costs import explain_uncalled_rows, find_hot_path, own_share, share, total_flops
from .model import Report


def costs_to_json(report: Report, costs: Costs) -> dict[str, Any]:
    """All modules but aliases, in their order; of those that were not called everything measured is null."""
    cost_of, uncalled = {row.module: row for row in costs.rows}, explain_uncalled_rows(report, costs)
    return {
        "ms": costs.ms,
        "passes": costs.passes,
        "clock": costs.clock,
        "flops": total_flops(costs),
        "flops_problem": costs.flops_problem or None,
        "uncounted": list(costs.uncounted),
        "hot_path": [report.paths[index] for index in find_hot_path(report.modules, costs)],
        "notes": list(costs.notes),
        "backward_ms": costs.backward_ms,
        "backward_flops": total_flops(costs, backward=True),
        "modules": [
            {
                "path": report.paths[row.index],
                "class": row.class_name,
                "bytes": row.nbytes,
                **_measured(cost_of.get(row.index), costs),
                "why": uncalled.get(row.index),
            }
            for row in report.modules
            if row.alias_of < 0
        ],
    }


_NAMES = (
    "ms", "own_ms", "flops", "own_flops", "activations", "own_activations",
    "backward_ms", "own_backward_ms", "backward_flops", "own_backward_flops",
)  # fmt: skip


def _measured(found: CostRow | None, costs: Costs) -> dict[str, Any]:
    if found is None:
        return {"calls": 0, "share": None, "own_share": None, **dict.fromkeys(_NAMES)}
    figures = {name: getattr(found.cost, name) for name in _NAMES}
    shares = {"share": share(found.cost, costs), "own_share": own_share(found.cost, costs)}
    return {"calls": found.calls, **shares, **figures}
