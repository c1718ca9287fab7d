"""Calls with their values as they cross the channel: each value is told once, however many calls it went through.

A key-value cache goes through every layer of every step, and what a call returns the next one takes. So values are
numbered as they are told, and a container is told without its items, which are values before it. Whoever reads them
has one object for each.
"""

from __future__ import annotations

from collections.abc import Iterable
from itertools import starmap

import msgspec
from msgspec.structs import replace

from .records import (
    CallColumns,
    CallDetail,
    CallRow,
    Calls,
    MappingValue,
    Path,
    SequenceValue,
    TensorValue,
    ToldCall,
    ToldCalls,
    ToldValue,
    Value,
)

MOST, DEEPEST = 50_000, 100
"""Values in one value, and values inside each other, of those that are read: an engine describes fewer."""
MOST_OF_ALL = 1 << 24
"""Values in all that is told at once, each as often as it is referred to: a report goes through them."""

_NOTHING = -1
_encoder = msgspec.msgpack.Encoder()
_Key = tuple[bytes, tuple[int, ...]]


def tell(calls: Calls) -> ToldCalls:
    """As they are sent."""
    teller, modules = _Teller(), dict[tuple[Path, str], int]()
    told = [
        ToldCall(
            modules.setdefault((call.path, call.class_name), len(modules)),
            teller.tell_all(call.inputs),
            teller.tell(call.kwargs),
            teller.tell(call.output),
            teller.tell(call.previous),
            teller.tell(call.baseline),
            call.difference,
            teller.tell_all(call.gradients),
        )
        for call in calls.calls
    ]
    rows = CallColumns.of(call.row for call in calls.calls)
    return ToldCalls(
        calls.generation, calls.number, tuple(teller.told), tuple(modules), rows, tuple(told), calls.total, calls.note,
        calls.path, calls.missing,
    )  # fmt: skip


class _Teller:
    """Numbers values. Two that say the same to the last bit are one."""

    def __init__(self) -> None:
        self.told: list[ToldValue] = []
        self._by_id: dict[int, int] = {}  # whoever has the calls keeps these objects
        self._known: dict[_Key, int] = {}

    def tell_all(self, values: Iterable[Value]) -> tuple[int, ...]:
        """Their numbers."""
        return tuple(map(self.tell, values))

    def tell(self, value: Value | None) -> int:
        """Its number."""
        if value is None:
            return _NOTHING
        number = self._by_id.get(id(value))
        if number is None:
            number = self._by_id[id(value)] = self._tell(value)
        return number

    def _tell(self, value: Value) -> int:
        items: tuple[int, ...] = ()
        if isinstance(value, SequenceValue | MappingValue) and value.items:
            items = self.tell_all(value.items)
            value = replace(value, items=())
        encoded = _encoder.encode(value)
        number = self._known.setdefault((encoded, items), len(self.told))
        if number == len(self.told):
            self.told.append(ToldValue(msgspec.Raw(encoded), items))  # type: ignore[arg-type]  # it is one, encoded
        return number


def hear(told: ToldCalls) -> Calls:
    """As they were before they were sent. Raises `ValueError` where they do not go together, or values are larger than
    any that is described."""
    try:
        reader = _Reader(told)
        calls = tuple(starmap(reader.read, zip(told.calls, told.rows, strict=True)))
    except LookupError:
        raise ValueError("what was not told of") from None
    return Calls(told.generation, told.number, calls, told.total, told.note, told.path, told.missing)


class _Reader:
    def __init__(self, told: ToldCalls) -> None:
        self._modules = told.modules
        self._values: list[Value] = []
        self._counts: list[int] = []  # of the values in each, and it
        self._depths: list[int] = []
        self._left = MOST_OF_ALL
        for each in told.values:
            value, values, depth = self._fill(each) if each.items else (each.value, 1, 1)
            self._values.append(value)
            self._counts.append(values)
            self._depths.append(depth)

    def _fill(self, told: ToldValue) -> tuple[Value, int, int]:
        value, items = told.value, told.items
        if not isinstance(value, SequenceValue | MappingValue) or value.items:
            raise ValueError("a value in one that holds none")
        values, depth = 1 + sum([self._counts[n] for n in items]), 1 + max([self._depths[n] for n in items])
        if values > MOST or depth > DEEPEST:
            raise ValueError(f"a value of more than {MOST:,} values, or nested deeper than {DEEPEST} levels")
        return replace(value, items=tuple([self._values[n] for n in items])), values, depth

    def read(self, call: ToldCall, row: CallRow) -> CallDetail:
        path, class_name = self._modules[call.module]
        kwargs, gradients = self._find(call.kwargs), self._find_all(call.gradients)
        tensors = tuple([each for each in gradients if isinstance(each, TensorValue)])
        if not isinstance(kwargs, MappingValue) or len(tensors) != len(gradients):
            raise ValueError("values of another kind")
        found = CallDetail(
            row, path, class_name, self._find_all(call.inputs), kwargs, self._find(call.output),
            self._find(call.previous), self._find(call.baseline), call.difference, tensors,
        )  # fmt: skip
        if self._left < 0:
            raise ValueError(f"calls of more than {MOST_OF_ALL:,} values")
        return found

    def _find_all(self, numbers: Iterable[int]) -> tuple[Value, ...]:
        return tuple([self._values[number] for number in numbers if self._take(number)])

    def _find(self, number: int) -> Value | None:
        return self._values[number] if number != _NOTHING and self._take(number) else None

    def _take(self, number: int) -> bool:
        """Count what is in a value each time that it is referred to."""
        if number < 0:
            raise LookupError
        self._left -= self._counts[number]
        return True
