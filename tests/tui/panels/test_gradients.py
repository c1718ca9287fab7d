"""Gradients of a backward pass: their order, what is said of them, and the way back to the tree."""

from __future__ import annotations

import re
from typing import Any

import msgspec
import pytest
from textual.app import App, ComposeResult

from inspector.client.call_table import CallTable
from inspector.client.model import Model
from inspector.client.module_table import ModuleTable
from inspector.gradients import EXPLODING, NAN, VANISHING, ZERO
from inspector.records import CallColumns, PassSummary
from inspector.tui.panels import gradients
from inspector.tui.panels.gradient_rows import GradientLines
from inspector.tui.panels.gradients import HOW_TO_RUN, NO_GRADIENTS, GradientsPanel

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


async def test_where_no_gradient_came_it_does_not_ask_for_a_backward_pass() -> None:
    model = run(named("a"), [call(0, 0)])
    model.summary = PassSummary(1, 1.0, 1, backward=True)
    async with showing(panel := GradientsPanel(), model=model):
        assert NO_GRADIENTS in text(panel) and HOW_TO_RUN not in text(panel)


async def test_modules_come_in_the_order_of_the_backward_pass_with_their_marks() -> None:
    panel = GradientsPanel()
    async with showing(panel, model=made.a_model_after_backward()):
        rows = [row.split() for row in seen(panel)[3:] if row and not row.startswith(" ")]
        names = ["(root)", "layer1", "layer1.0", "layer1.0.relu", "layer1.0.conv2", "layer1.0.bn1", "layer1.0.conv1"]
        assert [row[0] for row in rows] == names
        marks = {row[0]: row[-1] for row in rows if row[-1] in (EXPLODING, VANISHING, ZERO, NAN)}
        assert marks == {
            "layer1.0.relu": ZERO, "layer1.0.conv2": EXPLODING, "layer1.0.bn1": NAN,
        }  # fmt: skip
        assert "its weights' gradient is 54,000 times the weights" in text(panel)
        assert rows[3][1] == "#1", "which of its calls"
        bars = {row[0]: row[2] for row in rows if len(row) > 2}
        assert len(bars["layer1.0.conv2"]) > len(bars["layer1"]) > len(bars["layer1.0.conv1"])


def a_deep_model(factor: float) -> Model:
    """Twelve layers; the gradient changes by `factor` from each to the one before it."""
    model = run(named(*(f"l{n}" for n in range(12))), [])
    rows = [msgspec.structs.replace(row, own_parameters=1) for row in model.rows]
    model.rows = ModuleTable()
    model.rows.extend(rows)
    model.start_trace(model.trace + 1)
    model.add_calls(CallColumns.of(call(n + 1, n, gradient_norm=factor ** (11 - n)) for n in range(12)))
    return model


async def test_a_long_path_is_whole_while_the_bars_have_room() -> None:
    path = "encoder.the_layer_of_attention"
    model = run(named(path), [call(1, 1, gradient_norm=2.0)])
    async with showing(panel := GradientsPanel(), model=model, size=WIDE):
        assert path in text(panel) and "█" in text(panel)


@pytest.mark.parametrize("size", [WIDE, NARROW])
async def test_it_says_why(size: tuple[int, int]) -> None:
    panel = GradientsPanel()
    async with showing(panel, model=a_deep_model(0.3), size=size):
        said = " ".join(text(panel).split())
        why = "1/560,000 of the last layer's, shrinking ×0.3 a layer"
        assert f"vanishing: the gradient of the first of 12 layers is {why}" in said
        assert said.endswith(why) or size == NARROW
        assert "6 vanishing" in said, "what is below a thousandth"


async def test_the_threshold_is_set_by_a_key() -> None:
    panel = GradientsPanel()
    async with showing(panel, model=a_deep_model(0.3), size=WIDE) as pilot:
        panel.focus()
        counts = {}
        for _ in range(3):
            head = " ".join(seen(panel)[:3])
            counts[re.search(r"Threshold ([\d,]+)×", head)[1]] = int(re.search(r"(\d+) vanishing", head)[1])
            await pilot.press("x")
            await pilot.pause()
        assert counts == {"1,000": 6, "10,000": 4, "100": 8}
        assert "Threshold 1,000×" in text(panel)


