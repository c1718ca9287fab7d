"""What is wrong with the values of a pass: where NaN or Inf came from, what only hands it on, and what is dead.

Entries and exits of modules are numbered in time, so the first output that is not finite is that of the call with the
smallest `end`. Inputs are looked at for where that came from; alone they prove nothing, as a mask is full of Inf.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Container, Iterable, Iterator, Sequence
from dataclasses import dataclass

from ..records import CallRow, Holds

MADE_HERE, DEAD = "made here", "dead"
_WORDS: tuple[Holds, ...] = ("Inf", "NaN")


@dataclass(frozen=True)
class FirstBad:
    """The first NaN, or the first Inf, that a module gave in a pass.

    Where `call` made it, `given` is False. Else it was called with it, no module having given it, and so it was made in
    the forward of the call `around`, or came with the sample where that is None.
    """

    call: CallRow
    holds: Holds
    given: bool = False
    around: CallRow | None = None


def find_first_bad(calls: Sequence[CallRow]) -> list[FirstBad]:
    """The first Inf, where that was before any NaN, and the first NaN. None of it where every output is finite."""
    firsts = {word: min((c for c in calls if c.holds == word), key=_end, default=None) for word in _WORDS}
    inf, nan = firsts["Inf"], firsts["NaN"]
    if inf is not None and nan is not None and nan.end < inf.end:
        inf = None
    return [_trace(calls, call, word) for call, word in ((inf, _WORDS[0]), (nan, _WORDS[1])) if call is not None]


def _end(call: CallRow) -> int:
    return call.end


def _was_given(call: CallRow, word: Holds) -> bool:
    return call.input_holds == word or call.input_holds == "NaN"


def _trace(calls: Sequence[CallRow], first: CallRow, word: Holds) -> FirstBad:
    """Up through the calls that were given it too."""
    call, around = first, _find_around(calls, first)
    if not _was_given(first, word):
        return FirstBad(first, word)
    while around is not None and _was_given(around, word):
        call, around = around, _find_around(calls, around)
    return FirstBad(call, word, True, around)


def _find_around(calls: Sequence[CallRow], inner: CallRow) -> CallRow | None:
    """The innermost call that `inner` was made in."""
    around = (call for call in calls if call.start < inner.start and inner.end < call.end and call.depth < inner.depth)
    return max(around, key=lambda call: call.start, default=None)


def find_producers(calls: Sequence[CallRow]) -> set[int]:
    """The `start` of every call that made NaN or Inf itself: it was not given any and gave it, and inside it nothing
    gave any before something was given it."""
    return {call.start for word in _WORDS for call in _find_producers_of(calls, word)}


def _find_producers_of(calls: Sequence[CallRow], word: Holds) -> Iterator[CallRow]:
    given = [(call.start, False) for call in calls if _was_given(call, word)]
    moments = sorted(given + [(call.end, True) for call in calls if call.holds == word])
    for call in calls:
        if call.holds == word and not _was_given(call, word):
            at = bisect_right(moments, (call.start, True))
            time, gave = (
                moments[at] if at < len(moments) else (call.end, True)
            )  # what a dead engine left may be anything
            if time == call.end or not gave:
                yield call


def name_oddities(calls: Iterable[CallRow], producers: Container[int] = ()) -> list[str]:
    """What stands out in what these calls of one module gave, a word or two: "NaN made here", "Inf", "dead"."""
    calls = list(calls)
    bad = sorted({call.holds for call in calls if call.nan}, reverse=True)  # NaN first
    words = [f"{word} {MADE_HERE}" if _makes(calls, word, producers) else word for word in bad]
    return words or [DEAD] * bool(list(find_dead(calls)))


def say_thread(call: CallRow) -> str:
    """Of the second thread that called modules in the pass `thread 2`."""
    return f"thread {call.thread + 1}"


def _makes(calls: Iterable[CallRow], word: str, producers: Container[int]) -> bool:
    return any(call.holds == word and call.start in producers for call in calls)


def find_dead(calls: Iterable[CallRow]) -> Iterator[int]:
    """The modules, in the order of their first call, each of whose calls gave nothing but zeros."""
    zeros: dict[int, bool] = {}
    for call in sorted(calls, key=lambda call: call.start):
        if call.status == "ok" and not call.recomputed:
            zeros[call.module] = zeros.get(call.module, True) and call.holds == "zeros"
    return (module for module, dead in zeros.items() if dead)
