"""What the last pass did on each line of a source: the shapes that came back from the calls made there."""

from __future__ import annotations

import os
from bisect import bisect_left, bisect_right
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import chain

from textual.content import Content

from ...client.call_table import CallTable
from ...client.model import Model
from ...records import CallKind, CallRow, Source
from ...report.findings import name_oddities
from .. import format
from .styles import ACCENT, ERROR, WARN

CALLS_SHOWN = 2  # of those on one line
LOOKED_AT = 10_000  # calls that a call led to, half of them from its end; of a million a key would wait for a second
LIVE = f"{ACCENT} 80%"


def shapes_by_line(model: Model, source: Source, room: int) -> dict[int, Content]:
    """By line number of the source's file: what the calls there returned, in the call of the source's module that is
    looked at, or the last one (or in its caller, where the source shows the call site). A shape takes at most `room`
    cells."""
    index = model.index_of(source.path)
    outer = None if index is None else model.call_of(index) or model.last_call(index)
    if outer is not None and source.part == "site":
        outer = _caller(model.calls, outer)
    if outer is None or not source.file:
        return {}
    by_line: dict[int, _Made] = defaultdict(_Made)
    calls = model.calls
    within = range(bisect_left(calls.ends, outer.start), bisect_right(calls.ends, outer.end))
    for place in _made_by(calls, outer, within):
        kind = calls.kind_of(place)
        if same_file(kind.file, source.file):
            by_line[kind.line].add(calls, place)
    cut = len(within) > LOOKED_AT
    return {line: _briefly(made, room, cut) for line, made in by_line.items()}


@dataclass
class _Made:
    """The calls made on one line, of which there may be very many: the first few, and how many of each kind."""

    shown: list[CallRow] = field(default_factory=list)
    kinds: Counter[CallKind] = field(default_factory=Counter)

    def add(self, calls: CallTable, place: int) -> None:
        if len(self.shown) < CALLS_SHOWN:
            self.shown.append(calls[place])
        self.kinds[calls.kind_of(place)] += 1


def same_file(called: str, shown: str) -> bool:
    """Whether a call site's file, which is relative where the import path was, is the one that is shown."""
    if called == shown or not called or os.path.isabs(called):
        return called == shown
    return shown.endswith(os.sep + os.path.normpath(called))


def _made_by(calls: CallTable, outer: CallRow, within: range) -> Iterator[int]:
    """Where the calls are that `outer` made itself, of those that ended `within` it; of very many, of the first and the
    last ones."""
    half = LOOKED_AT // 2
    for place in within if len(within) <= LOOKED_AT else chain(within[:half], within[-half:]):
        if calls.depths[place] == outer.depth + 1 and calls.starts[place] > outer.start:
            yield place


def _caller(calls: CallTable, inner: CallRow) -> CallRow | None:
    """The call that `inner` was made in: the first that ends after it, one level up."""
    later = range(bisect_right(calls.ends, inner.end), len(calls))
    return next((calls[p] for p in later if calls.depths[p] == inner.depth - 1 and calls.starts[p] < inner.start), None)


def _briefly(made: _Made, room: int, cut: bool) -> Content:
    """Where not all calls were looked at, there may be any number more of what there is more than once."""
    count = made.kinds.total()
    if count > 1 and len({(kind.brief, kind.status, kind.holds) for kind in made.kinds}) == 1:
        return Content.assemble(
            ("→ ", LIVE), _one(made.shown[0], room), (", many times" if cut else f", {count} times", LIVE)
        )
    shown = Content(", ").join(_one(call, room) for call in made.shown)
    more = count - CALLS_SHOWN
    return Content.assemble(("→ ", LIVE), shown, (", and many more" if cut else f", +{more}", LIVE) if more > 0 else "")


def _one(call: CallRow, room: int) -> Content:
    if call.status == "raised":
        return Content.styled("raised", f"{ERROR} bold")
    if call.status == "unfinished":
        return Content.styled("did not return", WARN)
    odd = "".join(f" {word}" for word in name_oddities([call]))
    return Content.assemble((format.fit_brief(call.brief, room), LIVE), (odd, WARN))
