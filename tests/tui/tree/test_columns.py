"""Each cell of the tree goes to whoever needs it most: no name and no class is cut beside blank cells."""

from __future__ import annotations

import pytest

from inspector.tui.tree.columns import Columns, Widths, lay_out, share_head

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
