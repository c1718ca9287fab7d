"""What a thread has for itself, locks, queues of C code, and contexts."""

from __future__ import annotations

import _queue
import _thread
import contextvars
import decimal
from collections.abc import Iterator
from typing import Any

from ...source.running import in_mro
from .dicts import put_back
from .kind import MISSING, Budget, Change, Kept, Parts


class KeptLocal(Kept):
    """What this thread has in a `threading.local`. A subclass that has an `__init__` runs it for each thread."""

    __slots__ = ("attributes",)

    def __init__(self, owner: Any, budget: Budget) -> None:
        super().__init__(owner, budget)
        self.attributes = dict(self._read())

    @classmethod
    def claims(cls, kind: type) -> bool:
        return issubclass(kind, _thread._local) and in_mro(kind, "__init__")[0] in (_thread._local, object)

    def _read(self) -> dict[str, Any]:
        return _thread._local.__getattribute__(self.owner, "__dict__")  # type: ignore[no-any-return]

    def parts(self) -> Parts:
        return self.attributes.items()

    def restore(self) -> Iterator[Change]:
        yield from map(Change, put_back(self._read(), self.attributes))


class KeptLock(Kept):
    """A lock, or a queue of C code: others may hold it, or wait for what is in it."""

    __slots__ = ("state",)

    def __init__(self, owner: Any, budget: Budget) -> None:
        super().__init__(owner, budget)
        self.state = self._read()

    @classmethod
    def claims(cls, kind: type) -> bool:
        return any(kind is each for each in _STATES)

    def _read(self) -> int:
        held: Any = self.owner
        for kind, read in _STATES.items():
            if type(held) is kind:
                return int(getattr(held, read)())
        raise TypeError

    def restore(self) -> Iterator[Change]:
        now = self._read()
        if now != self.state:
            self.state = now
            words = "a queue with other items" if type(self.owner) is _queue.SimpleQueue else "a lock"
            yield Change("", f"{words}: left as it is, since other threads may use it")


_STATES: dict[Any, str] = {_thread.LockType: "locked", _thread.RLock: "_is_owned", _queue.SimpleQueue: "qsize"}


class KeptVariables(Kept):
    """The variables of a context that a program keeps to run things in."""

    __slots__ = ("values",)

    def __init__(self, owner: contextvars.Context, budget: Budget) -> None:
        super().__init__(owner, budget)
        self.values = dict(owner.items())

    @classmethod
    def claims(cls, kind: type) -> bool:
        return kind is contextvars.Context

    def parts(self) -> Parts:
        return ((variable.name, value) for variable, value in self.values.items())

    def restore(self) -> Iterator[Change]:
        for variable, now in list(self.owner.items()):
            then = self.values.get(variable, MISSING)
            if then is MISSING:
                yield Change(variable.name, "a context variable that was set first: nothing unsets it")
            elif now is not then:
                self.owner.run(variable.set, then)
                yield Change(variable.name)


_SETTINGS = ("prec", "rounding", "Emin", "Emax", "capitals", "clamp")


class KeptDecimals(Kept):
    """How decimal numbers are computed with, where it is not what holds for the thread."""

    __slots__ = ("settings",)

    def __init__(self, owner: decimal.Context, budget: Budget) -> None:
        super().__init__(owner, budget)
        self.settings = self._read()

    @classmethod
    def claims(cls, kind: type) -> bool:
        return kind is decimal.Context

    def _read(self) -> tuple[dict[str, Any], list[bool], list[bool]]:
        owner = self.owner
        settings = {name: getattr(owner, name) for name in _SETTINGS}
        return settings, list(owner.traps.values()), list(owner.flags.values())

    def restore(self) -> Iterator[Change]:
        if self._read() == self.settings:
            return
        settings, traps, flags = self.settings
        for name, value in settings.items():
            setattr(self.owner, name, value)
        for now, then in ((self.owner.traps, traps), (self.owner.flags, flags)):
            for signal, value in zip(list(now), then, strict=True):
                now[signal] = value
        yield Change()
