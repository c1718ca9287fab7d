"""Numbers, shapes and values in few cells; and no value, however odd, that raises."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from inspector.records import (
    Brief,
    Histogram,
    MappingValue,
    NoneValue,
    OtherValue,
    ScalarValue,
    SequenceValue,
    TensorValue,
)
from inspector.tui import format as fmt

numbers = st.integers() | st.floats() | st.integers(10**300, 10**400) | st.just(-(10**400))
dims = st.lists(st.integers(-1, 10**6), max_size=8)


@pytest.mark.parametrize(
    ("n", "shown"),
    [(0, "–"), (1, "1"), (128, "128"), (999, "999"), (1000, "1.0k"), (9408, "9.4k"), (74_000, "74.0k"),
     (147_968, "148k"), (999_499, "999k"), (999_500, "1.0M"), (11_689_512, "11.7M"), (7_000_000_000, "7.0B"),
     (-9408, "-9.4k"), (10**30, ">999T")],
)  # fmt: skip
def test_count(n: int, shown: str) -> None:
    assert fmt.count(n) == shown


@given(numbers)
def test_a_count_fits_its_column(n: float) -> None:
    assert 1 <= cell_len(fmt.count(n)) <= 6


@pytest.mark.parametrize(
    ("x", "shown"),
    [(None, "–"), (0.0, "0"), (-0.0, "0"), (-3.1, "-3.1"), (0.0042, "0.0042"), (1.2e7, "1.2e+07"), (1234.6, "1235"),
     (math.nan, "NaN"), (math.inf, "Inf"), (-math.inf, "-Inf"), (3, "3"), (1e-300, "1e-300")],
)  # fmt: skip
def test_number(x: float | None, shown: str) -> None:
    assert fmt.number(x) == shown


@given(st.floats(-1e300, 1e300))
def test_a_number_is_close_to_what_it_stands_for(x: float) -> None:
    shown = fmt.number(x)
    assert len(shown) <= 10
    assert float(shown) == pytest.approx(x, rel=6e-3)


@pytest.mark.parametrize(
    ("x", "shown"),
    [(23.4, "23.4 ms"), (0.42, "0.42 ms"), (0.004, "4 µs"), (1200.0, "1.20 s"), (150_000.0, "2.5 min"), (None, "–")],
)
def test_ms(x: float | None, shown: str) -> None:
    assert fmt.ms(x) == shown


@given(numbers)
def test_no_number_raises(x: float) -> None:
    assert fmt.ms(x) and fmt.bytes_(x) and fmt.number(x)


def test_bytes() -> None:
    assert [fmt.bytes_(n) for n in (0, 46_758_048, math.nan)] == ["0 B", "46.8 MB", "–"]


def test_shape() -> None:
    assert [fmt.brief(Brief(dims)) for dims in ((), (1, 64, 56, 56), (2, -1, 0))] == ["scalar", "1×64×56×56", "2×?×0"]


@pytest.mark.parametrize(
    ("dims", "width", "shown"),
    [((1, 64, 112, 112), 12, "1×64×112×112"), ((1, 64, 112, 112), 11, "1×64×112²"), ((1, 64, 112, 112), 8, "1×64×…"),
     ((16, 16, 16), 6, "16×16²"), ((1, 1, 128), 5, "1×1×…"), ((2, 12, 12, 120), 10, "2×12×12×…"), ((4096,), 3, "40…")],
)  # fmt: skip
def test_a_shape_in_few_cells(dims: tuple[int, ...], width: int, shown: str) -> None:
    assert fmt.fit_brief(Brief(dims), width) == shown


@pytest.mark.parametrize(
    ("brief", "width", "shown"),
    [(Brief((2, 10), 3), 7, "2×10 +3"), (Brief((2, 8, 8), 12), 8, "2×8² +12"), (Brief((2, 8, 8), 12), 7, "2×…"),
     (Brief((4096,), 3), 6, "4096…"), (Brief(text="9×9"), 3, "9×9"), (Brief(text="a×\x1b"), 9, "a×\\e"),
     (Brief(), 5, ""),
     (Brief((3, 1, 1)), 5, "3×1×1"), (Brief((-1, -1)), 3, "?×?"), (Brief((0, 0)), 2, "0²")],
)  # fmt: skip
def test_a_brief_in_few_cells(brief: Brief, width: int, shown: str) -> None:
    assert fmt.fit_brief(brief, width) == shown


@given(dims, st.integers(0, 200), st.text(max_size=20), st.integers(0, 30), st.booleans(), st.booleans())
def test_a_brief_fits(dims: list[int], more: int, text: str, width: int, ascii: bool, in_full: bool) -> None:
    for brief in (Brief(tuple(dims), more), Brief(text=text)):
        assert cell_len(fmt.fit_brief(brief, width, ascii, in_full)) <= width


def test_a_column_of_shapes_is_in_one_form() -> None:
    assert fmt.fit_brief(Brief((1, 8, 8)), 20, in_full=False) == "1×8²"


def test_a_power_in_ascii_is_no_other_number() -> None:
    assert fmt.ascii_only(fmt.fit_brief(Brief((1, 64, 112, 112)), 11, ascii=True)) == "1x64x112^2"


@pytest.mark.parametrize(
    ("path", "shown"),
    [((), "(root)"), (("layer4", "0", "conv1"), "layer4.0.conv1"), (("a", ""), "a.''"), ((" ",), "' '"),
     (("\x1b[31m", "b"), "\\e[31m.b")],
)  # fmt: skip
def test_path(path: tuple[str, ...], shown: str) -> None:
    assert fmt.path(path) == shown


@given(st.text(), st.integers(0, 12))
def test_cuts_fit(text: str, width: int) -> None:
    assert cell_len(fmt.cut(text, width)) <= width
    assert cell_len(fmt.cut_start(text, width)) <= width
    assert cell_len(fmt.fit(text, width)) == width


def test_cuts_say_so() -> None:
    assert fmt.cut("layer4.0.conv1", 8) == "layer4.…"
    assert fmt.cut_start("layer4.0.conv1", 8) == "…0.conv1"
    assert fmt.cut("漢字漢字", 5) == "漢字…"


@given(st.text(st.characters(exclude_categories=["Cc", "Cf", "Cs", "Cn", "Mn", "Me"])))
def test_ascii_keeps_the_width(text: str) -> None:
    assert fmt.ascii_only(text).isascii()
    assert cell_len(fmt.ascii_only(text)) == cell_len(text)


def tensor(*shape: int) -> TensorValue:
    return TensorValue(shape, "float32", "cpu")


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (None, "–"),
        (NoneValue(), "None"),
        (tensor(1, 64), "1×64"),
        (SequenceValue("tuple", (tensor(2, 3), tensor(2, 3)), 2), "2 × 2×3"),
        (SequenceValue("tuple", (tensor(2, 3), NoneValue()), 2), "tuple 2"),
        (SequenceValue("list", (), 0), "list 0"),
        (MappingValue("dict", ("a",), (NoneValue(),), 3), "dict 3"),
        (ScalarValue("bool", True), "True"),
        (ScalarValue("float", math.nan), "NaN"),
        (ScalarValue("str", "\x1b["), '"\\e["'),
        (OtherValue("Cache", "a cache\n"), "a cache\\n"),
    ],
)
def test_value_brief(value: object, shown: str) -> None:
    assert fmt.value_brief(value) == shown  # type: ignore[arg-type]


def test_spark() -> None:
    histogram = Histogram(0.0, 1.0, (0, 1, 50, 100, 0))
    assert fmt.spark(histogram, 5) == " ▁▄█ "
    assert fmt.spark(histogram, 5, ascii=True) == " .+@ "
    assert fmt.spark(None, 5) == fmt.spark(Histogram(0.0, 0.0, (0, 0)), 5) == ""


@given(st.lists(st.integers(0, 10**12), max_size=80), st.integers(0, 100))
def test_a_spark_shows_every_bin_that_is_not_empty(counts: list[int], width: int) -> None:
    shown = fmt.spark(Histogram(0.0, 1.0, tuple(counts)), width)
    assert len(shown) <= min(width, len(counts))
    if len(counts) <= width and any(counts):
        assert [cell != " " for cell in shown] == [n > 0 for n in counts]
    assert not shown or "█" in shown


def test_marks_are_told_apart() -> None:
    assert len({mark.sign for mark in fmt.MARKS}) == len({mark.ascii for mark in fmt.MARKS}) == len(fmt.MARKS)
    assert all(mark.ascii.isascii() and cell_len(mark.sign) == len(mark.ascii) and mark.meaning for mark in fmt.MARKS)
    assert all(fmt.ascii_only(mark.sign) == mark.ascii for mark in fmt.MARKS)
