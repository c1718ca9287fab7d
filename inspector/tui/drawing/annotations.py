"""What the last pass did on each line of a source: the shapes that came back from the calls made there."""

from __future__ import annotations

import os
from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Sequence

from textual.content import Content

from ...client.model import Model
from ...records import CallRow, Source
from ...report.findings import name_oddities
from .. import format
from .styles import ACCENT, ERROR, WARN

CALLS_SHOWN = 2  # of those on one line
LIVE = f"{ACCENT} 80%"


def shapes_by_line(model: Model, source: Source, room: int) -> dict[int, Content]:
    """By line number of the source's file: what the calls there returned, in the last call of the source's module
    (or of its caller, where the source shows the call site). A shape takes at most `room` cells."""
    index = model.index_of(source.path)
    calls = () if index is None else model.calls_of(index)
    outer = calls[-1] if calls else None
    if outer is not None and source.part == "site":
        outer = _caller(model.calls, outer)
    if outer is None or not source.file:
        return {}
    by_line: dict[int, list[CallRow]] = defaultdict(list)
    for call in _made_by(model.calls, outer):
        if _same_file(call.file, source.file):
            by_line[call.line].append(call)
    return {line: _briefly(made, room) for line, made in by_line.items()}


def _same_file(called: str, shown: str) -> bool:
    """Whether a call site's file, which is relative where the import path was, is the one that is shown."""
    if called == shown or not called or os.path.isabs(called):
        return called == shown
    return shown.endswith(os.sep + os.path.normpath(called))


def _made_by(calls: Sequence[CallRow], outer: CallRow) -> list[CallRow]:
    """The calls that `outer` made itself; `calls` are in order of their end."""
    first = bisect_left(calls, outer.start, key=_end)
    last = bisect_right(calls, outer.end, key=_end)
    return [call for call in calls[first:last] if call.depth == outer.depth + 1 and call.start > outer.start]


def _caller(calls: Sequence[CallRow], inner: CallRow) -> CallRow | None:
    """The call that `inner` was made in: the first that ends after it, one level up."""
    later = calls[bisect_right(calls, inner.end, key=_end) :]
    return next((c for c in later if c.depth == inner.depth - 1 and c.start < inner.start), None)


def _end(call: CallRow) -> int:
    return call.end


def _briefly(calls: list[CallRow], room: int) -> Content:
    if len(calls) > 1 and len({(call.brief, call.status, call.holds) for call in calls}) == 1:
        return Content.assemble(("→ ", LIVE), _one(calls[0], room), (f", {len(calls)} times", LIVE))
    shown = Content(", ").join(_one(call, room) for call in calls[:CALLS_SHOWN])
    more = len(calls) - CALLS_SHOWN
    return Content.assemble(("→ ", LIVE), shown, (f", +{more}", LIVE) if more > 0 else "")


def _one(call: CallRow, room: int) -> Content:
    if call.status == "raised":
        return Content.styled("raised", f"{ERROR} bold")
    if call.status == "unfinished":
        return Content.styled("did not return", WARN)
    odd = "".join(f" {word}" for word in name_oddities([call]))
    return Content.assemble((format.fit_brief(call.brief, room), LIVE), (odd, WARN))
