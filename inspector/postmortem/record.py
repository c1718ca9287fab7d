"""What a running pass has seen so far, in memory that outlives the process it runs in.

The client makes a file without a name, the engine inherits and maps it. Every module that is entered and every call
that returns is written down at once, so that a forward that ends its process (a segfault, `os._exit`, the system out of
memory) loses nothing that was captured until then. This is the engine's end; `read` is the client's, `layout` what both
know.

It is written between the operations of a model, which leave nothing of it in the processor's caches: what counts is how
few functions and objects are touched.
"""

from __future__ import annotations

import itertools
import mmap
import os
import signal
import struct
import sys
import tempfile
import threading

import msgspec
from msgspec.structs import replace

from ..records import MappingValue, SequenceValue, Statistics, TensorValue, Value
from .call import CallInside, ModuleNames, Site
from .layout import (
    BODY,
    ENTERED,
    FAULTS,
    FEW,
    HEADER,
    LARGE,
    LEFT,
    LEFT_MEASURED,
    MEASURED,
    NOTHING,
    ROOM,
    SLOT,
    SLOTS,
    STATUSES,
    TAGS,
    Began,
    Line,
    NamedModule,
    Tag,
    container,
    find_middle,
)

ASK = signal.SIGUSR2
"""Makes the engine write down where Python is."""


def make_nameless_file() -> int:
    """For a call log; it goes with the last process that holds it."""
    if sys.platform == "linux":
        return os.memfd_create("inspector-call-log")
    with tempfile.TemporaryFile() as file:
        return os.dup(file.fileno())


class _Full(Exception):
    """No room is left for what is told."""


_SMALL = 1_000
"""Bytes of a value that stays when the step is over: many will be told again."""
_encode = msgspec.msgpack.Encoder().encode
_pack_entered, _pack_left = ENTERED.pack_into, LEFT.pack_into
_pack_left_measured, _pack_measured = LEFT_MEASURED.pack_into, MEASURED.pack_into
# as numbers: to look up a member of an enumeration takes as long as all else of an entry
_ENTERED, _LEFT, _LEFT_MEASURED, _MEASURED, _CONTAINER = (int(tag) for tag in Tag)
_pack_container = [container(count).pack_into for count in range(FEW + 1)]


class _Known:
    """Where all is that is told once and stays: names, and what is the same of very many values."""

    __slots__ = ("bodies", "lines", "modules", "names", "of_containers", "of_tensors")

    def __init__(self) -> None:
        self.names: ModuleNames | None = None  # of the tree whose are the modules
        self.modules: dict[int, int] = {}
        self.lines: dict[Site, int] = {}
        self.of_tensors: dict[tuple[object, ...], int] = {}  # outlines
        self.of_containers: dict[tuple[object, ...], int] = {}
        self.bodies: dict[bytes, int] = {}


class _Step:
    """What is told while one step of a pass runs. An entry that began in it keeps to it, whatever another thread begins
    meanwhile.

    Args:
        room: Where its slots are; an empty one takes none.
        known: What was told before.
        mark: Of its slots, 0 for no step at all.
    """

    __slots__ = ("keep", "known", "mark", "room", "slots", "where")

    def __init__(self, room: bytearray | memoryview, known: _Known, mark: int) -> None:
        self.room = room
        self.known = known
        self.mark = mark
        self.slots = itertools.count(SLOTS, SLOT)  # two threads never get the same
        self.where: dict[int, int] = {id(None): NOTHING}  # each value is that was told, by `id`
        self.keep = list[Value]().append  # what was told, so that nothing else gets its id


