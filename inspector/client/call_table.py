"""The calls of a pass as its client keeps them: in columns, since there may be a million, of which one sees forty.

A row is made when it is asked for; what a screen says of all calls of a module is counted when they come.
"""

from __future__ import annotations

import math
from array import array
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple, overload

from ..records import Brief, CallRow, Delta, Holds
from ..records.passes import CallStatus

RAISED, ALTERED, ODD, BAD = 1, 2, 4, 8
"""Of any call: it raised; a hook replaced something; it has a badge; its output holds NaN or Inf, or what it took."""

_LARGEST = {"i": (1 << 31) - 1, "q": (1 << 63) - 1}
_DELTA = ("rel_l2", "cosine", "max_abs")
_MEASURED = ("gradient", "gradient_norm", "weight_ratio")


class CallKind(NamedTuple):
    """What most calls from one line have in common."""

    status: CallStatus
    brief: Brief
    holds: Holds
    file: str
    line: int
    altered: bool
    recomputed: bool
    input_holds: Holds
    step: int
    sampled: bool | None  # of the distance from the baseline, None where there is none
    gradient: bool  # of these three, which there are
    gradient_norm: bool
    weight_ratio: bool

    @property
    def flags(self) -> int:
        odd = self.status != "ok" or self.holds != "" or self.recomputed
        bad = not {self.holds, self.input_holds}.isdisjoint(("NaN", "Inf"))
        return (self.status == "raised") * RAISED | self.altered * ALTERED | odd * ODD | bad * BAD


_Kind = tuple[
    CallStatus, Brief, Holds, str, int, bool, bool, Holds, int, "bool | None", bool, bool, bool
]  # fmt: skip


class CallTable(Sequence[CallRow]):
    """The calls of one step, in the order of their ends."""

    def __init__(self) -> None:
        self.modules = array("i")
        self.depths = array("i")
        self.ms = array("d")
        self.starts = array("q")
        self.ends = array("q")
        self.kinds: list[CallKind] = []
        self._numbers = array("i")  # which call of its module it is
        self._in_steps = array("i")
        self._known: dict[_Kind, tuple[CallKind, int]] = {}  # each once, and its flags
        self._values: dict[str, array[float]] = {}  # of `_DELTA` and `_MEASURED`, those that any call has
        self._before = array("i")  # the place of the call of the same module before
        self._last = array("i")  # by module, as far as any was called
        self._counts = array("i")
        self._flags = bytearray()
        self._worst: dict[int, float] = {}  # see `distance`
        self.most = 0  # calls of one module

    def extend(self, calls: Sequence[CallRow]) -> None:
        """Take in the calls that follow."""
        first, modules = len(self), [call.module for call in calls]
        self._make_room(max(modules, default=-1) + 1 - len(self._last))
        self.modules.extend(modules)
        self.ms.extend([call.ms for call in calls])
        _extend(self.depths, [call.depth for call in calls])
        _extend(self.starts, [call.start for call in calls])
        _extend(self.ends, [call.end for call in calls])
        _extend(self._numbers, [call.call for call in calls])
        _extend(self._in_steps, [call.in_step for call in calls])
        deltas = [call.delta for call in calls]
        self._extend_values(first, _DELTA, deltas)
        if self.has("rel_l2"):
            self._measure(modules, deltas)
        self._extend_values(first, _MEASURED, calls)
        flags = self._extend_kinds(calls)
        for place, (module, known) in enumerate(zip(modules, flags, strict=True), first):
            self._before.append(self._last[module])
            self._last[module] = place
            self._counts[module] = count = self._counts[module] + 1
            self._flags[module] |= known
            if count > self.most:
                self.most = count

    def _measure(self, modules: Sequence[int], deltas: Sequence[Delta | None]) -> None:
        for module, delta in zip(modules, deltas, strict=True):
            if delta is not None:
                known = self._worst.get(module, -math.inf)
                farther = math.isnan(delta.rel_l2) or delta.rel_l2 > known
                self._worst[module] = delta.rel_l2 if farther else known

    def _make_room(self, modules: int) -> None:
        self._last.extend([-1] * modules)
        self._counts.extend([0] * modules)
        self._flags.extend(bytes(max(modules, 0)))

    def _extend_kinds(self, calls: Sequence[CallRow]) -> list[int]:
        """Their flags."""
        flags = []
        for call in calls:
            known = self._known.get(kind := _kind_of(call))
            if known is None:
                made = CallKind(*kind)
                known = self._known[kind] = made, made.flags
            self.kinds.append(known[0])
            flags.append(known[1])
        return flags

    def _extend_values(self, first: int, names: Sequence[str], sources: Sequence[CallRow | Delta | None]) -> None:
        for name in names:
            new = [getattr(each, name, None) for each in sources]
            if name not in self._values and any(value is not None for value in new):
                self._values[name] = array("d", bytes(8 * first))
            if name in self._values:
                self._values[name].extend([value or 0.0 for value in new])

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
        kind, values = self.kinds[place], self._values
        delta = None
        if kind.sampled is not None:
            far, cosine, most = (values[name][place] for name in _DELTA)
            delta = Delta(far, cosine, most, kind.sampled)
        return CallRow(
            self.modules[place],
            self._numbers[place],
            self.starts[place],
            self.ends[place],
            self.depths[place],
            self.ms[place],
            kind.status,
            kind.brief,
            kind.holds,
            kind.file,
            kind.line,
            kind.altered,
            delta,
            values["gradient"][place] if kind.gradient else None,
            kind.recomputed,
            kind.input_holds,
            kind.step,
            self._in_steps[place],
            values["gradient_norm"][place] if kind.gradient_norm else None,
            values["weight_ratio"][place] if kind.weight_ratio else None,
        )

    def briefs(self) -> set[Brief]:
        """What was given."""
        return {kind.brief for kind, _ in self._known.values()}

    def has(self, *names: str) -> bool:
        """Whether any call has one of these: `rel_l2`, `gradient`, `gradient_norm`."""
        return any(name in self._values for name in names)

    def distances(self, first: int = 0) -> set[float]:
        """How far outputs are from the baseline, from this place on."""
        found = zip(self._values.get("rel_l2", ())[first:], self.kinds[first:], strict=False)
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


def _kind_of(call: CallRow) -> _Kind:
    """As `CallKind` has it, which takes longer to make."""
    return (
        call.status,
        call.brief,
        call.holds,
        call.file,
        call.line,
        call.altered,
        call.recomputed,
        call.input_holds,
        call.step,
        None if call.delta is None else call.delta.sampled,
        call.gradient is not None,
        call.gradient_norm is not None,
        call.weight_ratio is not None,
    )


def _extend(column: array[int], values: Iterable[int]) -> None:
    """What a dead engine left may be anything: no number there is larger than a column can hold."""
    values = list(values)
    most = _LARGEST[column.typecode]
    if max(values, default=0) > most:
        values = [min(value, most) for value in values]
    column.extend(values)
