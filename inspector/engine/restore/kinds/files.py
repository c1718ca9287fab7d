"""Open files and streams in memory: their position, and what is in them."""

from __future__ import annotations

import io
from collections.abc import Iterator
from typing import Any

from ...source.running import Types
from .kind import MISSING, Budget, Change, Kept

_STREAMS = Types(io.BytesIO, io.StringIO)
_FILES = Types(io.FileIO, io.BufferedReader, io.BufferedWriter, io.BufferedRandom, io.TextIOWrapper)


class KeptStream(Kept):
    """A `BytesIO` or `StringIO`: contents and position."""

    __slots__ = ("state",)

    def __init__(self, owner: Any, budget: Budget) -> None:
        super().__init__(owner, budget)
        self.state = self._read() if budget.take_bytes(_size(owner)) else None

    @classmethod
    def claims(cls, kind: type) -> bool:
        return kind in _STREAMS

    def _read(self) -> Any:
        if self.owner.closed:
            return MISSING
        return self.owner.getvalue(), self.owner.tell()

    def restore(self) -> Iterator[Change]:
        if self.state is None or self.state is MISSING:
            return
        now = self._read()
        if now is MISSING:
            yield Change("", "a stream that was closed")
        elif now != self.state:
            content, position = self.state
            self.owner.seek(0)
            self.owner.truncate()
            self.owner.write(content)
            self.owner.seek(position)
            yield Change()


def _size(owner: Any) -> int:
    """Bytes, of text at most four for a letter."""
    if owner.closed:
        return 0
    position = owner.tell()
    size = owner.seek(0, io.SEEK_END)
    owner.seek(position)
    return int(size) * (1 if type(owner) is io.BytesIO else 4)


class KeptFile(Kept):
    """A file of Python's own: where it stands. One that is only read is wound back; what was written stays."""

    __slots__ = ("position",)

    def __init__(self, owner: Any, budget: Budget) -> None:
        super().__init__(owner, budget)
        self.position = self._read()

    @classmethod
    def claims(cls, kind: type) -> bool:
        return kind in _FILES

    def _read(self) -> int | None:
        """None where it has no position: it is closed, a pipe, a terminal, or being iterated."""
        try:
            return int(self.owner.tell()) if self.owner.seekable() else None
        except (OSError, ValueError):
            return None

    def restore(self) -> Iterator[Change]:
        if self.position is None or self._read() == self.position:
            return
        if self.owner.closed:
            yield Change("", "a file that was closed")
        elif self.owner.writable():
            self.position = self._read()
            yield Change("", "a file that was written to")
        else:
            self.owner.seek(self.position)
            yield Change()
