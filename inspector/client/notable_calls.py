"""The calls of a pass that something is to be said of: out of a million, a few."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from ..records import CallRow, Holds
from .call_table import LIVE, ODD, ZEROS, CallTable, seen_in


def pick_notable(calls: CallTable) -> list[CallRow]:
    """Those that tell where the first NaN and the first Inf came from, and which modules gave nothing but zeros: what
    is found in these is what is found in all. For any thread: it goes through all of them."""
    found = {*_find_first_bad(calls, "NaN"), *_find_first_bad(calls, "Inf"), *_find_dead(calls)}
    found |= set(_find_live(calls, {calls.modules[place] for place in found}))
    return [calls[place] for place in sorted(found)]


def _find_first_bad(calls: CallTable, word: Holds) -> Iterator[int]:
    """The first call that gave it, and all that this was made in."""
    first = min(calls.where(lambda kind: kind.holds == word), key=calls.ends.__getitem__, default=None)
    if first is not None:
        start, end = calls.starts[first], calls.ends[first]
        times = enumerate(zip(calls.starts, calls.ends, strict=True))
        yield from (place for place, (began, ended) in times if began <= start and end <= ended)


def _find_dead(calls: CallTable) -> Iterator[int]:
    """The first call of each module that gave nothing but zeros."""
    dead = {module for module in calls.called(ODD) if calls.seen(module) & (ZEROS | LIVE) == ZEROS}
    firsts: dict[int, tuple[int, int]] = {}
    for place, (module, start) in enumerate(zip(calls.modules, calls.starts, strict=True) if dead else ()):
        if module in dead and (module not in firsts or start < firsts[module][0]):
            kind = calls.kind_of(place)
            if kind.status == "ok" and not kind.recomputed:
                firsts[module] = start, place
    return (place for _, place in firsts.values())


def _find_live(calls: CallTable, modules: Iterable[int]) -> Iterator[int]:
    """Of each of these that gave zeros at times and something else at others, a call of the latter."""
    for module in modules:
        if calls.seen(module) & (ZEROS | LIVE) == ZEROS | LIVE:
            kinds = ((place, calls.kind_of(place)) for place in calls.places(module))
            yield next(place for place, kind in kinds if seen_in(kind) & LIVE)