class CallLog:
    """Any thread may write; a process that was forked from this one never does.

    Args:
        fd: A file that the client opened, empty and without a name.
    """

    def __init__(self, fd: int) -> None:
        os.ftruncate(fd, ROOM)
        self._map: mmap.mmap | None = mmap.mmap(fd, ROOM - FAULTS, offset=FAULTS)
        self._header = memoryview(self._map)[: HEADER.size].cast("Q")
        self._middle = find_middle(ROOM)
        self._slots = memoryview(self._map)[: self._middle]
        self._marks = itertools.count(TAGS, TAGS)
        self._lock = threading.Lock()  # of all but slots
        self._next_body = self._middle
        self._last_known = self._size = ROOM - FAULTS
        self._known = _Known()
        self._began = b""
        self._step = _NO_STEP
        os.register_at_fork(after_in_child=self._forget)

    def begin(self, doing: str, generation: int, number: int) -> None:
        """A pass starts now."""
        self._began = _encode(Began(doing, generation, number))
        self.begin_step()

    def begin_step(self) -> None:
        """Another step of the same pass starts: the last thing that was done is what there must be room for."""
        with self._lock:
            if self._map is None:
                return
            if self._size - self._last_known > (self._size - self._middle) // 4:
                self._known, self._last_known = _Known(), self._size
            self._next_body = self._middle
            self._write(self._map, BODY.pack(len(self._began)) + self._began)
            self._step = step = _Step(self._slots, self._known, next(self._marks))
            self._header[1] = 0
            self._header[0] = step.mark

    def end(self) -> None:
        """The pass is over, and what it saw is where it belongs."""
        with self._lock:
            self._step = _NO_STEP
            if self._map is not None:
                self._header[0] = 0

    def enter(self, call: CallInside, names: ModuleNames) -> None:
        """A module is about to run."""
        step = self._step
        try:
            known, where, inputs = step.known, step.where, call.inputs
            if known.names is not names:
                self._turn_to(step, names)
            module = known.modules.get(call.index) or self._name_module(step, call.index, names)
            line = known.lines.get(call.site) or self._name_line(step, call.site)
            given, first, second, third = len(inputs), NOTHING, NOTHING, NOTHING
            if given == 1:
                first = where.get(id(inputs[0])) or self._tell(step, inputs[0])
            elif given:
                first, second, third = self._tell_inputs(step, inputs)
            kwargs = where.get(id(call.kwargs)) or self._tell(step, call.kwargs)
            _pack_entered(
                step.room, next(step.slots), call.start, module, line, call.number, call.depth, call.step,
                call.in_step, kwargs, given, first, second, third, step.mark + _ENTERED,
            )  # fmt: skip
        except (_Full, struct.error):
            self._lose(step)

    def leave(self, call: CallInside) -> None:
        """It returned, or raised."""
        step, output = self._step, call.output
        status = 0 if call.status == "ok" else STATUSES.index(call.status)
        try:
            at = step.where.get(id(output))
            if at is None and type(output) is TensorValue and (found := output.statistics) is not None:
                outline = self._find_outline(step, output)
                if outline:
                    at = next(step.slots)
                    _pack_left_measured(
                        step.room, at, call.start, call.end, call.ms, status, outline, found.min, found.max,
                        found.mean, found.std, found.nan, found.inf, found.zeros, step.mark + _LEFT_MEASURED,
                    )  # fmt: skip
                    step.where[id(output)] = at
                    step.keep(output)
                    return
            if at is None:
                at = self._tell(step, output)  # type: ignore[arg-type]  # None is where nothing is
            _pack_left(step.room, next(step.slots), call.start, call.end, call.ms, status, at, step.mark + _LEFT)
        except (_Full, struct.error):
            self._lose(step)

    def _lose(self, step: _Step) -> None:
        """An entry found no room."""
        with self._lock:
            if self._takes(step):
                self._header[1] += 1

    def _takes(self, step: _Step) -> bool:
        """Whether this step is the one that runs: of one that is over, nothing is told any more."""
        return step is self._step and step is not _NO_STEP

    def _tell_inputs(self, step: _Step, inputs: tuple[Value, ...]) -> tuple[int, ...]:
        told = [step.where.get(id(value)) or self._tell(step, value) for value in inputs]
        if len(told) > 3:
            told = [self._add_items(step, NOTHING, told)]
        return (*told, NOTHING, NOTHING)[:3]

    def _tell(self, step: _Step, value: Value) -> int:
        """Where it is from now on."""
        if type(value) is MappingValue and value.items:
            at = self._tell_container(step, value, value.keys, None)
        elif type(value) is SequenceValue and value.items:
            at = self._tell_container(step, value, value.names, value.is_tuple)
        elif type(value) is TensorValue and (outline := self._find_outline(step, value)):
            found = value.statistics
            at = outline if found is None else next(step.slots)
            if found is not None:
                _pack_measured(
                    step.room, at, outline, found.min, found.max, found.mean, found.std, found.nan, found.inf,
                    found.zeros, step.mark + _MEASURED,
                )  # fmt: skip
        else:
            at = self._add(step, _encode(value))
        step.where[id(value)] = at
        step.keep(value)
        return at

    def _tell_container(
        self, step: _Step, value: SequenceValue | MappingValue, names: tuple[str, ...], is_tuple: bool | None
    ) -> int:
        where, items = step.where, value.items
        told = [*map(where.get, map(id, items))]
        if None in told:
            for place, item in enumerate(items):
                if told[place] is None:
                    told[place] = where.get(id(item)) or self._tell(step, item)
        key = value.type, value.length, is_tuple, names
        outline = step.known.of_containers.get(key)
        if outline is None:
            body = _encode(replace(value, items=()))
            outline = step.known.of_containers[key] = self._find_known(step, body)
        return self._add_items(step, outline, told)  # type: ignore[arg-type]  # all were told

    def _add_items(self, step: _Step, outline: int, told: list[int]) -> int:
        count = len(told)
        if count > FEW:
            return self._add_body(step, struct.pack(f"=II{count}I", LARGE + count, outline, *told))
        at = next(step.slots)
        _pack_container[count](step.room, at, outline, count, *told, step.mark + _CONTAINER)
        return at

    def _find_outline(self, step: _Step, value: TensorValue) -> int:
        """Where all is that is said of a tensor but its numbers; `NOTHING` where there is more to it."""
        found = value.statistics
        of = None
        if found is not None:
            of = found.of
            if found.min is None or found.max is None or found.mean is None or found.std is None:
                return NOTHING
        if value.histogram is not None or value.preview is not None:
            return NOTHING
        key = (
            value.shape, value.dtype, value.device, value.requires_grad, value.type, value.layout, value.nbytes,
            value.why, of,
        )  # fmt: skip
        at = step.known.of_tensors.get(key)
        if at is None:
            outline = value if found is None else replace(value, statistics=Statistics(of=found.of))
            at = step.known.of_tensors[key] = self._find_known(step, _encode(outline))
        return at

    def _turn_to(self, step: _Step, names: ModuleNames) -> None:
        """These are names of another tree."""
        with self._lock:
            if not self._takes(step):
                raise _Full
            step.known.names, step.known.modules = names, {}

    def _name_module(self, step: _Step, index: int, names: ModuleNames) -> int:
        body = _encode(NamedModule(index, names.paths[index], names.class_name(index)))
        at = step.known.modules[index] = self._find_known(step, body)
        return at

    def _name_line(self, step: _Step, site: Site) -> int:
        at = step.known.lines[site] = self._find_known(step, _encode(Line(*site)))
        return at

    def _add(self, step: _Step, body: bytes) -> int:
        if len(body) > _SMALL:
            return self._add_body(step, BODY.pack(len(body)) + body)
        return self._find_known(step, body)

    def _add_body(self, step: _Step, body: bytes) -> int:
        with self._lock:
            if self._map is None or not self._takes(step):
                raise _Full
            return self._write(self._map, body)

    def _write(self, room: mmap.mmap, body: bytes) -> int:
        first, last = self._next_body, self._next_body + len(body)
        if last > self._last_known:
            raise _Full
        room[first:last] = body
        self._next_body = last
        return first

    def _find_known(self, step: _Step, body: bytes) -> int:
        known = step.known.bodies.get(body)
        if known is not None:
            return known
        with self._lock:
            first = self._last_known - BODY.size - len(body)
            if self._map is None or not self._takes(step) or first < self._next_body:
                raise _Full
            self._map[first : self._last_known] = BODY.pack(len(body)) + body
            self._last_known = step.known.bodies[body] = first
            return first

    def _forget(self) -> None:
        self._map, self._step = None, _NO_STEP
        self._lock = threading.Lock()  # another thread of the parent may have held it


_NO_STEP = _Step(bytearray(), _Known(), 0)
