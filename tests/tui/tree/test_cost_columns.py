"""Costs as columns of the tree and of the call order, and what can be sorted by them."""

from __future__ import annotations

import pytest

from inspector.client.costs import KnownCosts
from inspector.client.model import Model
from inspector.records import CallCost, Changes, Cost, CostRow, Costs
from inspector.tui.tree.columns import Widths, lay_out
from inspector.tui.tree.costs import COLUMNS
from inspector.tui.tree.widget import ModuleTree

from .test_sorting import made
from .test_tree import screen, showing

ALL = tuple(column.id for column in COLUMNS)


def cost(ms: float, own: float, flops: int | None, activations: int) -> Cost:
    """Backward costs twice as much."""
    twice = 2 * flops if flops is not None else None
    return Cost(ms, own, flops, flops, activations, activations, 2 * ms, 2 * own, twice, twice)


def measured(flops: int | None = 3_600_000_000) -> Model:
    """`a` takes most, itself nearly nothing; `act` was not called."""
    model = made()
    rows = (
        CostRow(0, 1, cost(20.0, 1.0, flops, 9000)), CostRow(1, 1, cost(19.0, 0.5, flops, 8000)),
        CostRow(2, 2, cost(12.5, 12.5, 64, 4000)), CostRow(3, 1, cost(6.0, 6.0, 32, 0)),
    )  # fmt: skip
    calls = (CallCost(2, 0, cost(9.0, 9.0, 32, 2000)), CallCost(2, 1, cost(3.5, 3.5, 32, 2000)))
    model.costs = KnownCosts(Costs(1, rows, calls, 20.0, 5, "host"), model.state)
    return model


def show(tree: ModuleTree, *ids: str) -> list[str]:
    tree.options.costs = ids
    tree.refresh_rows()
    return screen(tree)


async def test_columns_stand_below_their_names() -> None:
    async with showing(measured(), 110) as (tree, _, _):
        lines = show(tree, *ALL)
        title = " " * 2 + str(tree.border_title)
        said_of_root = "20.0 ms", "1.00 ms", "100%", "3.6 G", "80 B", "9.0 kB", "40.0 ms", "7.2 G"
        for column, said in zip(COLUMNS, said_of_root, strict=True):
            end = title.index(f" {column.heading}") + 1 + len(column.heading)
            assert lines[0][:end].endswith(said), (title, lines[0])


async def test_what_was_not_called_has_a_dash_and_nothing_is_shown_before_it_was_measured() -> None:
    async with showing(made(), 80) as (tree, _, _):
        assert show(tree, *ALL) and str(tree.border_title) == "Modules"
    async with showing(measured(), 80) as (tree, _, _):
        (line,) = (line for line in show(tree, "own", "flops") if "act" in line)
        assert line.count("–") >= 2 and "ms" not in line


async def test_each_call_has_its_own_costs() -> None:
    async with showing(measured(), 80) as (tree, _, _):
        tree.order = True
        lines = show(tree, "own", "activations")
        assert "9.00 ms" in lines[0] and "2.0 kB" in lines[0] and "3.50 ms" in lines[1]
        assert str(tree.border_subtitle).endswith("calls, cold")


async def test_sorted_by_what_is_warm() -> None:
    async with showing(measured(), 80) as (tree, _, _):
        show(tree, "own")
        seen = {}
        for _ in range(4):
            tree.sort()
            seen[str(tree.border_title).split("─")[0].strip()] = screen(tree)[0].strip("▌ ").split()[0]
        assert seen == {
            "Modules by own time": "a.slow", "Modules by time": "(root)", "Modules by own FLOPs": "(root)",
            "Modules by own activations": "(root)",
        }  # fmt: skip
        tree.sort(False)
        tree.sort()
        assert screen(tree)[0].count("12.5 ms") == 1  # the column says it already


async def test_costs_of_another_state_are_said_to_be_old() -> None:
    model = measured()
    async with showing(model, 80) as (tree, _, _):
        assert "· old" not in str((show(tree, "own"), tree.border_title))
        model.changes = Changes(1, altering=1)
        tree.refresh_rows()
        assert str(tree.border_title).startswith("Modules · old")
        model.changes = Changes(1)
        tree.refresh_rows()
        assert "· old" not in str(tree.border_title)


async def test_without_a_backward_pass_its_columns_have_dashes() -> None:
    model = measured()
    assert model.costs is not None
    told = model.costs.costs
    rows = tuple(CostRow(row.module, row.calls, Cost(1.0, 1.0, 64, 64, 8, 8)) for row in told.rows)
    model.costs = KnownCosts(Costs(1, rows, (), 4.0, 5, "host"), model.state)
    async with showing(model, 80) as (tree, _, _):
        assert show(tree, "backward", "backward-flops")[0].count("–") == 2


async def test_flops_that_are_not_known_are_no_dash() -> None:
    async with showing(measured(None), 80) as (tree, _, _):
        assert "?" in show(tree, "flops")[0]


@pytest.mark.parametrize("ascii", [True, False])
async def test_a_filter_keeps_the_columns(ascii: bool) -> None:
    async with showing(measured(), 80) as (tree, _, _):
        tree.ascii = ascii
        show(tree, "share")
        tree.filter = "slow"
        (line,) = (line for line in screen(tree) if "slow" in line)
        assert "62%" in line and (line.isascii() or not ascii)


def test_costs_give_way_last_and_from_the_right() -> None:
    natural = Widths(name=30, class_name=12, number=5, shape=10, short_shape=6, costs=(7, 6, 6))
    seen = [lay_out(width, natural) for width in range(100, 10, -1)]
    assert all(columns.costs == (7, 6, 6) for columns in seen if columns.class_name or columns.shape)
    assert list(dict.fromkeys(columns.costs for columns in seen)) == [(7, 6, 6), (7, 6), (7,), ()]
