"""How far an output has moved from the baseline, as a bar and a number: read with and without colours.

A bar stands for half a power of ten, so that a change of a thousandth and one of a tenth are told apart at a glance.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import NamedTuple

from ...records import Delta

BARS = " ▁▂▃▄▅▆▇█"
SHADES = " .:-=+*#%"
STEPS_PER_POWER = 2

NONE, LOW, MIDDLE, HIGH, MOST = "heat-none", "heat-low", "heat-middle", "heat-high", "heat-most"
ROLES = (NONE, LOW, MIDDLE, HIGH, MOST)


class Bounds(NamedTuple):
    """Distances up to which an output has hardly moved, a little, and much."""

    low: float = 0.01
    middle: float = 0.1
    high: float = 1.0


BOUNDS = Bounds()


class Heat(NamedTuple):
    """`text` is `▆ 0.32`; `role` is one of `ROLES`."""

    text: str
    role: str


def worst(deltas: Iterable[Delta | None]) -> float | None:
    """The largest relative L2 distance; one that is no number is the worst of all. None where there is no delta."""
    found = [delta.rel_l2 for delta in deltas if delta is not None]
    if not found:
        return None
    return math.nan if any(map(math.isnan, found)) else max(found)


def heat(distance: float, ascii: bool = False, bounds: Bounds = BOUNDS) -> Heat:
    """What stands in the tree for this distance."""
    return Heat(f"{bar(distance, ascii)} {short(distance)}", role_of(distance, bounds))


def bar(distance: float, ascii: bool = False) -> str:
    """One cell: blank for nothing, full for a change as large as the output itself."""
    return (SHADES if ascii else BARS)[_level(distance)]


def _level(distance: float) -> int:
    full = len(BARS) - 1
    if not math.isfinite(distance):
        return full
    if distance <= 0:
        return 0
    return min(max(round(full + STEPS_PER_POWER * math.log10(distance)), 1), full)


def short(distance: float) -> str:
    """At most four cells down to 1e-9: `0.32`, `12`, `4e-3`, `inf`."""
    if math.isnan(distance):
        return "NaN"
    if math.isinf(distance) or distance <= 0:
        return "inf" if distance > 0 else "0"
    if 0.00995 <= distance < 999.5:
        return f"{distance:.2f}" if distance < 0.995 else f"{distance:.1f}" if distance < 9.95 else f"{distance:.0f}"
    digits, power = f"{distance:.0e}".split("e")
    return f"{digits}e{int(power)}"


def role_of(distance: float, bounds: Bounds = BOUNDS) -> str:
    """From what has not moved to what is another output altogether."""
    if not distance <= bounds.high:  # NaN as well
        return MOST
    if distance <= 0:
        return NONE
    return LOW if distance < bounds.low else MIDDLE if distance < bounds.middle else HIGH
