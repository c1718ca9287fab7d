"""Time series, and the trajectories of decision transformers."""

from __future__ import annotations

from collections.abc import Callable

from .facts import Facts, find

STEPS = 16
LONGEST = 4_096


def _past(facts: Facts) -> int:
    """Steps of the past: a window, and the furthest lag before it."""
    lags = find(facts.config, ("lags_sequence",), ())
    return min(facts.size("context_length") + (max(lags) if lags else 0), LONGEST)


def values(facts: Facts) -> list[str]:
    steps, width = _past(facts), facts.size("num_input_channels") or facts.size("input_size")
    if not steps:
        return []
    each, all_ = f"{facts.batch}x{steps}", f"{facts.batch}x{steps}x{width}"
    return [all_] if facts.size("num_input_channels") or width > 1 else [each, f"{each}x1"]


def values_mask(facts: Facts) -> list[str]:
    return [f"{spec}::1..1" for spec in values(facts)]


def time_features(facts: Facts) -> list[str]:
    width = facts.size("num_time_features")
    return [f"{facts.batch}x{_past(facts)}x{width}"] if _past(facts) else []


def future(facts: Facts) -> list[str]:
    steps, width = facts.size("prediction_length"), facts.size("input_size")
    return [f"{facts.batch}x{steps}" + (f"x{width}" if width > 1 else "")] if steps and _past(facts) else []


def future_features(facts: Facts) -> list[str]:
    steps, width = facts.size("prediction_length"), facts.size("num_time_features")
    return [f"{facts.batch}x{steps}x{width}"] if steps and _past(facts) else []


def rows(*names: str) -> Callable[[Facts], list[str]]:
    """Rows of a width that the config gives."""

    def make(facts: Facts) -> list[str]:
        width = facts.size(*names)
        return [f"{facts.batch}x{STEPS}x{width}"] if width else []

    return make