async def test_what_grows_steadily_is_exploding_and_what_stays_is_not_called_anything() -> None:
    panel = GradientsPanel()
    async with showing(panel, model=a_deep_model(5.0), size=WIDE):
        assert "exploding: the gradient of the first of 12 layers is 5e7 times the last layer's" in " ".join(
            text(panel).split()
        )
    async with showing(GradientsPanel(), model=a_deep_model(0.9), size=WIDE) as pilot:
        assert not {EXPLODING, VANISHING} & set(text(pilot.app.query_one(GradientsPanel)).split())


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
        model.add_calls(CallColumns.of(made.the_calls()))
        panel.select(model, made.BLOCK)
        await pilot.pause()
        assert HOW_TO_RUN in text(panel)
        panel.clear(Model())
        await pilot.pause()
        assert "no model yet" in text(panel)


@pytest.mark.parametrize("size", [(72, 20), (40, 10), (24, 8)])
async def test_names_from_outside_do_no_harm(size: tuple[int, int]) -> None:
    odd = ("[/]", "[red]x", "a\x1b]52;c;aGk=\x07b", "\u202egnp", "名前" * 30)
    model = run(named(*odd), [call(n + 1, n, gradient_norm=0.1 * n) for n in range(len(odd))])
    panel = GradientsPanel()
    async with showing(panel, model=model, size=size):
        shown = text(panel)
        assert ("[red]x" in shown or size[0] < 40) and not {"\x1b", "\x07", "\u202e"} & set(shown)


@pytest.mark.parametrize("size", [WIDE, NARROW])
async def test_very_many_look_as_few_do(size: tuple[int, int], monkeypatch: pytest.MonkeyPatch) -> None:
    """Past a number of them they are looked at between keys, and lines are made when they are seen."""
    shown = []
    for many in (100, 2):
        monkeypatch.setattr(gradients, "MANY", many)
        async with showing(panel := GradientsPanel(), model=a_deep_model(0.3), size=size) as pilot:
            await settle(panel, pilot)
            panel.focus()
            panel.select(panel.model, 3)
            await pilot.pause()
            stages = [seen(panel)]
            for keys in (("x",), ("G",), ("k", "k")):
                await pilot.press(*keys)
                await settle(panel, pilot)
                stages.append(seen(panel))
            stages.append([str(panel.search("l1")), panel.search_next(1), panel.search_next(1), *seen(panel)])
            shown.append(stages)
    if size == NARROW:  # why a gradient is called vanishing is cut, and not on a line more
        shown = [[row for row in stage if not row.startswith("  ")] for stages in shown for stage in stages[:2]]
        assert shown[0][:4] == shown[2][:4]
    else:
        assert shown[0] == shown[1]


async def test_the_selected_module_is_in_sight_among_very_many(monkeypatch: pytest.MonkeyPatch) -> None:
    """And no row is made for a call that nobody sees."""
    calls = 30_000
    model = run(named(*(f"l{n}" for n in range(300))), [])
    model.start_trace(model.trace + 1)
    model.add_calls(CallColumns.of(call(n % 300 + 1, n, n // 300, gradient_norm=1.0 + n) for n in range(calls)))
    rows, make = list[int](), CallTable._row
    lines, draw = list[int](), GradientLines._row
    monkeypatch.setattr(CallTable, "_row", lambda self, place: (rows.append(place), make(self, place))[1])
    monkeypatch.setattr(GradientLines, "_row", lambda self, index: (lines.append(index), draw(self, index))[1])
    async with showing(panel := GradientsPanel(), model=model, size=WIDE) as pilot:
        await settle(panel, pilot)
        for index in (250, 7):
            panel.select(model, index)
            await pilot.pause()
            assert any(line.startswith(f"l{index - 1} #99 ") for line in seen(panel))
        panel.focus()
        await pilot.press("G")
        assert "l0 #0" in text(panel) and not rows and len(lines) < 1_000


async def settle(panel: GradientsPanel, pilot: Any) -> None:
    await panel.workers.wait_for_complete()
    await pilot.pause()


async def test_ascii_is_ascii() -> None:
    panel = GradientsPanel()
    async with showing(panel, model=made.a_model_after_backward()) as pilot:
        panel.draw_ascii()
        await pilot.pause()
        assert text(panel).isascii() and "?" not in text(panel) and "##" in text(panel)
