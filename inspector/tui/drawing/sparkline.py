"""A series of values as one row of small bars."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise

from .scale import Scale

_BARS = "▁▂▃▄▅▆▇█"
_SHADES = ".:-=+*#%"
GAP, NOT_FINITE = " ", "!"


def sparkline(values: Sequence[float | None], width: int, ascii: bool = False) -> str:
    """At most `width` cells: blank where nothing was seen, an exclamation mark where a value was not finite."""
    stretches = _stretches(values, width)
    means = [_mean(stretch) for stretch in stretches]
    scale = Scale.over(means)
    return "".join(_cell(mean, scale, _SHADES if ascii else _BARS) for mean in means)


def _stretches(values: Sequence[float | None], width: int) -> list[Sequence[float | None]]:
    count = max(min(width, len(values)), 0)
    edges = [number * len(values) // count for number in range(count + 1)] if count else []
    return [values[start:end] for start, end in pairwise(edges)]


def _mean(values: Sequence[float | None]) -> float | None:
    """NaN where one of them is not finite: it shall be seen, however many there are beside it."""
    seen = [value for value in values if value is not None]
    if not seen:
        return None
    return sum(value / len(seen) for value in seen) if all(map(math.isfinite, seen)) else math.nan


def _cell(mean: float | None, scale: Scale | None, levels: str) -> str:
    if mean is None:
        return GAP
    if scale is None or not math.isfinite(mean):
        return NOT_FINITE
    return levels[round(scale.place(mean) * (len(levels) - 1))]
