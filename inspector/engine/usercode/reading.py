"""Files that are read whole or imported, with a word on that to whoever waits."""

from __future__ import annotations

import contextlib
import io
import os
from collections.abc import Iterator
from contextvars import ContextVar
from pathlib import Path
from typing import BinaryIO, cast

from ...files import open_file
from ...files.purposes import Purpose
from ...records import Work
from ...text import encodable
from .telling import Tell, now_and_then, tell_nobody

CHUNK = 8 << 20
"""Bytes that are read at once by `read_ahead`."""

_HEARS: ContextVar[Tell] = ContextVar("_HEARS", default=tell_nobody)


@contextlib.contextmanager
def telling_of_reading(tell: Tell) -> Iterator[None]:
    """While it lasts, tell what is imported, and how much of each file is read."""
    token = _HEARS.set(tell)
    try:
        yield
    finally:
        _HEARS.reset(token)


@contextlib.contextmanager
def telling_of_import(name: str) -> Iterator[None]:
    """Tell that this is imported, and afterwards that what is in it is used."""
    _HEARS.get()(Work(encodable(f"importing {name}", 200)))
    yield
    _HEARS.get()(Work("building"))


@contextlib.contextmanager
def open_counted(path: Path, purpose: Purpose) -> Iterator[BinaryIO]:
    """A regular file, opened; it has no descriptor, past which torch would read it. Raises `UsageError`."""
    with open_file(path, purpose) as stream:
        yield cast(BinaryIO, io.BufferedReader(_Counted(stream)))


def read_ahead(path: Path, purpose: Purpose) -> None:
    """Have the system read a file that something is about to read which says nothing. Raises `UsageError`."""
    with open_counted(path, purpose) as stream:
        while stream.read(CHUNK):
            pass


class _Counted(io.RawIOBase):
    """What is read twice, such as the directory of a zip, counts twice, and never for more than there is."""

    def __init__(self, stream: BinaryIO) -> None:
        super().__init__()
        self._stream, self.name = stream, stream.name
        self._tell = now_and_then(_HEARS.get())
        self._read, self._size = 0, os.fstat(stream.fileno()).st_size

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        count = cast(io.BufferedReader, self._stream).readinto(buffer)
        self._read = min(self._read + count, self._size)
        self._tell(Work("reading the file", self._read, self._size, "bytes"))
        return count

    def seek(self, offset: int, whence: int = 0, /) -> int:
        return self._stream.seek(offset, whence)

    def tell(self) -> int:
        return self._stream.tell()
