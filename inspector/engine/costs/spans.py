"""Entries and exits of modules -> calls, each with what it took in all, and what in itself and in none inside it."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any, NamedTuple


class Mark(NamedTuple):
    """One entry or exit, `at` as a clock gave it."""

    module: int
    entering: bool
    thread: int
    at: Any
    node: int = -1  # the number of the next node of the graph; -1 where it is of another thread


@dataclass(slots=True)
class Span:
    """One call. `call` counts those of its module, `parent` is the place of the call around it among those entered, -1
    for none. `nodes` are the numbers of those of the graph that it made, with all that is in it."""

    module: int
    call: int
    parent: int
    began: float = 0.0
    whole: float = 0.0
    own: float = 0.0
    nodes: range = range(-1, -1)


def spans_of(marks: Sequence[Mark], values: Sequence[float]) -> list[Span]:
    """The calls in the order in which they were entered; each thread has a stack of its own.

    Args:
        marks: In the order in which they came.
        values: What the clock said at each.
    """
    spans: list[Span] = []
    counts: Counter[int] = Counter()
    stacks: dict[int, list[int]] = defaultdict(list)
    for mark, value in zip(marks, values, strict=True):
        stack = stacks[mark.thread]
        if mark.entering:
            spans.append(Span(mark.module, counts[mark.module], stack[-1] if stack else -1, value))
            spans[-1].nodes = range(mark.node, mark.node)
            counts[mark.module] += 1
            stack.append(len(spans) - 1)
        elif any(spans[place].module == mark.module for place in reversed(stack)):
            while _close(spans, stack.pop(), value, mark.node) != mark.module:
                pass  # it was left without an exit
    for stack in stacks.values():
        while stack:
            _close(spans, stack.pop(), values[-1], -1)
    return spans


def _close(spans: list[Span], place: int, value: float, node: int) -> int:
    """Gives the module that is left."""
    span = spans[place]
    span.nodes = range(span.nodes.start, node)
    span.whole = value - span.began
    span.own += span.whole
    if span.parent >= 0:
        spans[span.parent].own -= span.whole
    return span.module


def combine(passes: Sequence[list[Span]]) -> tuple[list[Span], int]:
    """The median of several passes, call by call, and of how many passes that is: of those that made the same calls.

    Medians are taken of what calls took in themselves; what they took in all is the sum of that and of the calls
    inside, so that everything adds up.
    """
    shapes = [tuple((span.module, span.parent) for span in spans) for spans in passes]
    shape = Counter(shapes).most_common(1)[0][0]
    kept = [spans for spans, each in zip(passes, shapes, strict=True) if each == shape]
    result = [
        Span(first.module, first.call, first.parent, own=max(median(same.own for same in (first, *others)), 0.0))
        for first, *others in zip(*kept, strict=True)
    ]
    return add_up(result), len(kept)


def add_up(spans: list[Span]) -> list[Span]:
    """Set what each took in all, from what each took in itself."""
    for span in reversed(spans):
        span.whole += span.own
        if span.parent >= 0:
            spans[span.parent].whole += span.whole
    return spans


def outermost(spans: Sequence[Span]) -> list[bool]:
    """Of each call, whether it is in no other call of the same module: in a module that calls itself, what an inner
    call took is in that of the outer one already."""
    return [span.module not in _around(spans, span) for span in spans]


def _around(spans: Sequence[Span], span: Span) -> Iterable[int]:
    while span.parent >= 0:
        span = spans[span.parent]
        yield span.module
