"""The calls of a pass as its client keeps them: in columns, since there may be a million, of which one sees forty.

A row is made when it is asked for; what a screen says of all calls of a module is counted when they come.
"""

from __future__ import annotations

import math
from array import array
from collections import Counter
from collections.abc import Callable, Container, Iterable, Iterator, Sequence
from itertools import compress, count, repeat

from ..made_rows import MadeRows
from ..packed_column import PackedColumn
from ..records import Brief, CallColumns, CallKind, CallRow
from ..records.call_columns import WHOLE, build_row
from .flagged import Flagged
from .module_bytes import ModuleBytes

RAISED, ALTERED, ODD, BAD = 1, 2, 4, 8
"""Of any call: it raised; a hook replaced something; it has a badge; its output holds NaN or Inf, or what it took."""


NAN, INF, ZEROS, LIVE, UNFINISHED, RECOMPUTED = 1, 2, 4, 8, 16, 32
"""Of any call of a module: its output holds NaN, or Inf and no NaN; it returned nothing but zeros, or something else;
it did not return; it was made again in the backward pass."""


def seen_in(kind: CallKind) -> int:
    """Of every call of this kind, of the latter."""
    counts = kind.status == "ok" and not kind.recomputed
    held = {"NaN": NAN, "Inf": INF}.get(kind.holds, 0) | counts * (ZEROS if kind.holds == "zeros" else LIVE)
    return held | (kind.status == "unfinished") * UNFINISHED | kind.recomputed * RECOMPUTED


def flags_of(kind: CallKind) -> int:
    """Of every call of this kind."""
    odd = kind.status != "ok" or kind.holds != "" or kind.recomputed
    bad = not {kind.holds, kind.input_holds}.isdisjoint(("NaN", "Inf"))
    return (kind.status == "raised") * RAISED | kind.altered * ALTERED | odd * ODD | bad * BAD


def _table_of(flags: int) -> bytes:
    """Which bytes have any of these."""
    return bytes(byte & flags for byte in range(256))


