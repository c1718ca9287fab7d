"""Calls from entries and exits: what adds up, what an exception leaves open, threads, modules that call themselves."""

from __future__ import annotations

import pytest

from inspector.engine.costs.spans import Mark, Span, combine, outermost, spans_of


def spans(said: str) -> list[Span]:
    """`0( 1( 1) 0)` with a clock that ticks once for each mark; a letter in front is another thread."""
    marks = []
    for word in said.split():
        thread = ord(word[0]) if word[0].isalpha() else 0
        marks.append(Mark(int(word.strip("abc()")), word.endswith("("), thread, None))
    return spans_of(marks, list(map(float, range(len(marks)))))


def times(found: list[Span]) -> list[tuple[int, int, float, float]]:
    return [(span.module, span.call, span.whole, span.own) for span in found]


def test_what_is_inside_is_not_its_own() -> None:
    assert times(spans("0( 1( 2( 2) 1) 2( 2) 0)")) == [(0, 0, 7, 3), (1, 0, 3, 2), (2, 0, 1, 1), (2, 1, 1, 1)]


def test_a_call_without_an_exit_ends_with_the_one_around_it() -> None:
    assert times(spans("0( 1( 2( 0)")) == [(0, 0, 3, 1), (1, 0, 2, 1), (2, 0, 1, 1)]
    assert times(spans("0( 1(")) == [(0, 0, 1, 1), (1, 0, 0, 0)]


def test_an_exit_without_an_entry_is_nobodys() -> None:
    assert times(spans("1) 0( 0)")) == [(0, 0, 1, 1)]


def test_each_thread_has_its_own_calls() -> None:
    assert [(span.module, span.parent) for span in spans("0( a1( 2( a1) 2) 0)")] == [(0, -1), (1, -1), (2, 0)]


def test_the_inner_call_of_a_module_that_calls_itself_is_in_the_outer_one() -> None:
    assert outermost(spans("0( 1( 0( 0) 1) 0) 0( 0)")) == [True, True, False, True]


def test_medians_add_up_and_passes_that_differ_are_left_out() -> None:
    passes = [spans_of(_nested(), values) for values in ([0, 1, 3, 9], [0, 2, 3, 10], [0, 3, 9, 10])]
    found, kept = combine([*passes, spans("0( 0)")])
    assert kept == 3
    assert times(found) == [(0, 0, 9.0, 7.0), (1, 0, 2.0, 2.0)]
    assert found[0].whole == pytest.approx(sum(span.own for span in found))


def _nested() -> list[Mark]:
    return [Mark(0, True, 0, None), Mark(1, True, 0, None), Mark(1, False, 0, None), Mark(0, False, 0, None)]
