"""Raw memory: bytearrays, arrays, mapped files, what ctypes has."""

from __future__ import annotations

import array
import ctypes
import mmap
import zlib
from collections.abc import Iterator
from typing import Any

from .kind import Budget, Change, Kept, Parts

_PIECE = 1 << 12
_PIECES = 256
"""Of memory that is too large to be copied, so many pieces of so many bytes are looked at."""


class KeptBuffer(Kept):
    """A bytearray, an array, a mapped file, memory of ctypes: anything that says itself where its bytes are."""

    __slots__ = ("content", "is_sample")

    def __init__(self, owner: Any, budget: Budget) -> None:
        super().__init__(owner, budget)
        self.is_sample = not budget.take_bytes(_size(owner))
        self.content = self._read()

    @classmethod
    def claims(cls, kind: type) -> bool:
        return issubclass(kind, (bytearray, array.array, mmap.mmap, *_OF_C))

    def parts(self) -> Parts:
        """What pointers keep alive; what others point to may be gone, and to look there would end the process."""
        return (("_objects", self.owner._objects),) if issubclass(type(self.owner), _OF_C) else ()

    def _read(self) -> bytes | tuple[int, int]:
        if _is_closed(self.owner):
            return b""
        with memoryview(self.owner) as view:
            return sample(view) if self.is_sample else view.tobytes()

    def restore(self) -> Iterator[Change]:
        now = self._read()
        if now == self.content:
            return
        if type(self.content) is not bytes:
            yield Change("", "too large to be copied")
            return
        if _is_closed(self.owner):
            yield Change("", "a mapped file that was closed")
            return
        if type(now) is bytes and len(now) != len(self.content):
            _resize(self.owner, len(self.content))
        with memoryview(self.owner) as view, view.cast("B") as raw:
            raw[:] = self.content
        yield Change()


_OF_C = (ctypes.Array, ctypes.Structure, ctypes.Union, ctypes._SimpleCData, ctypes._Pointer)


def _size(owner: Any) -> int:
    if _is_closed(owner):
        return 0
    with memoryview(owner) as view:
        return view.nbytes


def _is_closed(owner: Any) -> bool:
    return type(owner) is mmap.mmap and owner.closed


def has_memory(kind: type) -> bool:
    """Whether things of this type show their bytes."""
    return kind is memoryview or KeptBuffer.claims(kind)


def sample_of(owner: Any) -> tuple[int, int]:
    """As `sample`, of whatever has memory."""
    try:
        with memoryview(owner) as view:
            return sample(view)
    except ValueError:  # it was closed, or released
        return 0, 0


def sample(view: memoryview) -> tuple[int, int]:
    """How many bytes there are, and a checksum of some of them."""
    with view.cast("B") as raw:
        step = max(len(raw) // _PIECES, _PIECE)
        checksum = 0
        for start in range(0, len(raw), step):
            checksum = zlib.crc32(raw[start : start + _PIECE], checksum)
        return len(raw), checksum


def _resize(owner: Any, nbytes: int) -> None:
    if issubclass(type(owner), bytearray):
        bytearray.__init__(owner, nbytes)
    elif issubclass(type(owner), array.array):
        del owner[nbytes // owner.itemsize :]
        array.array.frombytes(owner, bytes(nbytes - len(owner) * owner.itemsize))
