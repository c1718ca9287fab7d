"""The calls of a pass as they are kept: those that are still worked on as they are, all others in columns, since there
may be a million, of which somebody looks at forty."""

from __future__ import annotations

import threading
from array import array
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import repeat
from operator import attrgetter
from typing import Any

from ...made_rows import MadeRows
from ...packed_column import Number, PackedColumn, pack
from ...records import Brief, CallColumns, CallKind, CallRow, Holds, Value
from ...records.call_columns import DELTA, WHOLE, KindKey, kind_of
from ...value_text import abbreviate, find_odd
from .call import NO_KWARGS, Call, Place
from .packed_values import PackedValues

AT_ONCE = 20_000
"""Calls that are packed together."""
_NONE = -1
_FIELDS = {name: attrgetter({"module": "index", "call": "number"}.get(name, name)) for name in WHOLE}
"""Of a call, by the names of the columns."""
_DIGITS = 4
"""Of milliseconds, that are kept: what is less is noise, and takes more room than all else that is known of a call."""
_Seen = tuple[int, Brief, Holds]
"""A value that was packed a moment ago: its number, and what a row says of it."""
_NOTHING: _Seen = _NONE, Brief(), ""


class CallStore(MadeRows[Call]):
    """In the order in which they were appended, until `finish`.

    What was packed is made again for whoever asks for it, and whoever changes that changes nothing here.

    Args:
        calls: The first ones.
        packs: Whether very many are packed as they come: not where gradients or anything else of them comes later.
    """

    def __init__(self, calls: Iterable[Call] = (), packs: bool = False) -> None:
        self.fresh = list(calls)  # the last ones, which are not packed
        self._packs = packs
        self._packing = threading.Lock()  # never waited for: in a forked process it may be locked for good
        self._clear()

    def _clear(self) -> None:
        self._whole: dict[str, PackedColumn[int]] = {name: PackedColumn(code) for name, code in WHOLE.items()}
        self._ms: PackedColumn[float] = PackedColumn("d")
        self._kind: PackedColumn[int] = PackedColumn("i")
        self._floats: dict[str, PackedColumn[float]] = {}  # those that any call has
        self._kinds: list[CallKind] = []
        self._known: dict[KindKey, int] = {}  # the place of each kind
        self._inputs: PackedColumn[int] = PackedColumn("i")  # where the inputs of each call begin in this:
        self._input_values: PackedColumn[int] = PackedColumn("i")
        self._kwargs: PackedColumn[int] = PackedColumn("i")
        self._outputs: PackedColumn[int] = PackedColumn("i")
        self._values = PackedValues()
        self._more: dict[int, Call] = {}  # those to which there is more than there are columns
        self._last: dict[int, int] = {}  # the place of each node's last call, and of the one before each, as far as
        self._before: PackedColumn[int] = PackedColumn("i")  # anybody asked

    def append(self, call: Call, awaits_more: Callable[[], bool]) -> None:
        """One that is over. Nothing is packed while `awaits_more`, or from the first one on that was recomputed: what
        that would have returned is known at the end."""
        fresh = self.fresh
        fresh.append(call)
        if self._packs:
            self._packs = not call.recomputed
            if self._packs and len(fresh) >= AT_ONCE and not awaits_more():
                self.pack()

    def forget(self, count: int) -> None:
        """Drop the first ones."""
        self._unpack()
        del self.fresh[:count]

    def finish(self, keep: Callable[[Call], bool]) -> None:
        """No more will come: drop those that are not to be kept, and put the others in the order of their ends, in
        which several threads do not append them. Which are packed already are kept."""
        if not self.fresh:
            return
        self.fresh[:] = sorted(filter(keep, self.fresh), key=lambda call: call.end)
        ends = [*self._whole["end"], *(call.end for call in self.fresh[:1])]
        if ends != sorted(ends):
            self._unpack()
            self.fresh.sort(key=lambda call: call.end)

    def _unpack(self) -> None:
        if self._kind:
            self.fresh[:0] = map(self._build, range(len(self._kind)))
            self._clear()

    def pack(self) -> None:
        """All that came so far: nothing more will be known of them."""
        if not self._packing.acquire(blocking=False):
            return
        try:
            calls = self.fresh[:]
            self._pack(calls)
            for column in self._columns():
                column.settle()
            self._values.settle()
            del self.fresh[: len(calls)]
        finally:
            self._packing.release()

    def _columns(self) -> Iterator[PackedColumn[Any]]:
        yield from self._whole.values()
        yield from self._floats.values()
        yield self._ms
        yield from (self._inputs, self._input_values, self._kwargs, self._outputs, self._kind)

    def _pack(self, calls: list[Call]) -> None:
        first, kinds, rows, seen = len(self._kind), array("i"), dict[int, Any](), dict[int, _Seen]()
        for place, call in enumerate(calls):
            if _has_more(call):
                self._more[first + place] = call
                rows[place] = row = call.row()
                key = self._pack_nothing(row)
            else:
                key = self._pack_values(call, seen)
            kind = self._known.get(key)
            kinds.append(self._add_kind(key) if kind is None else kind)
        for name, read in _FIELDS.items():
            self._whole[name].tail.extend(map(read, calls))
        self._ms.tail.extend(map(round, map(attrgetter("ms"), calls), repeat(_DIGITS)))
        for name, column in self._floats.items():
            numbers = array("d", bytes(8 * len(calls)))
            for place, row in rows.items():
                numbers[place] = getattr(row.delta if name in DELTA else row, name, None) or 0.0
            column.tail.extend(numbers)
        self._kind.tail.extend(kinds)  # at last: what has a kind is here

    def _add_kind(self, key: KindKey) -> int:
        place = self._known[key] = len(self._kinds)
        self._kinds.append(CallKind(*key))
        for name in self._kinds[place].names:
            if name not in self._floats:
                self._floats[name] = PackedColumn("d")
                self._floats[name].extend(repeat(0.0, len(self._kind)))
        return place

    def _pack_nothing(self, row: CallRow) -> KindKey:
        """Of one that is kept as it is."""
        self._inputs.tail.append(len(self._input_values))
        self._kwargs.tail.append(_NONE)
        self._outputs.tail.append(_NONE)
        return kind_of(row)

    def _pack_values(self, call: Call, seen: dict[int, _Seen]) -> KindKey:
        """The key is as `kind_of` has it, of what most calls are like."""
        output, kwargs = call.output, call.kwargs
        self._inputs.tail.append(len(self._input_values))
        inputs = [seen.get(id(value)) or self._see(value, seen) for value in call.inputs]  # kept until all are packed
        self._input_values.tail.extend([number for number, _, _ in inputs])
        self._kwargs.tail.append(self._values.add(kwargs) if kwargs.keys else _NONE)
        number, brief, holds = _NOTHING if output is None else seen.get(id(output)) or self._see(output, seen)
        self._outputs.tail.append(number)
        input_holds = inputs[0][2] if len(inputs) == 1 and not kwargs.keys else find_odd(*call.inputs, kwargs)
        return (
            call.status, brief, holds, *call.site, call.altered, call.recomputed, input_holds, call.step, call.thread,
            None, False, False, False,
        )  # fmt: skip

    def _see(self, value: Value, seen: dict[int, _Seen]) -> _Seen:
        found = seen[id(value)] = self._values.add(value), abbreviate(value), find_odd(value)
        return found

    # as they are asked for

    def __len__(self) -> int:
        return len(self._kind) + len(self.fresh)

    def _row(self, place: int) -> Call:
        packed = len(self._kind)
        return self._build(place) if place < packed else self.fresh[place - packed]

    def _build(self, place: int) -> Call:
        if (more := self._more.get(place)) is not None:
            return more
        kind, values = self._kinds[self._kind[place]], self._values
        module, number, start, end, depth, in_step, caller = (column[place] for column in self._whole.values())
        last = self._inputs[place + 1] if place + 1 < len(self._inputs) else len(self._input_values)
        inputs = tuple(values[each] for each in self._input_values[self._inputs[place] : last])
        kwargs, output = self._kwargs[place], self._outputs[place]
        return Call(
            module, number, start, depth, kind.step, in_step, end, caller, self._ms[place],
            kind.status, inputs,
            NO_KWARGS if kwargs == _NONE else values[kwargs],  # type: ignore[arg-type]  # as it was put in
            None if output == _NONE else values[output],
            (kind.file, kind.line), kind.altered, kind.recomputed, thread=kind.thread,
        )  # fmt: skip

    # once all are packed

    def output(self, place: int) -> Value | None:
        """What this call returned."""
        if (more := self._more.get(place)) is not None:
            return more.output
        number = self._outputs[place]
        return None if number == _NONE else self._values[number]

    def nodes(self) -> Sequence[int]:
        """Of each call the node that was called."""
        return self._whole["module"]

    def find_started(self, start: int) -> int | None:
        """The node whose call was entered then; None where there is no such call."""
        place = next((place for place, each in enumerate(self._whole["start"]) if each == start), None)
        return None if place is None else self._whole["module"][place]

    def of(self, node: int) -> list[Call]:
        """Those of one node."""
        return list(map(self._build, self.places_of(node)))

    def places_of(self, node: int) -> list[int]:
        """Where these are."""
        before = array("i")
        for place, module in enumerate(self._whole["module"][len(self._before) :], len(self._before)):
            before.append(self._last.get(module, -1))
            self._last[module] = place
        self._before.extend(before)
        places, place = [], self._last.get(node, -1)
        while place >= 0:
            places.append(place)
            place = self._before[place]
        return places[::-1]

    def name(self, place: int) -> Place:
        """See `Call.place`."""
        step = self._kinds[self._kind[place]].step
        return self._whole["module"][place], step, self._whole["in_step"][place]

    def places_in(self, step: int) -> Sequence[int]:
        """Where those of one step are."""
        wanted = {place for place, kind in enumerate(self._kinds) if kind.step == step}
        if len(wanted) == len(self._kinds):
            return range(len(self._kind))
        return array("i", [place for place, kind in enumerate(self._kind) if kind in wanted])

    def columns(self, places: Sequence[int]) -> CallColumns:
        """Those at these places, to be told of."""
        kind = _take(self._kind, places)
        told = {known: number for number, known in enumerate(dict.fromkeys(kind))}
        kinds = tuple(self._kinds[known] for known in told)
        names = {name for each in kinds for name in each.names}
        return CallColumns(
            kinds,
            len(places),
            pack(array("i", map(told.__getitem__, kind))),
            {name: _pack(column, places) for name, column in self._whole.items()},
            _pack(self._ms, places),
            {name: _pack(column, places) for name, column in self._floats.items() if name in names},
        )


def _take(column: PackedColumn[Number], places: Sequence[int]) -> array[Number]:
    if isinstance(places, range):
        return column[places.start : places.stop]
    return array(column.tail.typecode, map(column.__getitem__, places))


def _pack(column: PackedColumn[Number], places: Sequence[int]) -> bytes:
    return column.packed(places.start, places.stop) if isinstance(places, range) else pack(_take(column, places))


def _has_more(call: Call) -> bool:
    return (
        call.shown is not True
        or bool(call.gradients or call.by_tensor)
        or call.observe_filter is not None
        or call.kept is not None
        or call.delta is not None
        or call.baseline_output is not None
        or call.weight_ratio is not None
    )
