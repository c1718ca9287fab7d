"""Plots, sparklines and bars: any numbers at all, in exactly the cells there are."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from inspector.tui.drawing.bars import bar
from inspector.tui.drawing.plot import Curve, plot
from inspector.tui.drawing.scale import Scale
from inspector.tui.drawing.sparkline import sparkline

values = st.lists(st.none() | st.floats(), max_size=300)


def drawn(*series: list[float | None], width: int = 30, height: int = 8, **more: bool) -> list[str]:
    return [line.plain for line in plot([Curve(each) for each in series], width, height, **more)]


@given(st.lists(values, max_size=3), st.integers(-2, 90), st.integers(-2, 24), st.booleans(), st.booleans())
def test_any_series_is_drawn_in_exactly_the_room_there_is(
    series: list[list[float | None]], width: int, height: int, log: bool, ascii: bool
) -> None:
    lines = drawn(*series, width=width, height=height, log=log, ascii=ascii)
    assert len(lines) == max(height, 0)
    assert {cell_len(line) for line in lines} <= {max(width, 0)}
    assert not ascii or "".join(lines).isascii()


@given(st.lists(st.floats(), min_size=1), st.booleans())
def test_every_value_on_a_scale_has_a_place_and_comes_back_from_it(numbers: list[float], log: bool) -> None:
    scale = Scale.over(numbers, log)
    if scale is None:
        assert not [n for n in numbers if math.isfinite(n) and (n > 0 or not log)]
        return
    places = [scale.place(n) for n in numbers if scale.holds(n)]
    assert all(0 <= place <= 1 for place in places)
    assert scale.low <= scale.at(0.5) <= scale.high


def test_a_rising_line_goes_from_bottom_left_to_top_right() -> None:
    lines = drawn([0.0, 1.0, 2.0, 3.0])
    assert lines[0].lstrip().startswith("3┤") and lines[6].lstrip().startswith("0┤")
    assert lines[0][-1] != " " and lines[6][-1] == " "
    assert lines[6][4] != " " and lines[0][4] == " "
    assert lines[7].split() == ["1", "4"]


def test_a_gap_stays_a_gap_and_what_is_not_finite_is_marked() -> None:
    lines = drawn([1.0, 1.0, None, 1.0, 1.0], width=44, height=4)
    (row,) = [line for line in lines[:-1] if line.strip("│ ")]
    assert " " in row.rstrip()[4:]
    assert drawn([1.0, math.nan, 2.0])[0].count("×") == 1
    assert "x" in drawn([1.0, math.inf, 2.0], ascii=True)[0]


def test_one_value_and_the_same_value_again_are_seen() -> None:
    assert sum("●" in line for line in drawn([2.5])) == 1
    level = drawn([2.5] * 9)
    assert sum(line.strip("│ ") != "" for line in level[:-1]) == 1 and any("2.5┤" in line for line in level)


def test_a_logarithmic_scale_spreads_powers_evenly_and_leaves_out_what_is_not_above_zero() -> None:
    rows = [
        next(
            n
            for n, line in enumerate(drawn([1e-6, 1e-3, 1.0], height=10, log=True)[:-1])
            if "┤" in line and text in line
        )
        for text in ("1┤", "0.001┤", "1e-06┤")
    ]
    assert rows == [0, 4, 8]
    assert any("nothing above zero" in line for line in drawn([0.0, -1.0], log=True, width=40))
    assert any("no finite number to draw" in line for line in drawn([None, math.nan]))


def test_a_spike_among_thousands_of_values_is_not_lost() -> None:
    series: list[float | None] = [0.0] * 10_000
    series[5_000] = 1.0
    assert drawn(series)[0].strip("1┤ ") != ""


@given(values, st.integers(-1, 60), st.booleans())
def test_sparklines_are_never_wider_than_there_is_room(series: list[float | None], width: int, ascii: bool) -> None:
    line = sparkline(series, width, ascii)
    assert cell_len(line) == max(min(width, len(series)), 0)
    assert not ascii or line.isascii()


def test_a_sparkline_rises_and_shows_gaps_and_what_is_not_finite() -> None:
    assert (
        sparkline([0.0, 1.0, None, math.nan, 2.0], 9) == "▁▅ !█"
        or sparkline([0.0, 1.0, None, math.nan, 2.0], 9) == "▁▄ !█"
    )
    assert sparkline([3.0, 3.0], 9) == sparkline([7.0, 7.0], 9)
    assert "!" in sparkline([1.0] * 99 + [math.inf], 10)


@given(st.floats(), st.integers(-1, 40), st.booleans())
def test_bars_fit_and_what_is_above_zero_is_seen(share: float, width: int, ascii: bool) -> None:
    drawn = bar(share, width, ascii)
    assert cell_len(drawn) <= max(width, 0)
    assert bool(drawn) == (share > 0 and width > 0)


@pytest.mark.parametrize(("share", "text"), [(0.5, "██"), (1.0, "████"), (7.0, "████"), (0.53, "██▏"), (1e-9, "▏")])
def test_bars_are_drawn_to_an_eighth(share: float, text: str) -> None:
    assert bar(share, 4) == text
