"""Comparing and refilling a dict: nobody is asked whether anything is equal, and as little as possible is written."""

from __future__ import annotations

from operator import is_
from typing import Any

from .kind import MISSING


def identical(now: Any, then: dict[Any, Any]) -> bool:
    """The very same keys and values in the same order. Both are dicts of no subclass that has an order of its own."""
    if len(now) != len(then):
        return False
    return not then or (all(map(is_, now.values(), then.values())) and all(map(is_, now, then)))


def differences(now: dict[Any, Any], then: dict[Any, Any]) -> list[Any]:
    """The keys that are new, gone or have another value; none where only the order differs."""
    return [key for key in {**then, **now} if now.get(key, MISSING) is not then.get(key, MISSING)]


def refill(now: Any, then: dict[Any, Any]) -> None:
    """Make `now` hold what it held then. Another thread that reads it meanwhile finds what did not change."""
    for key in [key for key in now if key not in then]:
        del now[key]
    for key, value in then.items():
        if now.get(key, MISSING) is not value:
            now[key] = value
    if not identical(now, then):  # the order
        now.clear()
        now.update(then)


def put_back(now: Any, then: dict[Any, Any]) -> list[str]:
    """`refill` where that is needed; the names of what had changed."""
    if identical(now, then):
        return []
    changed = [str(key) for key in differences(now, then)] or ["order"]
    refill(now, then)
    return changed
