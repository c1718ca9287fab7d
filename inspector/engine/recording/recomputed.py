"""Calls that activation checkpointing made again and left as soon as it had what it needed, so that they returned
nothing: what they would have returned looks like what the same call returned the first time."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

from msgspec.structs import replace

from ...records import MappingValue, OtherValue, SequenceValue, TensorValue, Value
from .call_store import CallStore

STOPPED = OtherValue("stopped", "recomputed as far as it was needed, and left there")
"""The output of such a call while the pass runs."""

_WHY = "recomputed as far as it was needed, and left there: the shape is that of the first time"
_UNKNOWN = "recomputed as far as it was needed, and left there: which of {} calls it repeats is not known"


def complete_stopped(calls: CallStore) -> None:
    """Give every call that was left its output as far as it is known: shapes and dtypes, and no value."""
    stopped = [call for call in calls.fresh if call.output is STOPPED]
    if not stopped:
        return
    firsts: dict[tuple[int, int], list[Value]] = defaultdict(list)  # of each module in each step
    for call in calls:
        if not call.recomputed and call.status == "ok" and call.output is not None:
            firsts[call.index, call.step].append(call.output)
    for call in stopped:
        call.output = _find_output(firsts[call.index, call.step])


def _find_output(firsts: Sequence[Value]) -> Value:
    outlines = list(map(_outline, firsts))
    if not outlines:
        return STOPPED
    alike = all(outline == outlines[0] for outline in outlines)
    return outlines[0] if alike else OtherValue("stopped", _UNKNOWN.format(len(outlines)))


def _outline(value: Value) -> Value:
    """The same value without anything that was measured."""
    if isinstance(value, TensorValue):
        return replace(value, statistics=None, histogram=None, preview=None, why=_WHY)
    if isinstance(value, SequenceValue | MappingValue):
        return replace(value, items=tuple(map(_outline, value.items)))
    return value
