"""What a figure is: a measured number next to the target it has to hold."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

MARGIN = 1.10
"""A target is missed when the figure is more than this many times its limit: a shared machine is never quite still."""


@dataclass(frozen=True)
class Result:
    """One line of the table.

    Args:
        figure: What was measured, in words.
        measured: The number.
        limit: The most it may be; None for a number that is only told.
        unit: "" for a ratio.
        detail: What the number is made of.
    """

    figure: str
    measured: float
    limit: float | None = None
    unit: str = ""
    detail: str = ""

    @property
    def missed(self) -> bool:
        return self.limit is not None and self.measured > self.limit * MARGIN

    @property
    def over(self) -> bool:
        return self.limit is not None and self.measured > self.limit


def percentile(values: Sequence[float], share: float) -> float:
    """The smallest of `values` that at least `share` of them do not exceed."""
    ordered = sorted(values)
    return ordered[max(0, -int(-share * len(ordered) // 1) - 1)]


def median_ratio(over: Sequence[float], under: Sequence[float]) -> float:
    """The median of the ratios of pairs that were measured next to each other."""
    return median(a / b for a, b in zip(over, under, strict=True))


def table(results: Sequence[Result]) -> str:
    """The results in Markdown."""
    lines = ["| figure | target | measured | made of |", "|---|---|---|---|"]
    lines += [
        f"| {r.figure} | {_limit(r)} | {_number(r.measured, r.unit)}{_verdict(r)} | {r.detail} |" for r in results
    ]
    return "\n".join(lines)


def _limit(result: Result) -> str:
    return "" if result.limit is None else f"≤ {_number(result.limit, result.unit)}"


def _number(value: float, unit: str) -> str:
    return f"{value:.1f} {unit}" if unit else f"{value:.2f}"


def _verdict(result: Result) -> str:
    if result.missed:
        return " **missed**"
    return " (over, within the margin)" if result.over else ""
