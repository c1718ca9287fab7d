"""What a running pass has seen so far, in memory that outlives the process it runs in.

The client makes a file without a name, the engine inherits and maps it. Every module that is entered and every call
that returns is written down at once, so that a forward that ends its process (a segfault, `os._exit`, the system out of
memory) loses nothing that was captured until then. This is the engine's end; `read` is the client's.

    0 .. 64 KiB    what faulthandler writes: where Python was when the process died, or when it was asked
    then           the header: whether a pass is running, bytes of complete entries, entries that found no room
    then           entries: a length (4 bytes) and a MessagePack body each; a container that came before is a number
"""

from __future__ import annotations

import mmap
import os
import signal
import struct
import sys
import tempfile
import threading
from operator import is_
from typing import Union

import msgspec
from msgspec.structs import replace

from ..records import CallStatus, MappingValue, Path, Value
from ..records.base import Count, Milliseconds, Row
from ..records.known_values import Restorer, Shortener

FAULTS = 64 * 1024
"""Bytes at the start of the file that faulthandler has to itself; a multiple of every page size."""
ROOM = 64 * 1024 * 1024
"""Bytes of the file, taken from memory as they are written."""

ASK = signal.SIGUSR2
"""Makes the engine write down where Python is."""

HEADER = struct.Struct("!BQQ")
ENTRIES = 64
"""Where entries begin, from the header."""
LENGTH = struct.Struct("!I")


def make_nameless_file() -> int:
    """For a call log; it goes with the last process that holds it."""
    if sys.platform == "linux":
        return os.memfd_create("inspector-call-log")
    with tempfile.TemporaryFile() as file:
        return os.dup(file.fileno())


class Began(Row, frozen=True, tag=True):
    """A pass starts, and everything before is forgotten."""

    doing: str  # "the forward pass", in words
    generation: Count
    number: Count  # of the pass; 0 for one whose calls nobody is shown


class Entered(Row, frozen=True, tag=True):
    """A module is about to run: what is known of the call; the fields are those of `CallRow` and `CallDetail`."""

    module: Count
    call: Count
    start: int
    depth: Count
    path: Path
    class_name: str
    inputs: tuple[Value, ...]
    kwargs: MappingValue
    file: str = ""
    line: int = 0
    step: int = 0
    in_step: int = 0


class Left(Row, frozen=True, tag=True):
    """The call with this `start` returned or raised."""

    start: int
    end: int
    ms: Milliseconds
    status: CallStatus
    output: Value | None


Entry = Union[Began, Entered, Left]  # noqa: UP007 (msgspec reads it at run time)

_encoder = msgspec.msgpack.Encoder()


class CallLog:
    """Any thread may write; a process that was forked from this one never does.

    Args:
        fd: A file that the client opened, empty and without a name.
    """

    def __init__(self, fd: int) -> None:
        os.ftruncate(fd, ROOM)
        self._map: mmap.mmap | None = mmap.mmap(fd, ROOM - FAULTS, offset=FAULTS)
        self._lock = threading.Lock()
        self._used = self._lost = 0
        self._began: Began | None = None
        self._shortener = Shortener()
        os.register_at_fork(after_in_child=self._forget)

    def begin(self, doing: str, generation: int, number: int) -> None:
        """A pass starts now."""
        with self._lock:
            self._clear()
        self._began = Began(doing, generation, number)
        self._append(self._began)

    def begin_step(self) -> None:
        """Another step of the same pass starts: the last thing that was done is what there must be room for."""
        with self._lock:
            self._clear()
        if self._began is not None:
            self._append(self._began)

    def enter(self, entry: Entered) -> None:
        self._append(entry)

    def leave(self, entry: Left) -> None:
        self._append(entry)

    def end(self) -> None:
        """The pass is over, and what it saw is where it belongs."""
        if self._map is not None:
            HEADER.pack_into(self._map, 0, 0, self._used, self._lost)
        self._shortener = Shortener()

    def _clear(self) -> None:
        self._used = self._lost = 0
        self._shortener = Shortener()

    def _append(self, entry: Entry) -> None:
        with self._lock:
            if self._map is None:
                return
            mark, written = self._shortener.mark(), False
            try:
                written = self._write(self._map, _encoder.encode(_shorten(entry, self._shortener)))
            finally:
                if not written:
                    self._shortener.forget_since(mark)
            # Last of all: a process that dies in between leaves an entry that nobody counts.
            HEADER.pack_into(self._map, 0, 1, self._used, self._lost)

    def _write(self, room: mmap.mmap, body: bytes) -> bool:
        """Whether there was room for it."""
        first = ENTRIES + self._used
        last = first + LENGTH.size + len(body)
        if last > len(room):
            self._lost += 1
            return False
        room[first:last] = LENGTH.pack(len(body)) + body
        self._used += last - first
        return True

    def _forget(self) -> None:
        self._map = None
        self._lock = threading.Lock()  # another thread of the parent may have held it


def _shorten(entry: Entry, shortener: Shortener) -> Entry:
    if isinstance(entry, Left):
        output = None if entry.output is None else shortener.shorten(entry.output)
        return entry if output is entry.output else replace(entry, output=output)
    if isinstance(entry, Began):
        return entry
    inputs = tuple([shortener.shorten(value) for value in entry.inputs])
    kwargs = shortener.shorten_items(entry.kwargs)
    if kwargs is entry.kwargs and all(map(is_, inputs, entry.inputs)):
        return entry
    return replace(entry, inputs=inputs, kwargs=kwargs)


def restore(entry: Entry, restorer: Restorer) -> Entry:
    """`entry` as it was written, those before it having been restored. Raises `ValueError`."""
    if isinstance(entry, Left):
        return entry if entry.output is None else replace(entry, output=restorer.restore(entry.output))
    if isinstance(entry, Began):
        return entry
    inputs = tuple([restorer.restore(value) for value in entry.inputs])
    return replace(entry, inputs=inputs, kwargs=restorer.restore_items(entry.kwargs))
