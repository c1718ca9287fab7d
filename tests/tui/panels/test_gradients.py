"""Gradients of a backward pass: their order, what is said of them, and the way back to the tree."""

from __future__ import annotations

import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from textual.app import App, ComposeResult

from inspector.tui.panels.gradients import EXPLODING, HOW_TO_RUN, NAN, VANISHING, ZERO, GradientsPanel, judge

from .. import panel_records as made
from ..tree.tree_models import call, named, run
from .test_panels import NARROW, WIDE, Picture, seen, showing, text


@pytest.fixture
def picture(snapshot: Any) -> Any:
    return snapshot.use_extension(Picture)


@pytest.mark.parametrize(("size", "theme"), [(WIDE, "textual-dark"), (NARROW, "textual-light")])
async def test_it_looks_as_kept(size: tuple[int, int], theme: str, picture: Any) -> None:
    panel = GradientsPanel()
    async with showing(panel, size=size, theme=theme, model=made.a_model_after_backward()) as pilot:
        assert pilot.app.export_screenshot(simplify=True) == picture


async def test_before_a_backward_pass_it_says_how_to_run_one() -> None:
    panel = GradientsPanel()
    assert panel.request(1, ()) is None
    async with showing(panel, model=made.a_model()):
        assert HOW_TO_RUN in text(panel)


async def test_modules_come_in_the_order_of_the_backward_pass_with_their_marks() -> None:
    panel = GradientsPanel()
    async with showing(panel, model=made.a_model_after_backward()):
        rows = [row.split() for row in seen(panel)[3:] if row]
        names = ["(root)", "layer1", "layer1.0", "layer1.0.relu", "layer1.0.conv2", "layer1.0.bn1", "layer1.0.conv1"]
        assert [row[0] for row in rows] == names
        marks = {row[0]: row[-1] for row in rows if row[-1] in (EXPLODING, VANISHING, ZERO, NAN)}
        assert marks == {
            "layer1.0.relu": ZERO, "layer1.0.conv2": EXPLODING, "layer1.0.bn1": NAN, "layer1.0.conv1": VANISHING,
        }  # fmt: skip
        assert rows[3][1] == "#2", "which of its calls"
        bars = {row[0]: row[2] for row in rows if len(row) > 2}
        assert len(bars["layer1.0.conv2"]) > len(bars["layer1"]) > len(bars["layer1.0.conv1"])


@given(st.lists(st.floats(0) | st.just(math.nan), max_size=20))
def test_every_gradient_is_judged(sizes: list[float]) -> None:
    for size, mark in zip(sizes, judge(sizes), strict=True):
        assert (mark == NAN) == math.isnan(size)
        assert (mark == ZERO) == (size == 0)
        assert not math.isinf(size) or mark == EXPLODING


def test_far_from_the_median_is_remarkable() -> None:
    assert judge([1.0, 1.0, 1.0, 999.0, 1001.0, 0.0011, 0.0009]) == ["", "", "", "", EXPLODING, "", VANISHING]
    assert judge([1e308, 1e-320]) == ["", VANISHING], "and nothing overflows"


class Listener(App[None]):
    def __init__(self, panel: GradientsPanel) -> None:
        super().__init__()
        self.panel = panel
        self.chosen: list[int] = []

    def compose(self) -> ComposeResult:
        yield self.panel

    def on_gradients_panel_chosen(self, event: GradientsPanel.Chosen) -> None:
        self.chosen.append(event.index)


async def test_enter_goes_to_the_module_under_the_cursor() -> None:
    panel, model = GradientsPanel(), made.a_model_after_backward()
    app = Listener(panel)
    async with app.run_test(size=WIDE) as pilot:
        panel.focus()
        await pilot.press("enter")
        panel.select(model, 0)
        await pilot.pause()
        await pilot.press("j", "j", "enter")
        assert app.chosen == [2]


async def test_the_cursor_goes_along_with_the_selection() -> None:
    panel, model = GradientsPanel(), made.a_model_after_backward()
    async with showing(panel, model=model) as pilot:
        assert panel.view.cursor == 2
        panel.select(model, 6)
        await pilot.pause()
        assert panel.view.cursor == 4
        panel.focus()
        await pilot.press("g")
        panel.select(model, 6)
        await pilot.pause()
        assert panel.view.cursor == 0, "a pass that ended leaves it alone"


async def test_a_forward_pass_after_it_has_none() -> None:
    panel, model = GradientsPanel(), made.a_model_after_backward()
    async with showing(panel, model=model) as pilot:
        model.start_trace(model.trace + 1)
        model.add_calls(made.the_calls())
        panel.select(model, made.BLOCK)
        await pilot.pause()
        assert HOW_TO_RUN in text(panel)
        panel.clear()
        await pilot.pause()
        assert "no model yet" in text(panel)


@pytest.mark.parametrize("size", [(72, 20), (40, 10), (24, 8)])
async def test_names_from_outside_do_no_harm(size: tuple[int, int]) -> None:
    odd = ("[/]", "[red]x", "a\x1b]52;c;aGk=\x07b", "\u202egnp", "名前" * 30)
    model = run(named(*odd), [call(n + 1, n, gradient=0.1 * n) for n in range(len(odd))])
    panel = GradientsPanel()
    async with showing(panel, model=model, size=size):
        shown = text(panel)
        assert ("[red]x" in shown or size[0] < 40) and not {"\x1b", "\x07", "\u202e"} & set(shown)


async def test_ascii_is_ascii() -> None:
    panel = GradientsPanel()
    async with showing(panel, model=made.a_model_after_backward()) as pilot:
        panel.draw_ascii()
        await pilot.pause()
        assert text(panel).isascii() and "?" not in text(panel) and "##" in text(panel)
