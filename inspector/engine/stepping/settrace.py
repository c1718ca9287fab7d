"""Lines by `sys.settrace` (before Python 3.12): of one thread each, where somebody else may trace already.

Whoever traced before is told of everything as before, and of frames that are stepped through as well.
"""

from __future__ import annotations

import dis
import sys
import threading
from types import CodeType, FrameType
from typing import Any

from .observer import LineObserver

Trace = Any  # a function of a frame, the name of an event and what comes with it, which gives another such

_ENDS = {dis.opmap[name] for name in ("RETURN_VALUE", "RETURN_CONST", "YIELD_VALUE") if name in dis.opmap}
_DELEGATES = dis.opmap.get("YIELD_FROM")  # of 3.10: a frame that waits in it stands before it
_RESUMES = dis.opmap.get("RESUME")  # from 3.13 on a frame that yields stands there already


class SetTrace:
    """A backend; see there."""

    def __init__(self, observer: LineObserver) -> None:
        self.notes: tuple[str, ...] = ()
        self.observer = observer
        self.codes: dict[int, CodeType] = {}  # by id: to compare code is to compare all that is in it
        self._before: dict[int, Trace] = {}  # what traced a thread, by its number
        self._new_threads: Trace = None
        self._runs = False
        self._alone = False  # it runs, and nobody traced any thread before
        self._trace: Trace = self._make_trace()  # one object: a bound method is another one each time

    def start(self) -> None:
        former: Any = sys.gettrace()
        if former is not None:
            kind = type(former)
            self.notes = (f"{kind.__module__}.{kind.__qualname__} traces this process too, and goes on hearing of it",)
        self._runs = True
        self._new_threads = threading.gettrace()
        threading.settrace(self._trace)
        self.follow_thread()

    def add(self, *codes: CodeType) -> None:
        new = {id(code): code for code in codes}
        self.codes |= new
        for frame in list(sys._current_frames().values()):
            above: FrameType | None = frame
            while above is not None:
                if id(above.f_code) in new and not self._traces(above):
                    above.f_trace = _Local(self, above.f_trace)
                above = above.f_back

    def _traces(self, frame: FrameType) -> bool:
        """Whether it is told of already, and not by another of its kind, which may be over."""
        return isinstance(frame.f_trace, _Local) and frame.f_trace.backend is self

    def remove(self, code: CodeType) -> None:
        self.codes.pop(id(code), None)

    def follow_thread(self) -> None:
        former = sys.gettrace()
        if former is not self._trace:
            self._before[threading.get_ident()] = former
            self._alone = self._runs and not any((self._new_threads, *self._before.values()))
            sys.settrace(self._trace)

    def stop(self) -> None:
        """Other threads put back what was theirs at their next call: nobody else can."""
        self._runs = self._alone = False
        self.codes.clear()
        if threading.gettrace() is self._trace:
            threading.settrace(self._new_threads)
        if sys.gettrace() is self._trace:
            sys.settrace(self._before.get(threading.get_ident()))

    def _make_trace(self) -> Trace:
        """What Python calls for each call, and for nothing else: most are of code that nobody asked about."""
        codes = self.codes

        def trace(frame: FrameType, event: str, arg: Any) -> Any:
            if id(frame.f_code) not in codes and self._alone:
                return None
            return self._called(frame, event, arg)

        return trace

    def _called(self, frame: FrameType, event: str, arg: Any) -> Any:
        thread = threading.get_ident()
        former = self._before.get(thread, self._new_threads)
        if not self._runs:
            sys.settrace(former)
            return former(frame, event, arg) if former is not None else None
        theirs = self._ask(former, thread, frame, event, arg) if former is not None else None
        if id(frame.f_code) not in self.codes:
            return theirs
        return _Local(self, theirs) if self.observer.entered(frame) else theirs

    def _ask(self, former: Trace, thread: int, frame: FrameType, event: str, arg: Any) -> Any:
        """Whoever traced before; some put themselves in place of what calls them, or stop for good."""
        theirs = former(frame, event, arg)
        now = sys.gettrace()
        if now is not self._trace:
            self._before[thread] = now
            self._alone = False
            sys.settrace(self._trace)
        return theirs


class _Local:
    """What traces one frame."""

    def __init__(self, backend: SetTrace, theirs: Any) -> None:
        self.backend = backend
        self._theirs = theirs
        self._error: BaseException | None = None  # the last that this frame raised or was given

    def __call__(self, frame: FrameType, event: str, arg: Any) -> Any:
        if self._theirs is not None:
            self._theirs = self._theirs(frame, event, arg)
        if id(frame.f_code) not in self.backend.codes:
            return self._theirs
        observer, before = self.backend.observer, frame.f_trace
        if event == "line":
            observer.line(frame, frame.f_lineno)
        elif event == "exception":
            self._error = arg[1]
        elif event == "return":
            error, self._error = self._error, None
            if _gives(frame):
                observer.left(frame, arg)
            else:
                observer.raised(frame, error)
        after = frame.f_trace  # the observer may have had another one put around this
        return after if after is not before else self


def _gives(frame: FrameType) -> bool:
    """Whether a frame returns or yields: it "returns" None too when an exception leaves it."""
    code, at = frame.f_code.co_code, frame.f_lasti
    if at < 0:
        return False
    if code[at] == _RESUMES and at >= 2:
        at -= 2
    return code[at] in _ENDS or (_DELEGATES is not None and code[at + 2 : at + 3] == bytes([_DELEGATES]))
