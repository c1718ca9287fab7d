"""A callable that stands in for a hook while a pass runs, and counts and times its calls."""

from __future__ import annotations

import copy
import operator
import threading
from collections.abc import Callable
from time import perf_counter
from typing import Any


class Tally:
    """How often, and how long in all. Autograd and the model may call a hook from several threads."""

    def __init__(self) -> None:
        self.times = 0
        self.seconds = 0.0
        self._lock = threading.Lock()

    def add(self, seconds: float) -> None:
        with self._lock:
            self.times += 1
            self.seconds += seconds


class Timed:
    """To whoever looks at it, it is the hook: every attribute is the hook's, `__class__` and `__doc__` too, so that
    code which looks for its own hook in a dict (as torch.nn.utils does, by class) finds it."""

    __slots__ = ("_timed",)

    def __init__(self, hook: Callable[..., Any], tally: Tally) -> None:
        object.__setattr__(self, "_timed", (hook, tally))

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        hook, tally = object.__getattribute__(self, "_timed")
        began = perf_counter()
        try:
            return hook(*args, **kwargs)
        finally:
            tally.add(perf_counter() - began)

    def __getattribute__(self, name: str) -> Any:
        return object.__getattribute__(self, name) if name in _COPYING else getattr(unwrap_timed(self), name)

    def __setattr__(self, name: str, value: Any) -> None:
        setattr(unwrap_timed(self), name, value)

    def __delattr__(self, name: str) -> None:
        delattr(unwrap_timed(self), name)

    def __eq__(self, other: object) -> bool:
        hook, theirs = unwrap_timed(self), unwrap_timed(other)
        return hook is theirs or bool(hook == theirs)

    def __hash__(self) -> int:
        return hash(unwrap_timed(self))

    def __repr__(self) -> str:
        return repr(unwrap_timed(self))

    def __copy__(self) -> Any:
        return unwrap_timed(self)

    def __deepcopy__(self, memo: dict[int, Any]) -> Any:
        """A model that is copied in the middle of a pass gets the hook."""
        return copy.deepcopy(unwrap_timed(self), memo)

    def __reduce_ex__(self, protocol: Any) -> tuple[Any, ...]:
        """So does one that is pickled, and reading its file does not take this package."""
        return operator.getitem, ([unwrap_timed(self)], 0)


_COPYING = frozenset(("__copy__", "__deepcopy__", "__reduce_ex__"))


def unwrap_timed(hook: Any) -> Any:
    """The hook that a `Timed` stands in for; any other hook as it is."""
    return object.__getattribute__(hook, "_timed")[0] if type(hook) is Timed else hook
