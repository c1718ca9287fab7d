"""Plain lists, dicts and sets that somebody keeps on a module: what is in them now, put back later.

Always through the built-in type's own methods: a subclass may override any of them.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator
from typing import Any

from ..values.nested import walk

PLAIN = (list, dict, set)

_ITEMS = 10_000
_DEPTH = 4


def is_plain(value: object) -> bool:
    return issubclass(type(value), PLAIN)


def containers_in(value: Any) -> Iterator[Any]:
    """`value` and the containers inside it, each once, down to a few levels and within a budget of items."""
    left = _ITEMS

    def enter(node: Any, depth: int) -> bool:
        nonlocal left
        if depth > _DEPTH or not (depth == 0 or type(node) in PLAIN):
            return False
        left -= int(_builtin(node).__len__(node))
        return left >= 0

    return (container for container, _ in walk(value, enter))


def items_of(container: Any) -> list[Any]:
    """The values of a dict, the items of a list or set."""
    content = content_of(container)
    return list(content.values()) if isinstance(content, dict) else list(content)


def content_of(container: Any) -> Any:
    """A copy in the built-in type, in order."""
    builtin = _builtin(container)
    return dict(builtin.items(container)) if issubclass(builtin, dict) else builtin.copy(container)


class KeptContainer:
    """One container and what was in it."""

    def __init__(self, container: Any) -> None:
        self._container = container
        self._content = content_of(container)

    def restore(self) -> bool:
        """Put back what was in it. Whether anything had changed."""
        now, then = content_of(self._container), self._content
        if identical(now, then) if isinstance(now, dict) else _same_items(now, then):
            return False
        builtin = _builtin(self._container)
        builtin.clear(self._container)
        (builtin.extend if builtin is list else builtin.update)(self._container, then)
        return True


def identical(now: dict[Any, Any], then: dict[Any, Any]) -> bool:
    """The very same keys and values in the same order; nobody is asked whether anything is equal."""
    if len(now) != len(then):
        return False
    pairs = zip(now.items(), then.items(), strict=True)
    return not now or all(key is other and a is b for (key, a), (other, b) in pairs)


def _same_items(now: Any, then: Any) -> bool:
    if isinstance(now, set):
        now, then = sorted(now, key=id), sorted(then, key=id)
    return len(now) == len(then) and all(a is b for a, b in zip(now, then, strict=False))


def _builtin(container: Any) -> Any:
    # the order of an OrderedDict is its own, not that of the dict it is
    return next(builtin for builtin in (OrderedDict, *PLAIN) if issubclass(type(container), builtin))
