"""Comparing and refilling a dict: nobody is asked whether anything is equal, and as little as possible is written."""

from __future__ import annotations

from collections import OrderedDict
from operator import is_
from typing import Any

from .kind import MISSING


def _builtin(held: Any) -> Any:
    """Whose methods read and write it, past those of a subclass."""
    return OrderedDict if issubclass(type(held), OrderedDict) else dict


def copy_dict(held: Any) -> dict[Any, Any]:
    """What is in a dict, in its order, as a plain one: an `OrderedDict` takes twice the memory. A subclass may want to
    be made with more than that, and look at what is taken from it."""
    return dict(held) if type(held) is dict or type(held) is OrderedDict else dict(_builtin(held).items(held))


def identical(now: Any, then: dict[Any, Any]) -> bool:
    """The very same keys and values in the same order."""
    if len(now) != len(then):
        return False
    builtin = _builtin(now)
    return not then or (all(map(is_, builtin.values(now), then.values())) and all(map(is_, builtin.keys(now), then)))


def differences(now: Any, then: dict[Any, Any]) -> list[Any]:
    """The keys that are new, gone or have another value; none where only the order differs."""
    now = copy_dict(now)
    return [key for key in {**then, **now} if now.get(key, MISSING) is not then.get(key, MISSING)]


def refill(now: Any, then: dict[Any, Any]) -> None:
    """Make `now` hold what it held then. Another thread that reads it meanwhile finds what did not change."""
    builtin = _builtin(now)
    for key in [key for key in builtin.keys(now) if key not in then]:
        builtin.__delitem__(now, key)
    for key, value in then.items():
        if builtin.get(now, key, MISSING) is not value:
            builtin.__setitem__(now, key, value)
    if not identical(now, then):  # the order
        builtin.clear(now)
        builtin.update(now, then)


def put_back(now: Any, then: dict[Any, Any]) -> list[str]:
    """`refill` where that is needed; the names of what had changed."""
    if identical(now, then):
        return []
    changed = [str(key) for key in differences(now, then)] or ["order"]
    refill(now, then)
    return changed
