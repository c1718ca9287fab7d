"""What a running pass has seen so far, in memory that outlives the process it runs in.

The client makes a file without a name, the engine inherits and maps it. Every module that is entered and every call
that returns is written down at once, so that a forward that ends its process (a segfault, `os._exit`, the system out of
memory) loses nothing that was captured until then. This is the engine's end; `read` is the client's.

    0 .. 64 KiB    what faulthandler writes: where Python was when the process died, or when it was asked
    then           the header: whether a pass is running, bytes of complete entries, entries that found no room, bytes
                   of complete names
    then           entries: what each is (`Tag`), bytes that follow, and those
    .. the end     names, in the form of entries, the newest first

What comes again and again is told once, and is a number from then on: a value until the step is over, the names of
modules and the lines that call them as long as it is the same tree.
"""

from __future__ import annotations

import enum
import mmap
import os
import signal
import struct
import sys
import tempfile
import threading
from collections.abc import Callable, Sequence
from functools import cache
from typing import Protocol

import msgspec
from msgspec.structs import replace

from ..records import CallStatus, MappingValue, Path, SequenceValue, Value
from ..records.base import Count, Row

FAULTS = 64 * 1024
"""Bytes at the start of the file that faulthandler has to itself; a multiple of every page size."""
ROOM = 64 * 1024 * 1024
"""Bytes of the file, taken from memory as they are written."""

ASK = signal.SIGUSR2
"""Makes the engine write down where Python is."""

HEADER = struct.Struct("@BQQQ")
ENTRIES = 64
"""Where entries begin, from the header."""
HEAD = struct.Struct("=BI")
ENTERED = struct.Struct("=IIQIIIII")
"""Module, call, start, depth, step, call in the step, line that calls, keyword arguments; then a `NUMBER` for each
positional one."""
LEFT = struct.Struct("=QQdBI")
"""Start, end, milliseconds, place of the status in `STATUSES`, output."""
NUMBER = struct.Struct("=I")
NOTHING = 0xFFFFFFFF
"""In the place of a number: there is none."""
STATUSES: tuple[CallStatus, ...] = ("ok", "raised", "unfinished")

_COUNTS = slice(8, HEADER.size)  # of the header


class Tag(enum.IntEnum):
    """What an entry is."""

    BEGAN = 1  # a `Began`
    MODULE = 2  # a `NamedModule`
    LINE = 3  # a `Line`
    VALUE = 4  # how many items it has, their numbers, and the value, without them
    ENTERED = 5  # a module is about to run
    LEFT = 6  # the call with this start returned or raised


def make_nameless_file() -> int:
    """For a call log; it goes with the last process that holds it."""
    if sys.platform == "linux":
        return os.memfd_create("inspector-call-log")
    with tempfile.TemporaryFile() as file:
        return os.dup(file.fileno())


class Began(Row, frozen=True):
    """A pass starts, and everything before is forgotten."""

    doing: str  # "the forward pass", in words
    generation: Count
    number: Count  # of the pass; 0 for one whose calls nobody is shown


class NamedModule(Row, frozen=True):
    """A module, by its number in the tree."""

    number: Count
    path: Path
    class_name: str


class Line(Row, frozen=True):
    """A line that calls modules, and the number that it has got."""

    number: Count
    file: str
    line: int


class ModuleNames(Protocol):
    """Those of a tree."""

    @property
    def paths(self) -> Sequence[Path]: ...

    def class_name(self, index: int) -> str: ...


class CallInside(Protocol):
    """A call, before its module runs and after it; the fields are those of `CallRow` and `CallDetail`."""

    index: int  # of the module
    number: int
    start: int
    end: int
    depth: int
    step: int
    in_step: int
    ms: float
    status: CallStatus
    inputs: tuple[Value, ...]
    kwargs: MappingValue
    output: Value | None
    site: tuple[str, int]  # file and line


class _Full(Exception):
    """No room is left for an entry."""


_encoder = msgspec.msgpack.Encoder()


