"""What the Outputs panel shows of values: which elements, how they are moved, and why there are none."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from inspector import records as r
from inspector.tui.drawing.before_after import draw_comparison
from inspector.tui.drawing.values import Space, value_lines
from inspector.tui.panels.outputs import OutputsPanel

from .. import panel_records as made
from .test_panels import showing, text

SHAPE = (1, 64, 56, 56)


def movable(shape: tuple[int, ...] = SHAPE) -> r.TensorValue:
    rows = tuple(tuple(float(row + column) for column in range(32)) for row in range(6))
    return made.a_tensor(shape, preview=r.Preview((0,) * len(shape), rows, movable=True))


@pytest.mark.parametrize("missing", ["slow", "busy", "changed"])
async def test_what_is_not_there_says_which_key_brings_it(missing: r.Missing) -> None:
    bare = made.a_tensor(histogram=None, preview=None)
    panel = OutputsPanel()
    calls = made.the_outputs(made.a_call(output=bare, inputs=()), missing=missing)
    async with showing(panel, calls, size=(80, 20)) as pilot:
        wanted = "r runs a pass and brings histogram" if missing == "changed" else "x fetches histogram and values"
        assert wanted in text(panel)
        panel.focus()
        await pilot.press("x")
        await pilot.pause()
        forced = missing != "changed"
        assert panel.request(1, ()).force == forced and ("running it again" in text(panel)) == forced
        panel.show(made.the_outputs(made.a_call(output=movable(), inputs=())))
        assert not panel.request(1, ()).force and "again" not in text(panel)


async def test_arrows_move_what_is_shown() -> None:
    panel = OutputsPanel()
    async with showing(panel, made.the_outputs(made.a_call(output=movable(), inputs=())), size=(80, 30)) as pilot:
        assert "p P other slice · arrows: move" in text(panel)
        pilot.app.set_focus(None)
        await pilot.pause()
        assert "p P other slice · tab, arrows: move" in text(panel), "they are the tree's own while it has the keyboard"
        panel.focus()

        async def after(*keys: str) -> tuple[int, int, int]:
            await pilot.press(*keys)
            window = panel.request(1, ()).window
            return window.plane, window.row, window.column

        columns = int(text(panel).split("[0, 0, :6, :")[1].split("]")[0])
        assert await after("p", "down", "right") == (1, 6, columns)
        assert await after("l", "h", "up", "P") == (0, 0, columns)
        assert await after("up", "P", "left", "left") == (0, 0, 0)
        for _ in range(70):
            panel.action_move_values(1, 1, 1)
        plane, row, column = await after("p", "down", "right")
        assert (plane, row, column) == (63, 50, 56 - columns)
        panel.select(panel.model, 0)
        assert panel.request(1, ()).window == r.Window(columns=32)  # another module starts at its first elements


async def test_where_nothing_can_be_moved_arrows_scroll() -> None:
    panel = OutputsPanel()
    async with showing(panel, made.the_outputs(), size=(80, 12)) as pilot:
        panel.focus()
        await pilot.press("down", "down")
        assert panel.view.scroll_offset.y == 2
        await pilot.press("k")
        assert panel.view.scroll_offset.y == 1


@pytest.mark.parametrize("width", [24, 60, 120, 200])
def test_as_many_columns_are_shown_as_there_is_room_for(width: int) -> None:
    lines = [line.body.plain for line in value_lines("", movable(), Space(width))]
    at = next(number for number, line in enumerate(lines) if "[0, 0, :6, :" in line)
    columns = int(lines[at].split(":")[-1].strip("] "))
    assert len(lines[at + 1].rstrip(" …").split()) == columns
    assert columns == 32 or width - 10 <= len(lines[at + 1].rstrip(" …")) <= width


def test_zeros_stand_beside_the_bars() -> None:
    half = made.a_tensor(histogram=r.Histogram(0.0, 2.0, (5, 3, 1), 98_784 + 1_568))
    for tall in (False, True):
        lines = [line.body.plain for line in value_lines("", half, Space(70, tall=tall))]
        (last,) = [line for line in lines if line.rstrip().endswith("0: 50 %")]
        assert last.split()[:3] == ["0", "██▄" if tall else "█▅▂", "2"]
        assert ("█▂" in lines[lines.index(last) - 1]) == tall


def test_values_of_both_stay_beside_each_other() -> None:
    both = replace(
        made.a_comparison(),
        output=replace(movable(), histogram=r.Histogram(-4.0, 8.0, (0, 9, 1))),
        baseline=replace(movable(), histogram=r.Histogram(-4.0, 8.0, (1, 9, 0))),
    )  # fmt: skip
    lines = [line.body.plain for line in draw_comparison(both, Space(70, depth=1))]
    assert [line.split() for line in lines if "█" in line][:2] == [
        ["baseline", "-4", "▁█", "8"], ["now", "-4", "█▁", "8"],
    ]  # fmt: skip
    assert [line.split("[")[0].strip() for line in lines if "[0, 0, :6" in line] == ["baseline", "now"]


@pytest.mark.parametrize(("width", "whole"), [(108, True), (40, False)])
def test_names_of_parts_are_whole_where_there_is_room(width: int, whole: bool) -> None:
    name = "summary_first_dropout_of_all"
    value = r.MappingValue("dict", (name, "n"), (r.ScalarValue("int", 1), r.ScalarValue("int", 2)), 2)
    lines = [line.body.plain for line in value_lines("config", value, Space(width))]
    assert (name in lines[1]) == whole
    assert len({line.rindex(str(number)) for number, line in enumerate(lines[1:], 1)}) == 1
