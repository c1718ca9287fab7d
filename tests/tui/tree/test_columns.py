"""Each cell of the tree goes to whoever needs it most: no name and no class is cut beside blank cells."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inspector.records import Brief
from inspector.records.badges import Badge
from inspector.tui.tree.cells import WORTH_MOVING, share_head, share_line
from inspector.tui.tree.columns import Columns, Widths, lay_out
from inspector.tui.tree.gutter import Gutter
from inspector.tui.tree.lines import DisplayOptions
from inspector.tui.tree.listing import Listing

from .tree_models import call, model, row, run

LONG_CLASS = Widths(name=20, class_name=41, number=5, shape=10, short_shape=6)
LONG_NAME = Widths(name=90, class_name=8, number=5, shape=10, short_shape=6)
BOTH = Widths(name=70, class_name=45, number=5, shape=20, short_shape=9, calls=3, words=24, signs=2)


@pytest.mark.parametrize("natural", [LONG_CLASS, LONG_NAME, BOTH], ids=["class", "name", "both"])
@pytest.mark.parametrize("long_names", [False, True])
def test_nothing_is_cut_beside_blank_cells(natural: Widths, long_names: bool):
    for width in range(30, 220):
        columns = lay_out(width, natural, long_names)
        if columns.gap:
            assert columns.name == natural.name, width
            assert columns.class_name in (0, natural.class_name), width


def test_a_long_class_is_whole_where_there_is_room_for_it():
    assert lay_out(84, LONG_CLASS).class_name == 41
    assert lay_out(150, LONG_NAME).name == 90


def test_what_can_be_said_in_less_gives_way_to_a_name():
    natural = Widths(name=40, class_name=12, number=5, shape=16, short_shape=9, words=24, signs=2)
    wide, less, least = (lay_out(width, natural) for width in (110, 90, 78))
    assert (wide.name, wide.words, wide.shape) == (40, True, 16)
    assert (less.name, less.words, less.shape) == (40, False, 16)
    assert (least.name, least.words, least.shape) == (40, False, 9)


@pytest.mark.parametrize(
    ("name", "class_name", "cells"),
    [(9, 9, (20, 12)), (9, 24, (9, 23)), (9, 18, (14, 18)), (26, 6, (26, 6)), (30, 6, (26, 6)), (30, 30, (20, 12))],
)
def test_on_a_line_a_long_name_or_class_uses_what_the_other_leaves_blank(name, class_name, cells):
    columns = Columns(20, 12, 0, 5, 0, 0, 0, 1, 0, False)
    assert share_head(columns, name, class_name) == cells
    assert share_head(columns._replace(class_name=0), name, class_name) == (20, 0)


def test_what_can_be_said_in_less_gives_way_to_a_class():
    natural = Widths(name=10, class_name=34, number=5, shape=16, short_shape=9, words=24, signs=2)
    whole = [(width, lay_out(width, natural)) for width in range(68, 110)]
    assert all(columns.class_name == 34 for _, columns in whole)
    assert not any(columns.words for width, columns in whole if width < 95)


def test_a_number_that_lines_are_sorted_by_gives_way_last():
    natural = Widths(
        40, 21, number=7, by_number=True, shape=10, short_shape=8, heat=6, calls=2, mark=3, words=5, signs=1
    )
    assert {lay_out(width, natural, long_names=True).number for width in range(30, 120)} == {7}


def test_calls_of_other_steps_take_no_column():
    listing = list_modules([("conv", "Conv2d")])
    listing.update(100)
    run(listing.modules.model, [call(1, 1, number=90), call(0, 2, number=90)])  # the only one of each in its step
    listing.update(100)
    assert listing.lines.widths().calls == 0
    run(listing.modules.model, [call(1, 1, number=90), call(1, 2, number=91), call(0, 3, number=90)])
    listing.update(100)
    assert listing.lines.widths().calls == len("×2")


def test_a_letter_does_not_run_into_the_name():
    gutter = Gutter()
    gutter.take({"a": ("stem",)})
    assert [text for text, _ in gutter.pieces(("stem",), selected=True)] == ["▌", "a "]


written = st.text("abc", max_size=6)
cells = st.tuples(written, st.integers(0, 5), st.integers(0, 5)).map(
    lambda each: " " * each[1] + each[0] + " " * each[2]
)


@given(st.integers(1, 40), st.integers(0, 30), st.integers(0, 60), st.integers(0, 60), st.lists(cells, max_size=6))
def test_no_line_cuts_its_name_or_class_beside_blanks(name_column, class_column, name, class_name, others):
    columns = Columns(name_column, class_column, 0, 0, 0, 0, 0, 0, 0, False)
    class_name = class_name if class_column else 0
    *got, rest = share_line(columns, name, class_name, [[(text[:2], "a"), (text[2:], "b")] for text in others])
    text = "".join(piece for piece, _ in rest)
    assert sum(got) + len(text) == name_column + class_column + sum(map(len, others))
    assert text.replace(" ", "") == "".join(others).replace(" ", "")
    assert min(got) >= 0
    if got[0] < name or got[1] < class_name:
        few = " " * WORTH_MOVING  # for fewer than these nothing moves out of its column
        assert f"{few} " not in text and not text.endswith(few)
        assert (got[0] <= name or not name) and (got[1] <= class_name)


heads = st.lists(
    st.tuples(st.text("abc", min_size=1, max_size=30), st.text("ABC", min_size=1, max_size=40)), max_size=6
)


@given(heads, st.integers(40, 120), st.booleans())
def test_neither_the_tree_nor_the_call_order_cuts_a_name_or_a_class_beside_a_blank(heads, width, by_calls):
    listing = list_modules(heads, by_calls)
    columns = lay_out(width, listing.lines.widths(), long_names=by_calls)
    for id in listing.lines.ids[0 if by_calls else 1 :]:
        text = read(listing, id, columns)
        assert len(text) == width
        if "…" in text:
            assert "  " not in text.lstrip(), text


def list_modules(heads: list[tuple[str, str]], by_calls: bool = False) -> Listing:
    rows = [row(n, 0, key, kind, parameters=20**n - 20) for n, (key, kind) in enumerate(heads, 1)]
    listing = Listing(run(model([row(0, -1, "", "Root"), *rows])), DisplayOptions(), by_calls)
    listing.update(100)
    return listing


def read(listing: Listing, id: int, columns: Columns) -> str:
    return "".join(piece for piece, _ in listing.lines.pieces(id, columns))


def test_a_shape_stays_in_its_column_where_a_name_would_be_cut_all_the_same():
    listing = list_modules([("conv", ""), ("a_rather_long_name", ""), ("one_cell_less", "")])
    columns = Columns(14, 0, 0, 0, 7, 0, 0, 1, 0, False)
    assert [read(listing, id, columns) for id in (1, 2, 3)] == [
        "  conv          1×64×…  ●",
        "  a_rather_lon… 1×64×…  ●",
        "  one_cell_less 1×64×…  ●",
    ]
    longer = list_modules([("two_cells_less", "")])
    assert read(longer, 1, columns) == "  two_cells_less 1×64×… ●"  # whole


def test_a_number_stays_in_its_column_for_one_or_two_letters_of_a_name():
    listing = list_modules([("conv", ""), ("a_rather_long_name", "")])
    run(listing.modules.model, [call(1, 1, brief=Brief((2, 4)))])
    listing.options.ran, listing.options.observed_then = True, bytes([1] * 3)
    columns = Columns(14, 0, 0, 3, 3, 0, 0, 1, 0, False)
    assert [read(listing, id, columns) for id in (1, 2)] == [
        "  conv           –  2×4 ●",
        "  a_rather_lon… 380 –   ●",
    ]


@pytest.mark.parametrize("width", [60, 44])
def test_what_has_no_forward_says_so_in_words_beside_short_shapes_where_there_is_room(width: int):
    badge = (Badge("no forward"),)
    rows = [row(0, -1, "", "Root"), row(1, 0, "blocks", "ModuleList", badges=badge), row(2, 1, "0"), row(3, 1, "1")]
    made = model(rows)
    listing = Listing(made, DisplayOptions(), False)
    listing.update(width)
    before = listing.lines.widths().shape
    run(made, [call(index, index, brief=Brief((2, 4))) for index in (2, 3)])
    listing.options.ran, listing.options.observed_then = True, bytes([1] * 4)
    listing.update(width)
    assert before == 0
    text = read(listing, 1, lay_out(width, listing.lines.widths()))
    assert "no forward" in text
    narrow = read(listing, 1, lay_out(24, listing.lines.widths()))
    assert "□" in narrow and "no forward" not in narrow


def test_a_class_takes_the_blanks_before_a_number_and_moves_nothing():
    listing = list_modules([("avgpool", "AdaptiveAvgPool2d")])
    text = read(listing, 1, Columns(10, 15, 0, 5, 10, 0, 0, 1, 0, False))
    assert text == "  avgpool  AdaptiveAvgPool2d   –  1×64×112²  ●"
