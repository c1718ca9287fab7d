"""The calls of a pass as its client keeps them: in columns, since there may be a million, of which one sees forty.

A row is made when it is asked for; what a screen says of all calls of a module is counted when they come.
"""

from __future__ import annotations

import math
from array import array
from collections.abc import Iterator, Sequence
from typing import overload

from ..records import Brief, CallColumns, CallKind, CallRow
from ..records.call_columns import WHOLE, build_row

RAISED, ALTERED, ODD, BAD = 1, 2, 4, 8
"""Of any call: it raised; a hook replaced something; it has a badge; its output holds NaN or Inf, or what it took."""


def flags_of(kind: CallKind) -> int:
    """Of every call of this kind."""
    odd = kind.status != "ok" or kind.holds != "" or kind.recomputed
    bad = not {kind.holds, kind.input_holds}.isdisjoint(("NaN", "Inf"))
    return (kind.status == "raised") * RAISED | kind.altered * ALTERED | odd * ODD | bad * BAD


class CallTable(Sequence[CallRow]):
    """The calls of one step, in the order of their ends."""

    def __init__(self) -> None:
        self._whole: dict[str, array[int]] = {name: array(code) for name, code in WHOLE.items()}
        self.modules, self.depths = self._whole["module"], self._whole["depth"]
        self.starts, self.ends = self._whole["start"], self._whole["end"]
        self.callers = self._whole["caller"]  # the start of the call that it was made in, -1 for none
        self.ms = array("d")
        self.kinds: list[CallKind] = []
        self._known: dict[CallKind, tuple[CallKind, int]] = {}  # each once, and its flags
        self._floats: dict[str, array[float]] = {}  # those that any call has
        self._before = array("i")  # the place of the call of the same module before
        self._last = array("i")  # by module, as far as any was called
        self._counts = array("i")
        self._flags = bytearray()
        self._worst: dict[int, float] = {}  # see `distance`
        self.most = 0  # calls of one module

    def extend(self, calls: CallColumns) -> None:
        """Take in the calls that follow. Raises `ValueError` where they cannot be read."""
        read, first = calls.read(), len(self)
        modules = read.whole["module"]
        self._make_room(max(modules, default=-1) + 1 - len(self._last))
        self.ms.extend(read.ms)
        for name, column in self._whole.items():
            column.extend(read.whole[name])
        for name in self._floats.keys() | read.floats.keys():
            known = self._floats.setdefault(name, array("d", bytes(8 * first)))
            known.extend(read.floats.get(name) or array("d", bytes(8 * len(calls))))
        kinds = [self._known.setdefault(kind, (kind, flags_of(kind))) for kind in calls.kinds]
        self.kinds.extend([kinds[kind][0] for kind in read.kind])
        self._count(first, modules, [kinds[kind][1] for kind in read.kind])
        if "rel_l2" in read.floats:
            self._measure(first)

    def _count(self, first: int, modules: Sequence[int], flags: Sequence[int]) -> None:
        for place, (module, known) in enumerate(zip(modules, flags, strict=True), first):
            self._before.append(self._last[module])
            self._last[module] = place
            self._counts[module] = count = self._counts[module] + 1
            self._flags[module] |= known
            if count > self.most:
                self.most = count

    def _measure(self, first: int) -> None:
        for place in range(first, len(self)):
            if self.kinds[place].sampled is not None:
                module, distance = self.modules[place], self._floats["rel_l2"][place]
                known = self._worst.get(module, -math.inf)
                self._worst[module] = distance if math.isnan(distance) or distance > known else known

    def _make_room(self, modules: int) -> None:
        self._last.extend([-1] * modules)
        self._counts.extend([0] * modules)
        self._flags.extend(bytes(max(modules, 0)))

    def __len__(self) -> int:
        return len(self.kinds)

    @overload
    def __getitem__(self, place: int) -> CallRow: ...

    @overload
    def __getitem__(self, place: slice) -> list[CallRow]: ...

    def __getitem__(self, place: int | slice) -> CallRow | list[CallRow]:
        each = range(len(self))[place]
        return list(map(self._row, each)) if isinstance(each, range) else self._row(each)

    def __iter__(self) -> Iterator[CallRow]:
        return map(self._row, range(len(self)))

    def _row(self, place: int) -> CallRow:
        return build_row(self.kinds[place], self._whole, self.ms[place], self._floats, place)

    def briefs(self) -> set[Brief]:
        """What was given."""
        return {kind.brief for kind, _ in self._known.values()}

    def has(self, *names: str) -> bool:
        """Whether any call has one of these: `rel_l2`, `gradient`, `gradient_norm`."""
        return any(name in self._floats for name in names)

    def distances(self, first: int = 0) -> set[float]:
        """How far outputs are from the baseline, from this place on."""
        found = zip(self._floats.get("rel_l2", ())[first:], self.kinds[first:], strict=False)
        return {distance for distance, kind in found if kind.sampled is not None}

    def select(self, flags: int) -> Iterator[CallRow]:
        """The calls that have any of these."""
        if any(known & flags for _, known in self._known.values()):
            wanted = {id(kind) for kind, known in self._known.values() if known & flags}
            yield from (self._row(place) for place, kind in enumerate(self.kinds) if id(kind) in wanted)

    # of one module

    def called(self, flags: int = 0) -> Iterator[int]:
        """The modules that were called; of those, where any call has one of the flags that are given."""
        for module, count in enumerate(self._counts):
            if count and (not flags or self._flags[module] & flags):
                yield module

    def count(self, module: int) -> int:
        """How often it was called."""
        return self._counts[module] if module < len(self._counts) else 0

    def flags(self, module: int) -> int:
        """Of all its calls."""
        return self._flags[module] if module < len(self._flags) else 0

    def distance(self, module: int) -> float | None:
        """How far any output of it is from the baseline, at most; one that is no number is the farthest of all. None
        where that is not known."""
        return self._worst.get(module)

    def last(self, module: int) -> CallRow | None:
        """Its last call."""
        return self._row(self._last[module]) if self.count(module) else None

    def of(self, module: int) -> Sequence[CallRow]:
        """All its calls."""
        return [self._row(place) for place in self.places(module)]

    def places(self, module: int) -> list[int]:
        """Where its calls are."""
        place, places = self._last[module] if self.count(module) else -1, []
        while place >= 0:
            places.append(place)
            place = self._before[place]
        return places[::-1]