class CallLog:
    """Any thread may write; a process that was forked from this one never does.

    Args:
        fd: A file that the client opened, empty and without a name.
    """

    def __init__(self, fd: int) -> None:
        os.ftruncate(fd, ROOM)
        self._map: mmap.mmap | None = mmap.mmap(fd, ROOM - FAULTS, offset=FAULTS)
        self._counts = memoryview(self._map)[_COUNTS].cast("Q")
        self._lock = threading.Lock()
        self._lost = self._next = 0
        self._began: Began | None = None
        self._clear_names(None)
        self._clear()
        os.register_at_fork(after_in_child=self._forget)

    def begin(self, doing: str, generation: int, number: int) -> None:
        """A pass starts now."""
        self._began = Began(doing, generation, number)
        self.begin_step()

    def begin_step(self) -> None:
        """Another step of the same pass starts: the last thing that was done is what there must be room for."""
        with self._lock:
            self._lost = 0
            self._clear()
            if self._map is not None and self._began is not None:
                self._write(self._map, Tag.BEGAN, _encoder.encode(self._began))
                self._write_header(self._map, running=True)

    def enter(self, call: CallInside, names: ModuleNames) -> None:
        """A module is about to run."""
        self._lock.acquire()  # a `with` takes twice as long, for every call there is
        try:
            room = self._map
            if room is None:
                return
            before = self._next
            try:
                if names is not self._names:
                    self._clear_names(names)
                known = self._modules.get(call.index)
                line = known[1] if known is not None and known[0] is call.site else self._tell_place(room, call, names)
                inputs, numbers = call.inputs, self._numbers
                if len(inputs) == 1:
                    number = numbers.get(id(inputs[0]))
                    given = (self._tell_value(room, inputs[0]) if number is None else number,)
                else:
                    given = tuple([self._number_of(room, value) for value in inputs])  # type: ignore[assignment]
                kwargs = self._number_of(room, call.kwargs) if call.kwargs.keys else NOTHING
                first = self._next
                pack, size = _entered_with(len(given)) if len(given) != 1 else _ENTERED_WITH_ONE
                last = first + size
                if last > self._end:
                    raise _Full
                pack(
                    room, first, _ENTERED, size - _HEAD_SIZE, call.index, call.number, call.start, call.depth,
                    call.step, call.in_step, line, kwargs, *given,
                )  # fmt: skip
                self._next = last
                self._counts[0] = last - ENTRIES
            except _Full:
                self._lose(room, before)
        finally:
            self._lock.release()

    def leave(self, call: CallInside) -> None:
        """It returned, or raised."""
        self._lock.acquire()  # as above
        try:
            room = self._map
            if room is None:
                return
            before = self._next
            try:
                output = call.output
                number = NOTHING if output is None else self._numbers.get(id(output))
                if number is None:
                    number = self._tell_value(room, output)  # type: ignore[arg-type]  # there is one
                first = self._next
                last = first + _LEFT_SIZE
                if last > self._end:
                    raise _Full
                status = 0 if call.status == "ok" else STATUSES.index(call.status)
                _pack_left(room, first, _LEFT_TAG, _LEFT_BODY, call.start, call.end, call.ms, status, number)
                self._next = last
                self._counts[0] = last - ENTRIES
            except _Full:
                self._lose(room, before)
        finally:
            self._lock.release()

    def end(self) -> None:
        """The pass is over, and what it saw is where it belongs."""
        with self._lock:
            if self._map is not None:
                self._write_header(self._map, running=False)
            self._clear()

    def _clear(self) -> None:
        self._next = ENTRIES
        self._numbers: dict[int, int] = {}  # of values, by `id`
        self._outlines: dict[tuple[object, ...], tuple[tuple[str, ...], bytes]] = {}  # with names, which have an `id`
        self._values: list[tuple[Value, int]] = []  # by number, and where each is; nothing else gets their ids

    def _clear_names(self, names: ModuleNames | None) -> None:
        self._names = names
        self._end = ROOM - FAULTS
        self._counts[2] = 0
        self._modules: dict[int, tuple[tuple[str, int], int]] = {}  # the line that called it last, and its number
        self._lines: dict[tuple[str, int], int] = {}

    def _write_header(self, room: mmap.mmap, running: bool) -> None:
        """Last of all: a process that dies in between leaves an entry that nobody counts."""
        HEADER.pack_into(room, 0, running, self._next - ENTRIES, self._lost, ROOM - FAULTS - self._end)

    def _lose(self, room: mmap.mmap, before: int) -> None:
        """What was told for an entry that found no room makes room for others."""
        self._lost += 1
        self._next = before
        while self._values and self._values[-1][1] >= before:
            del self._numbers[id(self._values.pop()[0])]
        self._write_header(room, running=True)

    def _tell_place(self, room: mmap.mmap, call: CallInside, names: ModuleNames) -> int:
        """The module's name where it was not told, and the number of the line that calls it."""
        index, site = call.index, call.site
        if index not in self._modules:
            named = NamedModule(index, names.paths[index], names.class_name(index))
            self._write_name(room, Tag.MODULE, _encoder.encode(named))
        line = self._lines.get(site)
        if line is None:
            line = len(self._lines)
            self._write_name(room, Tag.LINE, _encoder.encode(Line(line, *site)))
            self._lines[site] = line
        self._modules[index] = site, line
        return line

    def _number_of(self, room: mmap.mmap, value: Value) -> int:
        number = self._numbers.get(id(value))
        return self._tell_value(room, value) if number is None else number

    def _tell_value(self, room: mmap.mmap, value: Value) -> int:
        if isinstance(value, _CONTAINERS) and value.items:
            known = [*map(self._numbers.get, map(id, value.items))]
            items = [self._number_of(room, item) for item in value.items] if None in known else known
            head = _numbers(len(items)).pack(len(items), *items)
            body = head + self._outline_of(value)
        else:
            body = _NO_ITEMS + _encoder.encode(value)
        self._values.append((value, self._write(room, _VALUE, body)))
        number = self._numbers[id(value)] = len(self._values) - 1
        return number

    def _outline_of(self, value: SequenceValue | MappingValue) -> bytes:
        """All but its items, which is the same of very many."""
        names = value.names if isinstance(value, SequenceValue) else value.keys
        is_tuple = value.is_tuple if isinstance(value, SequenceValue) else None
        key = is_tuple, value.type, value.length, id(names)
        known = self._outlines.get(key)
        if known is None:
            known = self._outlines[key] = names, _encoder.encode(replace(value, items=()))
        return known[1]

    def _write(self, room: mmap.mmap, tag: int, body: bytes) -> int:
        first = self._next
        last = first + _HEAD_SIZE + len(body)
        if last > self._end:
            raise _Full
        room[first:last] = _pack_head(tag, len(body)) + body
        self._next = last
        return first

    def _write_name(self, room: mmap.mmap, tag: Tag, body: bytes) -> None:
        first = self._end - HEAD.size - len(body)
        if first < self._next:
            raise _Full
        room[first : self._end] = HEAD.pack(tag, len(body)) + body
        self._end = first
        self._counts[2] = ROOM - FAULTS - first

    def _forget(self) -> None:
        self._map = None
        self._lock = threading.Lock()  # another thread of the parent may have held it


_HEAD_SIZE = HEAD.size
_pack_head = HEAD.pack
_CONTAINERS = SequenceValue, MappingValue
# as numbers: to look up a member of an enumeration takes as long as all else of an entry
_VALUE, _ENTERED, _LEFT_TAG = int(Tag.VALUE), int(Tag.ENTERED), int(Tag.LEFT)
_LEFT = struct.Struct(HEAD.format + LEFT.format[1:])
_LEFT_SIZE, _LEFT_BODY, _pack_left = _LEFT.size, LEFT.size, _LEFT.pack_into
_NO_ITEMS = NUMBER.pack(0)


@cache
def _entered_with(count: int) -> tuple[Callable[..., None], int]:
    """What packs such an entry, and its bytes."""
    packed = struct.Struct(f"{HEAD.format}{ENTERED.format[1:]}{count}I")
    return packed.pack_into, packed.size


_ENTERED_WITH_ONE = _entered_with(1)


@cache
def _numbers(count: int) -> struct.Struct:
    return struct.Struct(f"=I{count}I")
