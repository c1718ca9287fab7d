"""The entries of a call log, read in the order in which they were written: the calls that they tell of."""

from __future__ import annotations

import struct
from collections.abc import Callable
from typing import NamedTuple

import msgspec
from msgspec.structs import replace

from ..records import Brief, CallDetail, CallRow, MappingValue, SequenceValue, Value
from ..value_text import abbreviate, find_odd
from .record import ENTERED, HEAD, LEFT, NOTHING, NUMBER, STATUSES, Began, Line, NamedModule, Tag

MOST = 50_000
"""Values within one, however they are told: more is not a value that somebody described."""
DEEPEST = 100
"""So is one nested deeper."""
LONGEST = 1e15  # milliseconds

_NO_KWARGS = MappingValue("dict", (), (), 0)
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
    entered. Values that were one are one again."""

    def __init__(self) -> None:
        self.began: Began | None = None
        self.calls: list[CallDetail] = []
        self.still_open: dict[int, CallDetail] = {}
        self._newest: dict[int, int] = {}  # the start of the call that was entered last at each depth
        self._modules: dict[int, NamedModule] = {}
        self._lines: dict[int, Line] = {}
        self._values: list[_Told] = []
        self._by_tag: dict[int, Callable[[bytes], None]] = {
            Tag.BEGAN: self._begin,
            Tag.MODULE: self._name,
            Tag.LINE: self._add_line,
            Tag.VALUE: self._add_value,
            Tag.ENTERED: self._enter,
            Tag.LEFT: self._leave,
        }

    def read(self, entries: bytes) -> bool:
        """Up to the first that cannot be read, and whether those are all."""
        at = 0
        while at < len(entries):
            try:
                tag, length = HEAD.unpack_from(entries, at)
                at += HEAD.size
                if at + length > len(entries):
                    return False
                self._by_tag[tag](entries[at : at + length])
            except (struct.error, msgspec.DecodeError, ValueError, LookupError, RecursionError):  # codecs: `ValueError`
                return False
            at += length
        return True

    def _begin(self, body: bytes) -> None:
        self.began = _began.decode(body)

    def _name(self, body: bytes) -> None:
        named = _module.decode(body)
        self._modules[named.number] = named

    def _add_line(self, body: bytes) -> None:
        line = _line.decode(body)
        self._lines[line.number] = line

    def _add_value(self, body: bytes) -> None:
        (held,) = NUMBER.unpack_from(body)
        first = NUMBER.size * (1 + held)
        value = _value.decode(body[first:])
        self._values.append(_fill(value, self._known(body[NUMBER.size : first])) if held else _Told(value))

    def _known(self, numbers: bytes) -> list[_Told]:
        return [self._values[number] for (number,) in NUMBER.iter_unpack(numbers)]

    def _enter(self, body: bytes) -> None:
        index, number, start, depth, step, in_step, line, given = ENTERED.unpack_from(body)
        named, site = self._modules[index], self._lines[line]
        inputs = tuple([told.value for told in self._known(body[ENTERED.size :])])
        kwargs = _NO_KWARGS if given == NOTHING else self._values[given].value
        if not isinstance(kwargs, MappingValue):
            raise ValueError("keyword arguments have names")
        row = CallRow(
            index,
            number,
            start,
            -1,
            depth,
            0.0,
            "unfinished",
            Brief(),
            file=site.file,
            line=site.line,
            input_holds=find_odd(*inputs, kwargs),
            step=step,
            in_step=in_step,
            caller=self._find_caller(depth),
        )
        self._newest[depth] = start
        self.still_open[start] = CallDetail(row, named.path, named.class_name, inputs, kwargs, None)

    def _find_caller(self, depth: int) -> int:
        """The newest call that is open one level up: which thread it is on was not written down."""
        start = self._newest.get(depth - 1, -1)
        return start if start in self.still_open else -1

    def _leave(self, body: bytes) -> None:
        start, end, ms, status, number = LEFT.unpack(body)
        if not abs(ms) <= LONGEST:
            raise ValueError("no time")
        output = None if number == NOTHING else self._values[number].value
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
