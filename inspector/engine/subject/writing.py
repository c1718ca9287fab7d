"""Files of many bytes are written piece by piece: how far that is, is told, and somebody may stop it."""

from __future__ import annotations

import io
import threading
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from ...errors import UsageError
from ...records import Work
from ..usercode.telling import Tell, now_and_then

if TYPE_CHECKING:
    from typing_extensions import Buffer

PIECE = 8 << 20
"""Bytes: few enough to be written between two looks."""


class Writing:
    """Args:
    tell: Receives how far it is.
    """

    def __init__(self, tell: Tell) -> None:
        self._tell = tell
        self._stopped = threading.Event()

    def start(self) -> None:
        """Another file is to be written."""
        self._stopped.clear()

    def cancel(self) -> None:
        """Stop before the next piece. May be called from any thread."""
        self._stopped.set()

    def pace(self, data: Iterable[bytes | memoryview], total: int) -> Iterator[memoryview]:
        """All of `data`, of which there are about `total` bytes, in pieces.

        Raises:
            UsageError: Somebody stopped it.
        """
        done, tell = 0, now_and_then(self._tell)
        for whole in data:
            view = memoryview(whole)
            for start in range(0, view.nbytes, PIECE):
                self._check(done, total)
                yield view[start : start + PIECE]
                done += min(PIECE, view.nbytes - start)
                tell(Work("writing", min(done, total), total, "bytes"))
        self._check(done, total)

    def buffer(self, total: int) -> io.BytesIO:
        """To be filled with about `total` bytes before they are written."""
        return _Buffer(now_and_then(self._tell), total)

    def _check(self, done: int, total: int) -> None:
        if self._stopped.is_set():
            how_far = f"{min(done, total) / 1e6:,.0f} of {total / 1e6:,.0f} MB"
            raise UsageError(f"stopped after {how_far}: nothing of the file is left", hint="enter writes it again")


class _Buffer(io.BytesIO):
    """Tells how full it is. It never raises: torch fills it from C++."""

    def __init__(self, tell: Tell, total: int) -> None:
        super().__init__()
        self._say = tell
        self._total = total

    def write(self, data: Buffer) -> int:
        count = super().write(data)
        self._say(Work("packing", min(self.tell(), self._total), self._total, "bytes"))
        return count