class CallTable(MadeRows[CallRow]):
    """The calls of one step, in the order of their ends."""

    def __init__(self) -> None:
        self._whole: dict[str, PackedColumn[int]] = {name: PackedColumn(code) for name, code in WHOLE.items()}
        self.modules, self.depths = self._whole["module"], self._whole["depth"]
        self.starts, self.ends = self._whole["start"], self._whole["end"]
        self.callers = self._whole["caller"]  # the start of the call that it was made in, -1 for none
        self.numbers = self._whole["in_step"]
        self.ms: PackedColumn[float] = PackedColumn("d")
        self._in_order = ModuleBytes()
        self._kind: PackedColumn[int] = PackedColumn("i")  # its place among:
        self._kinds: list[CallKind] = []
        self._known: dict[CallKind, int] = {}  # the place of each
        self._floats: dict[str, PackedColumn[float]] = {}  # those that any call has
        self._before = array("i")  # the place of the call of the same module before: of those, all are gone through
        self._last = array("i")  # by module, as far as any was called
        self._counts = array("i")
        self._flags = bytearray()
        self._seen = bytearray()
        self._examples: dict[int, int] = {}  # by kind, the place of the first call
        self._worst: dict[int, float] = {}  # see `distance`
        self._norms: dict[int, float] = {}  # see `gradient_norm`
        self.most = 0  # calls of one module

    def extend(self, calls: CallColumns) -> None:
        """Take in the calls that follow. Raises `ValueError` where they cannot be read."""
        read, first = calls.unpacked, len(self)
        modules = read.whole["module"]
        self._make_room(max(modules, default=-1) + 1 - len(self._last))
        self.ms.adopt(calls.ms, read.ms)
        for name, column in self._whole.items():
            column.adopt(calls.whole[name], read.whole[name])
        for name in self._floats.keys() | read.floats.keys():
            if name not in self._floats:
                self._floats[name] = PackedColumn("d")
                self._floats[name].extend(repeat(0.0, first))
            self._floats[name].extend(read.floats.get(name) or repeat(0.0, len(calls)))
        self._in_order.extend(modules)
        places = list(map(self._place_of, calls.kinds))
        kinds = array("i", map(places.__getitem__, read.kind))
        self._kind.extend(kinds)
        self._count(first, modules, kinds)
        for name, most in (("rel_l2", self._worst), ("gradient_norm", self._norms)):
            if name in read.floats:
                having = {place for place, kind in enumerate(self._kinds) if name in kind.names}
                _measure(most, having, zip(modules, kinds, read.floats[name], strict=True))

    def _place_of(self, kind: CallKind) -> int:
        place = self._known.get(kind)
        if place is None:
            place = self._known[kind] = len(self._kinds)
            self._kinds.append(kind)
        return place

    def _count(self, first: int, modules: Sequence[int], kinds: array[int]) -> None:
        last, before = self._last, self._before
        for place, module in enumerate(modules, first):
            before.append(last[module])
            last[module] = place
        for module, more in Counter(modules).items():
            self._counts[module] += more
            self.most = max(self.most, self._counts[module])
        used = set(kinds)
        flags = {kind: flags_of(self._kinds[kind]) for kind in used}
        seen = {kind: seen_in(self._kinds[kind]) for kind in used}
        for module, kind in set(zip(modules, kinds, strict=True)):
            self._flags[module] |= flags[kind]
            self._seen[module] |= seen[kind]
        for kind in used - self._examples.keys():
            self._examples[kind] = first + kinds.index(kind)

    def _make_room(self, modules: int) -> None:
        self._last.extend([-1] * modules)
        self._counts.extend([0] * modules)
        self._flags.extend(bytes(max(modules, 0)))
        self._seen.extend(bytes(max(modules, 0)))

    def __len__(self) -> int:
        return len(self._kind)

    def _row(self, place: int) -> CallRow:
        return build_row(self.kind_of(place), self._whole, self.ms[place], self._floats, place)

    def kind_of(self, place: int) -> CallKind:
        """Of one call."""
        return self._kinds[self._kind[place]]

    def briefs(self) -> set[Brief]:
        """What was given."""
        return {kind.brief for kind in self._kinds}

    def count_threads(self) -> int:
        """Those that made any, as far as the last of them."""
        return max((kind.thread for kind in self._kinds), default=0) + 1

    def has(self, *names: str) -> bool:
        """Whether any call has one of these: `rel_l2`, `gradient`, `gradient_norm`."""
        return any(name in self._floats for name in names)

    def distances(self, first: int = 0) -> set[float]:
        """How far outputs are from the baseline, from this place on."""
        if "rel_l2" not in self._floats:
            return set()
        measured = {place for place, kind in enumerate(self._kinds) if kind.sampled is not None}
        found = zip(self._floats["rel_l2"][first:], self._kind[first:], strict=True)
        return {distance for distance, kind in found if kind in measured}

    def measured(self, name: str, first: int, last: int) -> tuple[list[int], list[float]]:
        """Of the calls from one place to before another, where those are that have one of `MEASURED`, and what they
        have."""
        having = [name in kind.names for kind in self._kinds]
        has = list(map(having.__getitem__, self._kind[first:last]))
        if not any(has):
            return [], []
        return list(compress(count(first), has)), list(compress(self._floats[name][first:last], has))

    def select(self, flags: int) -> Iterator[CallRow]:
        """The calls that have any of these."""
        return map(self._row, self.where(lambda kind: bool(flags_of(kind) & flags)))

    def where(self, test: Callable[[CallKind], bool]) -> Iterator[int]:
        """The places of the calls of such a kind."""
        wanted = {number for number, kind in enumerate(self._kinds) if test(kind)}
        return compress(count(), map(wanted.__contains__, self._kind)) if wanted else iter(())

    def examples(self, flags: int) -> list[CallRow]:
        """The first call of each kind that has any of these."""
        return [self._row(place) for kind, place in self._examples.items() if flags_of(self._kinds[kind]) & flags]

    def find(self, modules: Container[int]) -> Flagged:
        """Where the calls of any of these modules are."""
        return Flagged(self._in_order.flag(filter(modules.__contains__, self.called()), len(self._counts)))

    # of one module

    def called(self, flags: int = 0) -> Iterator[int]:
        """The modules that were called; of those, where any call has one of the flags that are given."""
        return compress(count(), self._flags.translate(_table_of(flags)) if flags else self._counts)

    def count(self, module: int) -> int:
        """How often it was called."""
        return self._counts[module] if module < len(self._counts) else 0

    def flags(self, module: int) -> int:
        """Of all its calls."""
        return self._flags[module] if module < len(self._flags) else 0

    def seen(self, module: int) -> int:
        """`NAN`, `INF`, `ZEROS`, `LIVE`, `UNFINISHED` and `RECOMPUTED`, where any of its calls is so."""
        return self._seen[module] if module < len(self._seen) else 0

    def distance(self, module: int) -> float | None:
        """How far any output of it is from the baseline, at most; one that is no number is the farthest of all. None
        where that is not known."""
        return self._worst.get(module)

    def gradient_norm(self, module: int) -> float | None:
        """The largest of a gradient that reached an output of it; likewise."""
        return self._norms.get(module)

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


def _measure(most: dict[int, float], having: Container[int], calls: Iterable[tuple[int, int, float]]) -> None:
    """Take in the module, the kind and a measure of calls: what is no number is the most of all."""
    for module, kind, measure in calls:
        if kind in having:
            known = most.get(module, -math.inf)
            most[module] = measure if math.isnan(measure) or measure > known else known
