"""One interface to the lines of chosen code objects, whatever this Python has for it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from types import CodeType

from .monitoring import Monitoring, find_free_id
from .observer import Backend, LineObserver
from .settrace import SetTrace


def choose_backend(observer: LineObserver) -> Backend:
    """`sys.monitoring` where there is one with room for us."""
    return SetTrace(observer) if find_free_id() is None else Monitoring(observer)


class LineTracer:
    """Tells an observer of the lines of some code from `with` to its end, in every thread; then everything is as it
    was, whatever was raised. Other tools go on hearing what they heard.

    Args:
        observer: Is told.
        codes: What to tell of.
        choose: Gives the backend.
    """

    def __init__(
        self,
        observer: LineObserver,
        codes: Iterable[CodeType] = (),
        choose: Callable[[LineObserver], Backend] = choose_backend,
    ) -> None:
        self._backend = choose(observer)
        self._codes = {id(code): code for code in codes}
        self._runs = False

    @property
    def notes(self) -> tuple[str, ...]:
        """What other tools see meanwhile, where they are disturbed."""
        return self._backend.notes

    def __enter__(self) -> LineTracer:
        self._backend.start()
        self._runs = True
        try:
            self._backend.add(*self._codes.values())
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *ended: object) -> None:
        self._runs = False
        self._backend.stop()

    def add(self, *codes: CodeType) -> None:
        """Tell of this code as well; of frames of it that run already, from their next line on. Any thread may call it,
        and the observer while it is told of something."""
        self._codes |= {id(code): code for code in codes}
        if self._runs and codes:
            self._backend.add(*codes)

    def remove(self, code: CodeType) -> None:
        """Tell of it no more. May be called as `add` may."""
        if self._codes.pop(id(code), None) is not None and self._runs:
            self._backend.remove(code)

    def follow_thread(self) -> None:
        """Hear of the calling thread, for those that began before this did and that Python has not told of: to be
        called in hooks of modules, which autograd's threads run too."""
        self._backend.follow_thread()
