"""The slots of a call log, read in the order in which they were handed out: the calls that they tell of."""

from __future__ import annotations

import struct
from collections.abc import Callable
from typing import NamedTuple

import msgspec
from msgspec.structs import replace

from ..records import Brief, CallDetail, CallRow, MappingValue, SequenceValue, Statistics, TensorValue, Value
from ..value_text import abbreviate, find_odd
from .layout import (
    BODY,
    ENTERED,
    FEW,
    LARGE,
    LEFT,
    MEASURED,
    NOTHING,
    SLOT,
    SLOTS,
    STATUSES,
    Began,
    Line,
    NamedModule,
    Tag,
)

MOST = 50_000
"""Values within one, however they are told: more is not a value that somebody described."""
DEEPEST = 100
"""So is one nested deeper."""
LONGEST = 1e15  # milliseconds
AHEAD = 1_024
"""Slots that are looked through for one more: of each thread, one may have been handed out and not written."""
_AT_ONCE = 512  # bytes, which most bodies are shorter than
_LONGEST_BODY = 1 << 26

_mark_of = struct.Struct(f"={SLOT - 8}xQ").unpack_from
_OUTLINE = struct.Struct("=II")
_NUMBER = struct.Struct("=I")
_ARGUMENTS = SequenceValue("tuple", (), 0)
_began = msgspec.msgpack.Decoder(Began)
_module = msgspec.msgpack.Decoder(NamedModule)
_line = msgspec.msgpack.Decoder(Line)
_value = msgspec.msgpack.Decoder(Value)


class _Told(NamedTuple):
    """A value, how many it is with those within, and how deep they are nested."""

    value: Value
    values: int = 1
    depth: int = 0


