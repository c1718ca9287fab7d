"""Calls in columns: there may be a million, of which one sees forty, and most from one line have all but numbers in
common.

This is how they are kept by whoever recorded them, how they cross the channel, and how they are kept by whoever shows
them: packed, a few bytes a call, where a row of its own takes hundreds.
"""

from __future__ import annotations

import math
from array import array
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cached_property
from typing import Annotated, NamedTuple

from msgspec import Meta

from ..packed_column import pack, unpack
from .base import Record, Row
from .passes import CallRow, CallStatus, Delta, Holds
from .values import Brief

WHOLE = {"module": "i", "call": "i", "start": "q", "end": "q", "depth": "i", "in_step": "i", "caller": "i"}
"""Fields of `CallRow` that are a column each, and their type as `array` names it."""
DELTA = ("rel_l2", "cosine", "max_abs")
MEASURED = ("gradient", "gradient_norm", "weight_ratio")
"""Fields of `Delta` and of `CallRow`: floats, columns where any call has one."""

_ANY_SIGN = ("start", "end", "caller")
_LARGEST = {"i": (1 << 31) - 1, "q": (1 << 63) - 1}
_MOST_MS = 1e15


class CallKind(Row, frozen=True):
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
    thread: int
    sampled: bool | None  # of the distance from the baseline, None where there is none
    gradient: bool  # of these three, which there are
    gradient_norm: bool
    weight_ratio: bool

    @property
    def names(self) -> tuple[str, ...]:
        """The columns of floats in which such a call has one."""
        measured = tuple(name for name in MEASURED if getattr(self, name))
        return measured if self.sampled is None else (*DELTA, *measured)


KindKey = tuple[CallStatus, Brief, Holds, str, int, bool, bool, Holds, int, int, "bool | None", bool, bool, bool]
"""The fields of a `CallKind`, quicker to make and to look for than that."""


def kind_of(call: CallRow) -> KindKey:
    """What it has in common with others."""
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
        call.thread,
        None if call.delta is None else call.delta.sampled,
        call.gradient is not None,
        call.gradient_norm is not None,
        call.weight_ratio is not None,
    )


def build_row(
    kind: CallKind, columns: Mapping[str, Sequence[int]], ms: float, floats: Mapping[str, Sequence[float]], place: int
) -> CallRow:
    """The call at this place."""
    module, call, start, end, depth, in_step, caller = (columns[name][place] for name in WHOLE)
    delta = None
    if kind.sampled is not None:
        far, cosine, most = (floats[name][place] for name in DELTA)
        delta = Delta(far, cosine, most, kind.sampled)
    gradient, norm, ratio = (floats[name][place] if getattr(kind, name) else None for name in MEASURED)
    return CallRow(
        module, call, start, end, depth, ms, kind.status, kind.brief, kind.holds, kind.file, kind.line, kind.altered,
        delta, gradient, kind.recomputed, kind.input_holds, kind.step, in_step, norm, ratio, caller, kind.thread,
    )  # fmt: skip


class Columns(NamedTuple):
    """`CallColumns`, read. `kind` is the place of each call's kind."""

    kind: array[int]
    whole: dict[str, array[int]]
    ms: array[float]
    floats: dict[str, array[float]]


MOST = 1 << 20
"""Calls in one message."""


class CallColumns(Record, frozen=True, dict=True):
    """Calls in order. Each column is packed as `packed_column` has it, floats of 64 bits and whole numbers of what
    `WHOLE` says."""

    kinds: tuple[CallKind, ...]
    count: Annotated[int, Meta(ge=0, le=MOST)]  # of the calls
    kind: bytes  # the place of each call's among them
    whole: dict[str, bytes]
    ms: bytes
    floats: dict[str, bytes]  # those that any call has; of the others, as their kinds say, it is 0

    @classmethod
    def of(cls, calls: Iterable[CallRow]) -> CallColumns:
        """Of rows. What a dead engine left may be anything: no number is larger than a column can hold."""
        calls = list(calls)
        keys = list(map(kind_of, calls))
        places = {key: place for place, key in enumerate(dict.fromkeys(keys))}
        kinds = tuple(CallKind(*key) for key in places)
        used = {name for kind in kinds for name in kind.names}
        floats = {
            name: [getattr(call.delta if name in DELTA else call, name, None) or 0.0 for call in calls]
            for name in (*DELTA, *MEASURED) if name in used
        }  # fmt: skip
        return cls(
            kinds,
            len(calls),
            pack(array("i", [places[key] for key in keys])),
            {
                name: pack(array(code, _clamp([getattr(call, name) for call in calls], code)))
                for name, code in WHOLE.items()
            },
            pack(array("d", [call.ms for call in calls])),
            {name: pack(array("d", values)) for name, values in floats.items()},
        )

    def __len__(self) -> int:
        return self.count

    def __iter__(self) -> Iterator[CallRow]:
        """As rows."""
        read = self.unpacked
        return (build_row(self.kinds[kind], read.whole, read.ms[n], read.floats, n) for n, kind in enumerate(read.kind))

    @cached_property
    def unpacked(self) -> Columns:
        """The columns. Raises `ValueError` where they do not go together, or hold what no call has."""
        wanted = {name for kind in self.kinds for name in kind.names}
        if self.whole.keys() != WHOLE.keys() or not wanted <= self.floats.keys() <= {*DELTA, *MEASURED}:
            raise ValueError("other columns than those of calls")
        whole: dict[str, array[int]] = {n: unpack(code, self.whole[n], self.count) for n, code in WHOLE.items()}
        kind: array[int] = unpack("i", self.kind, self.count)
        ms: array[float] = unpack("d", self.ms, self.count)
        floats: dict[str, array[float]] = {n: unpack("d", held, self.count) for n, held in self.floats.items()}
        if ms and not 0 <= min(kind) <= max(kind) < len(self.kinds):
            raise ValueError("a kind that was not told of")
        if ms and min(min(column) for name, column in whole.items() if name not in _ANY_SIGN) < 0:
            raise ValueError("a number below 0")
        if ms and not (math.isfinite(sum(ms)) and min(ms) >= -_MOST_MS and max(ms) <= _MOST_MS):
            raise ValueError("a time that is none")
        return Columns(kind, whole, ms, floats)


def _clamp(values: list[int], code: str) -> list[int]:
    most = _LARGEST[code]
    return [min(value, most) for value in values] if max(values, default=0) > most else values
