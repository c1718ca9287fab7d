"""How far outputs have moved, in the tree: numbers, bars, marks, and what gives way for them."""

from __future__ import annotations

import math
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from inspector.gradients import Limits
from inspector.records import Delta, HookMarks, Run
from inspector.tui.panels.gradients import GradientsPanel
from inspector.tui.tree.columns import Widths, lay_out
from inspector.tui.tree.heat import BARS, ROLES, SHADES, Bounds, bar, heat, role_of, short, worst

from ..fake_engine import running
from .test_tree import line, screen, showing, style_of
from .tree_models import call, model, network, row, run

FOUND = {0.0: "0", 0.32: "0.32", 1e-4: "1e-4", 12.3: "12", 4e8: "4e8", math.inf: "inf", math.nan: "NaN", 0.9999: "1.0"}


def moved(distance: float) -> Delta:
    return Delta(distance, 0.9, 1.0)


@pytest.mark.parametrize(("distance", "text"), FOUND.items())
def test_short_numbers(distance: float, text: str) -> None:
    assert short(distance) == text


@given(st.floats())
def test_any_distance_has_a_short_number_a_bar_and_a_role(distance: float) -> None:
    assert heat(distance).role in ROLES
    assert cell_len(heat(distance).text) <= 8
    assert bar(distance) in BARS and bar(distance, ascii=True) in SHADES


@given(st.floats(0, 1e6), st.floats(0, 1e6))
def test_what_moved_further_never_looks_cooler(one: float, other: float) -> None:
    near, far = sorted((one, other))
    assert BARS.index(bar(near)) <= BARS.index(bar(far))
    assert ROLES.index(role_of(near)) <= ROLES.index(role_of(far))


def test_the_worst_of_several_is_what_is_no_number() -> None:
    assert worst([None, moved(0.1), moved(0.3)]) == 0.3
    assert math.isnan(worst([moved(math.inf), moved(math.nan)]) or 0.0)
    assert worst([None]) is None


def compared():
    """`stem` moved a little, `head` a lot in the second of two calls, and the rest was not compared."""
    made = network(blocks=1)
    head = len(made.rows) - 1
    return run(made, [
        call(1, 0, delta=moved(1e-4)), call(2, 1, delta=moved(0.0)), call(head, 2, delta=moved(0.1)),
        call(head, 3, 1, delta=moved(3.2), altered=True), call(0, 4, depth=0, delta=moved(0.32)),
    ])  # fmt: skip


async def test_the_column_is_there_only_while_something_is_compared() -> None:
    made = compared()
    async with showing(made) as (tree, pilot, _):
        assert "▆ 0.32" not in line(tree, "stem") and "▁ 1e-4" in line(tree, "stem")
        assert "█ 3.2" in line(tree, "head"), "the furthest of its calls"
        assert "  0" in line(tree, "layer0")
        assert "baseline" in str(tree.border_title)
        assert style_of(tree, "3.2") != style_of(tree, "1e-4")
        run(made)
        tree.refresh_rows()
        await pilot.pause()
        assert "1e-4" not in line(tree, "stem") and "baseline" not in str(tree.border_title)


async def test_in_call_order_each_call_has_its_own() -> None:
    async with showing(compared()) as (tree, pilot, _):
        tree.order = True
        await pilot.pause()
        rows = screen(tree)
        assert "▆ 0.10" in rows[2] and "█ 3.2" in rows[3]


@pytest.mark.parametrize("width", [12, 20, 30, 38, 44, 60, 100])
async def test_lines_with_heat_have_exactly_the_width_of_the_widget(width: int) -> None:
    async with showing(compared(), width) as (tree, pilot, _):
        for order in (False, True):
            tree.order = order
            await pilot.pause()
            assert all(tree.render_line(y).cell_length == tree.size.width for y in range(tree.size.height))


async def test_ascii_heat_is_ascii() -> None:
    async with showing(compared()) as (tree, pilot, _):
        tree.ascii = True
        await pilot.pause()
        found = line(tree, "head")
        assert found.isascii() and "% 3.2" in found and found.endswith("@")
        assert str(tree.border_title).isascii()


def test_it_outlives_class_and_parameters() -> None:
    natural = Widths(name=18, class_name=17, number=5, shape=12, short_shape=9, calls=2, mark=1, heat=6)
    seen = [lay_out(width, natural) for width in range(100, 12, -1)]
    assert all(columns.heat for columns in seen if columns.class_name or columns.number or columns.mark)
    assert any(columns.heat and not columns.class_name for columns in seen)


async def test_marks_of_what_alters_and_of_what_was_edited() -> None:
    made = model([row(0, -1, "", "Net"), *(row(n + 1, 0, key) for n, key in enumerate("abcd"))])
    made.marks = HookMarks(1, bytes([1, 1, 1, 0, 1]), added={1: 2, 3: 1}, edited=(4,))
    run(made, [call(2, 0, altered=True), call(1, 1), call(4, 2)])
    async with showing(made) as (tree, _, _):
        assert [line(tree, f" {key} ").split()[-1] for key in "abc"] == ["◉", "◉", "◎"]
        assert line(tree, " d ").endswith("● ✎ edited")
    async with showing(made, 30) as (tree, _, _):
        assert line(tree, " d ").endswith("✎")


async def test_an_edit_taken_back_leaves_no_mark() -> None:
    made = model([row(0, -1, "", "Net"), row(1, 0, "a")])
    made.marks = HookMarks(1, b"\1\1", edited=(1, 99))
    async with showing(made) as (tree, pilot, _):
        assert "✎" in line(tree, " a ")
        made.marks = HookMarks(1, b"\1\1")
        tree.refresh_rows()
        await pilot.pause()
        assert "✎" not in line(tree, " a ")


async def test_a_configuration_says_from_which_distance_on_a_colour_begins(tmp_path: Path):
    assert [role_of(0.05), role_of(0.05, Bounds(0.1, 0.2, 0.3)), role_of(0.05, Bounds(0.01, 0.02, 0.03))] == [
        "heat-middle", "heat-low", "heat-most",
    ]  # fmt: skip
    thresholds = {"delta_low": 0.1, "delta_high": 2.0, "quick": 0.0, "exploding": 10.0}
    async with running(tmp_path, thresholds=thresholds) as (app, _, engine):
        assert app.workbench.module_tree.options.bounds == Bounds(0.1, 0.1, 2.0) and app.state.quick == 0
        assert app.workbench.panels.find(GradientsPanel).limits == Limits(exploding=10.0)
        passes = len(engine.requests(Run))
        app.controller.passes.follow_change()
        assert app.state.stale and len(engine.requests(Run)) == passes
