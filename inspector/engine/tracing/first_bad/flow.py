"""From what is bad in the end back to where it began.

Infinities that were filled in on purpose (masks) are no beginning: what a softmax makes NaN of, because a whole row is
masked, begins at the softmax. Infinities that came by themselves are one, and what is NaN because of them begins there.
The logarithm of zeros and ones is between the two, as nobody says whether a mask is meant: where it is in what comes
out, it is a beginning, and where a softmax makes NaN of it, that is. So is an input that is infinite as a whole.
"""

from __future__ import annotations

from collections.abc import Iterable

from .badness import Bad
from .causes import BadOp, Origin, Where


def find_beginnings(bad: Iterable[Where]) -> list[Where]:
    """All there are, without those that were meant."""
    known: dict[int, list[Where]] = {}
    found = dict.fromkeys(begin for each in bad for begin in _beginnings(each, known))
    return [each for each in found if not is_meant(each)]


def is_meant(begin: Where) -> bool:
    """Whether it is an infinity that somebody wrote, as masks hold them."""
    if begin.bad != Bad.INFINITE:
        return False
    if isinstance(begin, Origin):
        return (not begin.name and begin.taken_by is not None) or (bool(begin.name) and begin.is_mask)
    return begin.fills and not begin.causes


_TAKE_MASKS = ("softmax", "attention", "logsumexp")


def _may_be_mask(begin: Where) -> bool:
    return begin.is_like_mask if isinstance(begin, BadOp) else begin.is_infinite and not begin.is_weight


def _beginnings(end: Where, known: dict[int, list[Where]]) -> list[Where]:
    """Without recursion: a chain may have as many operations as a pass."""
    pending = [end]
    while pending:
        each = pending[-1]
        if id(each) in known:
            pending.pop()
            continue
        causes = _relevant(each) if isinstance(each, BadOp) else []
        missing = [cause for cause in causes if id(cause) not in known]
        if missing:
            pending += missing
            continue
        known[id(each)] = _join(each, [begin for cause in causes for begin in known[id(cause)]])
        pending.pop()
    return known[id(end)]


def _relevant(op: BadOp) -> list[Where]:
    """NaN comes from NaN where there is some."""
    causes: list[Where] = list(op.causes)
    if op.bad is Bad.NAN:
        return [cause for cause in causes if cause.bad is Bad.NAN] or causes
    return causes


def _join(each: Where, begins: list[Where]) -> list[Where]:
    if not begins:
        return [each]
    if each.bad is Bad.NAN and all(begin.bad is not Bad.NAN for begin in begins):
        masks = isinstance(each, BadOp) and any(name in each.name for name in _TAKE_MASKS)
        return [begin for begin in begins if not is_meant(begin) and not (masks and _may_be_mask(begin))] or [each]
    return list(dict.fromkeys(begins))
