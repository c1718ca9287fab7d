"""What a thread has for itself, locks, and queues of C code."""

from __future__ import annotations

import _queue
import _thread
from collections.abc import Iterator
from typing import Any

from ...source.running import in_mro
from .dicts import put_back
from .kind import Budget, Change, Kept, Parts


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
