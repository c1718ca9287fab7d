"""The calls of a pass below those that made them, against what a recorder saw and against plain lists."""

from __future__ import annotations

import contextlib
import threading
from itertools import pairwise

import torch
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace
from torch import nn

from inspector.client.call_table import CallTable
from inspector.client.call_tree import CallTree
from inspector.records import Brief, CallColumns, CallRow

from ..engine.recording.test_recorder import Recorded


def a_row(start: int, end: int, caller: int, ms: float = 1.0) -> CallRow:
    return CallRow(0, 0, start, end, 0, ms, "ok", Brief(), caller=caller)


def tree_of(rows: list[CallRow], cut: int = 0) -> CallTree:
    table = CallTable()
    table.extend(CallColumns.of(rows[:cut]))
    tree = CallTree(table)
    tree.extend()
    table.extend(CallColumns.of(rows[cut:]))
    tree.extend()
    return tree


def in_order(tree: CallTree) -> list[int]:
    """Top to bottom, by its roots and children."""
    found: list[int] = []

    def walk(place: int) -> None:
        found.append(place)
        for child in tree.children(place):
            walk(child)

    for root in tree.roots:
        walk(root)
    return found


def check(tree: CallTree) -> None:
    """All ways to go through it agree."""
    order = in_order(tree)
    assert sorted(order) == list(range(len(tree)))
    assert sorted(order, key=tree.key) == order == list(map(tree.order.__getitem__, range(len(tree))))
    for before, after in pairwise(order):
        assert tree.after(before) == after and tree.before(after) == before
    if order:
        assert tree.before(order[0]) is None and tree.after(order[-1]) is None
    for place in order:
        below = [each for each in order if place in tree.ancestors(each)]
        assert [each for each in order if tree.key(place) < tree.key(each) < tree.end_key(place)] == below


@st.composite
def passes(draw: st.DrawFn) -> list[CallRow]:
    """Calls of some threads, whose steps in and out come in any order."""
    clock, rows = 0, []
    stacks: list[list[int]] = [[] for _ in range(draw(st.integers(1, 3)))]
    for thread, goes_in in draw(st.lists(st.tuples(st.integers(0, len(stacks) - 1), st.booleans()), max_size=30)):
        stack = stacks[thread]
        if goes_in:
            stack.append(clock)
        elif stack:
            start = stack.pop()
            rows.append(a_row(start, clock, stack[-1] if stack else -1))
        clock += 1
    for stack in stacks:
        while stack:
            start = stack.pop()
            rows.append(a_row(start, clock, stack[-1] if stack else -1))
            clock += 1
    return rows


@given(passes(), st.integers(0, 30))
def test_every_call_stands_below_its_caller_and_in_order(rows: list[CallRow], cut: int) -> None:
    tree = tree_of(rows, cut)
    check(tree)
    for place, row in enumerate(rows):
        parent = tree.parents[place]
        assert (rows[parent].start if parent >= 0 else -1) == row.caller
    starts = [rows[place].start for place in tree.roots]
    assert starts == sorted(starts)


@given(st.lists(st.builds(a_row, st.integers(-2, 5), st.integers(-2, 5), st.integers(-2, 5)), max_size=20))
def test_what_a_damaged_log_says_makes_no_circle(rows: list[CallRow]) -> None:
    tree = tree_of(rows)
    check(tree)
    order = in_order(tree)
    assert sorted(order) == list(range(len(rows)))
    seen, place = 0, tree.roots[0] if rows else None
    while place is not None:
        seen, place = seen + 1, tree.after(place)
    assert seen == len(rows)


@given(passes(), st.integers(1, 5))
def test_a_tree_that_is_made_piece_by_piece_is_the_same(rows: list[CallRow], piece: int) -> None:
    whole, tree = tree_of(rows), CallTree(CallTable())
    tree.calls.extend(CallColumns.of(rows))
    while not tree.is_complete:
        tree.extend(piece)
    assert in_order(tree) == in_order(whole)
    assert (tree.parents, tree.own_ms) == (whole.parents, whole.own_ms)


@given(passes(), st.integers(1, 7), st.sets(st.integers(0, 600)))
def test_calls_of_some_modules_are_found_in_order(rows: list[CallRow], piece: int, wanted: set[int]) -> None:
    rows = [replace(row, module=place * 37 % 601) for place, row in enumerate(rows)]  # past what a byte holds
    tree = CallTree(CallTable())
    tree.calls.extend(CallColumns.of(rows))
    while tree.prepare(piece):
        pass
    order = in_order(tree)
    assert list(map(tree.order.__getitem__, range(len(rows)))) == order
    assert [order[tree.order.rank(place)] for place in range(len(rows))] == list(range(len(rows)))
    meant = [place for place in order if rows[place].module in wanted]
    assert list(tree.order.find(wanted)) == tree.order.find(wanted)[:] == meant
    above = {caller for place in meant for caller in tree.ancestors(place)}
    shown = tree.order.find_with_callers(wanted)
    assert list(shown) == [place for place in order if place in above or place in meant]
    assert [shown.rank(tree.order.rank(place)) for place in shown] == list(range(len(shown)))
    assert list(tree.order.find(wanted).among(shown)) == meant


def test_own_time_is_what_no_call_inside_took() -> None:
    tree = tree_of([a_row(1, 2, 0, 3.0), a_row(3, 4, 0, 4.0), a_row(0, 5, -1, 10.0)])
    assert list(tree.own_ms) == [3.0, 4.0, 3.0] and tree.ms == 10.0


class Odd(nn.Module):
    """Calls itself, a shared module three times, one that raises, and one from another thread."""

    def __init__(self) -> None:
        super().__init__()
        self.shared, self.bad, self.side = nn.ReLU(), nn.Linear(2, 2), nn.Sequential(nn.Tanh())

    def forward(self, x: torch.Tensor, deeper: int = 1) -> torch.Tensor:
        x = self.shared(self.shared(x))
        with contextlib.suppress(RuntimeError):
            self.bad(torch.ones(1, 3))
        other = threading.Thread(target=self.side, args=(x,))
        other.start()
        other.join()
        return self(x, deeper - 1) if deeper else self.shared(x)


def test_calls_as_a_recorder_sees_them() -> None:
    recorded = Recorded(Odd(), torch.ones(1, 2))
    tree = tree_of([call.row() for call in recorded.calls])
    check(tree)
    names = [".".join(path) or "root" for path in recorded.tree.paths]
    paths = [(tree.depth(place), names[tree.calls.modules[place]]) for place in in_order(tree)]
    assert paths == [
        (0, "root"), (1, "shared"), (1, "shared"), (1, "bad"),
        (1, "root"), (2, "shared"), (2, "shared"), (2, "bad"), (2, "shared"),
        (0, "side"), (1, "side.0"), (0, "side"), (1, "side.0"),
    ]  # fmt: skip