class Replay:
    """What was written so far: `calls` in the order in which they ended, those that did not (by `start`) as they were
    entered. Values that were one are one again.

    Args:
        pread: So many bytes from here on, counted from the header; fewer where it ends.
        mark: Of the step that is read.
        middle: Where its bodies begin.
    """

    def __init__(self, pread: Callable[[int, int], bytes], mark: int, middle: int) -> None:
        self.began: Began | None = None
        self.calls: list[CallDetail] = []
        self.still_open: dict[int, CallDetail] = {}
        self._pread, self._mark, self._middle = pread, mark, middle
        self._newest: dict[int, int] = {}  # the start of the call that was entered last at each depth
        self._modules: dict[int, NamedModule] = {}  # by where they are, as lines and values
        self._lines: dict[int, Line] = {}
        self._told: dict[int, _Told] = {}
        self._by_tag: dict[int, Callable[[int, bytes], None]] = {
            Tag.ENTERED: self._enter,
            Tag.LEFT: self._leave,
            Tag.LEFT_MEASURED: self._leave_measured,
            Tag.MEASURED: self._measure,
            Tag.CONTAINER: self._contain,
        }

    def read(self) -> bool:
        """Up to the first that cannot be read, and whether those are all."""
        try:
            self.began = _began.decode(self._body(self._middle))
            for at in range(SLOTS, self._middle, AHEAD * SLOT):
                if not self._read_slots(at, self._pread(at, min(AHEAD * SLOT, self._middle - at))):
                    break
        except (struct.error, msgspec.DecodeError, ValueError, LookupError, RecursionError):  # codecs: `ValueError`
            return False
        return True

    def _read_slots(self, at: int, slots: bytes) -> bool:
        """Whether any was of this step."""
        found = False
        for first in range(0, len(slots) - SLOT + 1, SLOT):
            (mark,) = _mark_of(slots, first)
            if mark < self._mark:  # of a step before, or not written to the end
                continue
            self._by_tag[mark - self._mark](at + first, slots[first : first + SLOT])
            found = True
        return found

    def _body(self, at: int) -> bytes:
        """The msgpack there."""
        read = self._pread(at, _AT_ONCE)
        last = BODY.size + BODY.unpack_from(read)[0]
        if last > _AT_ONCE:
            read = self._pread(at, min(last, _LONGEST_BODY))
        if last > len(read):
            raise ValueError("it ends before that")
        return read[BODY.size : last]

    def _value(self, at: int) -> _Told:
        """What a slot told is known; what a body tells is read when it is needed."""
        known = self._told.get(at)
        if known is None:
            if at < self._middle:
                raise LookupError("nothing was told there")
            known = self._told[at] = self._read_value(at)
        return known

    def _read_value(self, at: int) -> _Told:
        head, outline = _OUTLINE.unpack(self._pread(at, _OUTLINE.size))
        if head < LARGE:
            return _Told(_value.decode(self._body(at)))
        count = min(head - LARGE, MOST)
        return self._fill(outline, self._pread(at + _OUTLINE.size, _NUMBER.size * count))

    def _fill(self, outline: int, items: bytes) -> _Told:
        empty = _ARGUMENTS if outline == NOTHING else self._value(outline).value
        return _fill(empty, [self._value(at) for (at,) in _NUMBER.iter_unpack(items)])

    def _contain(self, at: int, slot: bytes) -> None:
        outline, count = _OUTLINE.unpack_from(slot)
        self._told[at] = self._fill(outline, slot[_OUTLINE.size : _OUTLINE.size + _NUMBER.size * min(count, FEW)])

    def _measure(self, at: int, slot: bytes) -> None:
        outline, low, high, mean, std, nan, inf, zeros, _ = MEASURED.unpack(slot)
        value = self._value(outline).value
        if not isinstance(value, TensorValue) or value.statistics is None:
            raise ValueError("only a tensor is measured")
        statistics = Statistics(low, high, mean, std, nan, inf, zeros, value.statistics.of)
        self._told[at] = _Told(replace(value, statistics=statistics))

    def _enter(self, at: int, slot: bytes) -> None:
        start, module, line, number, depth, step, in_step, keywords, given, *inputs, _ = ENTERED.unpack(slot)
        if module not in self._modules:
            self._modules[module] = _module.decode(self._body(module))
        if line not in self._lines:
            self._lines[line] = _line.decode(self._body(line))
        named, site = self._modules[module], self._lines[line]
        arguments = self._find_arguments(given, inputs)
        kwargs = self._value(keywords).value
        if not isinstance(kwargs, MappingValue):
            raise ValueError("keyword arguments have names")
        row = CallRow(
            named.number,
            number,
            start,
            -1,
            depth,
            0.0,
            "unfinished",
            Brief(),
            file=site.file,
            line=site.line,
            input_holds=find_odd(*arguments, kwargs),
            step=step,
            in_step=in_step,
            caller=self._find_caller(depth),
        )
        self._newest[depth] = start
        self.still_open[start] = CallDetail(row, named.path, named.class_name, arguments, kwargs, None)

    def _find_arguments(self, given: int, places: list[int]) -> tuple[Value, ...]:
        if given <= len(places):
            return tuple([self._value(at).value for at in places[:given]])
        arguments = self._value(places[0]).value
        if not isinstance(arguments, SequenceValue):
            raise ValueError("arguments have no names")
        return arguments.items

    def _find_caller(self, depth: int) -> int:
        """The newest call that is open one level up: which thread it is on was not written down."""
        start = self._newest.get(depth - 1, -1)
        return start if start in self.still_open else -1

    def _leave(self, at: int, slot: bytes) -> None:
        start, end, ms, status, place, _ = LEFT.unpack(slot)
        self._end(start, end, ms, status, None if place == NOTHING else self._value(place).value)

    def _leave_measured(self, at: int, slot: bytes) -> None:
        self._measure(at, slot)
        start, end, ms, status, _, _ = LEFT.unpack(slot)
        self._end(start, end, ms, status, self._told[at].value)

    def _end(self, start: int, end: int, ms: float, status: int, output: Value | None) -> None:
        if not abs(ms) <= LONGEST:
            raise ValueError("no time")
        call = self.still_open.pop(start, None)
        if call is None:
            return
        brief, holds = abbreviate(output), find_odd(output)
        row = replace(call.row, end=end, ms=ms, status=STATUSES[status], brief=brief, holds=holds)
        self.calls.append(replace(call, row=row, output=output))


def _fill(value: Value, held: list[_Told]) -> _Told:
    if not isinstance(value, SequenceValue | MappingValue) or value.items:
        raise ValueError("only a container holds values")
    count = 1 + sum(told.values for told in held)
    depth = 1 + max(told.depth for told in held)
    if count > MOST or depth > DEEPEST:
        raise ValueError(f"a value of more than {MOST} values, or nested deeper than {DEEPEST} levels")
    return _Told(replace(value, items=tuple([told.value for told in held])), count, depth)
