"""Lines by `sys.monitoring` (Python 3.12 and later): beside every other tool, in every thread, and code that was not
chosen runs as fast as ever.

Exceptions that leave a frame are told of all code or none, so `_unwound` asks whether it is of ours.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from types import CodeType
from typing import Any

from .observer import LineObserver

_monitoring: Any = getattr(sys, "monitoring", None)
_IDS = (3, 4, 5, 1, 2)
"""To be tried: 0 is the debuggers'; 1, 2 and 5 are meant for coverage, profilers and optimizers."""


def find_free_id() -> int | None:
    """Of a tool; None where all are taken, or where Python is too old."""
    if _monitoring is None:
        return None
    return next((each for each in _IDS if _monitoring.get_tool(each) is None), None)


class Monitoring:
    """A backend; see there."""

    def __init__(self, observer: LineObserver) -> None:
        self.notes: tuple[str, ...] = ()
        self._observer = observer
        self._codes: dict[int, CodeType] = {}  # by id: to compare code is to compare all that is in it
        self._tool = -1
        self._local = 0

    def start(self) -> None:
        """Raises ValueError where every id is taken."""
        free = find_free_id()
        if free is None:
            raise ValueError("no id of a tool is free")
        _monitoring.use_tool_id(free, "inspector")
        self._tool = free
        events = _monitoring.events
        for event, callback in self._callbacks().items():
            _monitoring.register_callback(free, event, callback)
        self._local = events.PY_START | events.PY_RESUME | events.LINE | events.PY_RETURN | events.PY_YIELD
        _monitoring.set_events(free, events.PY_UNWIND | events.PY_THROW)

    def _callbacks(self) -> dict[int, Callable[..., None]]:
        """None returns `DISABLE`, after which the later rounds of a loop would go unseen."""
        events = _monitoring.events
        return {
            events.PY_START: self._entered,
            events.PY_RESUME: self._entered,
            events.PY_THROW: self._thrown,
            events.LINE: self._line,
            events.PY_RETURN: self._left,
            events.PY_YIELD: self._left,
            events.PY_UNWIND: self._unwound,
        }

    def add(self, *codes: CodeType) -> None:
        for code in codes:
            self._codes[id(code)] = code
            _monitoring.set_local_events(self._tool, code, self._local)

    def remove(self, code: CodeType) -> None:
        if self._codes.pop(id(code), None) is not None:
            _monitoring.set_local_events(self._tool, code, 0)

    def follow_thread(self) -> None:
        """Every thread is heard of."""

    def stop(self) -> None:
        """`free_tool_id` leaves events and callbacks as they are in 3.12 and 3.13."""
        for code in tuple(self._codes.values()):
            self.remove(code)
        _monitoring.set_events(self._tool, 0)
        for event in self._callbacks():
            _monitoring.register_callback(self._tool, event, None)
        _monitoring.free_tool_id(self._tool)

    def _entered(self, code: CodeType, at: int) -> None:
        self._observer.entered(sys._getframe(1))

    def _thrown(self, code: CodeType, at: int, error: BaseException) -> None:
        if id(code) in self._codes:
            self._observer.entered(sys._getframe(1))

    def _line(self, code: CodeType, number: int) -> None:
        self._observer.line(sys._getframe(1), number)

    def _left(self, code: CodeType, at: int, value: object) -> None:
        self._observer.left(sys._getframe(1), value)

    def _unwound(self, code: CodeType, at: int, error: BaseException) -> None:
        if id(code) in self._codes:
            self._observer.raised(sys._getframe(1), error)
