"""The detail panels: what is on the screen for records made by hand."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import msgspec
import pytest
from syrupy.extensions.single_file import SingleFileSnapshotExtension, WriteMode
from textual.app import App, ComposeResult
from textual.pilot import Pilot

from inspector import records as r
from inspector.client.model import REFUSED, Model
from inspector.tui import keys
from inspector.tui.drawing import annotations
from inspector.tui.drawing.lines import LineView
from inspector.tui.drawing.values import Space, value_lines
from inspector.tui.messages import HookAsked
from inspector.tui.panels import PANELS, Panel
from inspector.tui.panels.attributes import AttributesPanel
from inspector.tui.panels.hook_rows import MOMENTS, in_firing_order
from inspector.tui.panels.hooks import HooksPanel
from inspector.tui.panels.line_panel import LinePanel
from inspector.tui.panels.log import CAP, LogPanel
from inspector.tui.panels.outputs import HOOK_OFF, OutputsPanel
from inspector.tui.panels.parameters import ParametersPanel
from inspector.tui.panels.source import SourcePanel

from .. import panel_records as made

WIDE, NARROW = (72, 34), (46, 18)
ODD = (
    "[/]",
    "[red]x",
    "[@click=app.quit]q",
    "a\x1b]52;c;aGk=\x07b",
    "\u202egnp.exe",
    "tab\tline\nnext",
    "名前" * 30,
    "",
)


class MockApp(App[None]):
    """One panel in a frame, and the messages it posted."""

    CSS = "Screen { border: round $foreground 30%; }"

    def __init__(self, panel: Panel, theme: str = "textual-dark") -> None:
        super().__init__()
        self.panel = panel
        self.chosen_theme = theme
        self.hooks_asked: list[HookAsked] = []
        self.asked_again: list[LinePanel] = []

    def compose(self) -> ComposeResult:
        yield self.panel

    def on_mount(self) -> None:
        self.theme = self.chosen_theme

    def on_hook_asked(self, message: HookAsked) -> None:
        self.hooks_asked.append(message)

    def on_line_panel_again(self, message: LinePanel.Again) -> None:
        self.asked_again.append(message.panel)


@asynccontextmanager
async def showing(
    panel: LinePanel,
    *events: Any,
    size: tuple[int, int] = WIDE,
    theme: str = "textual-dark",
    model: Model | None = None,
) -> AsyncIterator[Pilot[None]]:
    """`panel` on a screen of this size, with the block of `model` selected and these replies shown."""
    async with MockApp(panel, theme).run_test(size=size) as pilot:
        await pilot.pause()
        panel.select(model or made.a_model(), made.BLOCK)
        for event in events:
            panel.show(event)
        await pilot.pause()
        yield pilot


def seen(panel: LinePanel) -> list[str]:
    """The rows on the screen, as text."""
    view = panel.query_one(LineView)
    return [view.render_line(y).text.rstrip() for y in range(view.size.height)]


async def resize(pilot: Pilot[None], panel: LinePanel, size: tuple[int, int]) -> None:
    """Give the terminal this size, and wait until the panel has its part of it."""
    await pilot.resize_terminal(*size)
    while panel.outer_size != (size[0] - 2, size[1] - 2):
        await pilot.pause()
    await pilot.pause()


def text(panel: LinePanel) -> str:
    return "\n".join(seen(panel))


class Picture(SingleFileSnapshotExtension):
    """An SVG of the screen, without the numbers that differ from run to run."""

    file_extension = "svg"
    _write_mode = WriteMode.TEXT

    def serialize(self, data: Any, **_: Any) -> str:
        return re.sub(r"terminal-\d+", "terminal", data)


@pytest.fixture
def picture(snapshot: Any) -> Any:
    return snapshot.use_extension(Picture)


REPLIES: dict[type[Panel], Any] = {
    SourcePanel: made.a_source,
    OutputsPanel: made.the_outputs,
    ParametersPanel: made.the_parameters,
    HooksPanel: made.the_hooks,
    AttributesPanel: made.the_attributes,
}


def test_the_registry_is_in_the_order_of_the_tabs() -> None:
    assert [panel.TITLE for panel in PANELS] == [
        "Source", "Outputs", "Parameters", "Hooks", "Attributes", "History", "Gradients", "Log",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("kind", "size", "theme"),
    [
        *((kind, WIDE, "textual-dark") for kind in REPLIES),
        (OutputsPanel, NARROW, "textual-dark"),
        (OutputsPanel, WIDE, "textual-light"),
        (SourcePanel, NARROW, "textual-light"),
        (ParametersPanel, NARROW, "textual-dark"),
    ],
)
async def test_it_looks_as_kept(kind: Any, size: tuple[int, int], theme: str, picture: Any) -> None:
    panel = kind()
    async with showing(panel, REPLIES[kind](), size=size, theme=theme) as pilot:
        assert pilot.app.export_screenshot(simplify=True) == picture


async def test_the_log_looks_as_kept(picture: Any) -> None:
    panel = LogPanel()
    async with showing(panel) as pilot:
        panel.write("stdout", "epoch 1\nloss \x1b[31m0.3\x1b[0m\n")
        panel.write("warning", "UserWarning: an old spelling\n")
        panel.write("engine", "pass 3 took 23.4 ms\n")
        panel.write("stderr", "  0%|     |\r 50%|##   |")
        panel.show_problem(made.a_problem())
        await pilot.pause()
        assert pilot.app.export_screenshot(simplify=True) == picture


@pytest.mark.parametrize("kind", REPLIES)
async def test_nothing_is_built_while_hidden(kind: Any) -> None:
    panel, widths = kind(), []
    build = panel.page
    panel.page = lambda width: widths.append(width) or build(width)
    async with showing(panel) as pilot:
        panel.display = False
        await pilot.pause()
        widths.clear()
        panel.select(made.a_model(), made.BLOCK)
        panel.show(REPLIES[kind]())
        await pilot.pause()
        assert widths == []
        panel.display = True
        await pilot.pause()
        assert len(widths) == 1
        assert "asking" not in text(panel)


@pytest.mark.parametrize("kind", REPLIES)
async def test_a_reply_is_waited_for_and_a_problem_is_told(kind: Any) -> None:
    panel = kind()
    async with showing(panel, REPLIES[kind]()) as pilot:
        shown = text(panel)
        panel.select(panel.model, 3)
        await pilot.pause()
        assert text(panel) == shown, "the module before stays for a moment, without flicker"
        panel.show_problem(r.Problem("the engine lost [/] it", hint="press r"))
        await pilot.pause()
        assert seen(panel)[0] == "the engine lost [/] it"
        assert "try  press r" in text(panel)
        for awaited, says in ((True, "it is being loaded\npress ^c to stop that"), (False, "yet\npress o to open one")):
            panel.clear(Model(awaited=awaited))
            await pilot.pause()
            assert "no model yet" in text(panel) and says in text(panel)


@pytest.mark.parametrize("kind", REPLIES)
async def test_keys_move_and_the_app_scrolls(kind: Any) -> None:
    panel = kind()
    async with showing(panel, REPLIES[kind](), size=(72, 10)) as pilot:
        panel.focus()
        await pilot.press("g")
        top = seen(panel)
        await pilot.press("G")
        bottom = seen(panel)
        assert bottom != top
        await pilot.press("g")
        assert seen(panel) == top
        panel.scroll_body(1)
        assert seen(panel) != top
        await pilot.press("g", "ctrl+d", "ctrl+f", "ctrl+f", "ctrl+f", "ctrl+f", "ctrl+f", "ctrl+f", "ctrl+f", "ctrl+f")
        assert seen(panel) == bottom


@pytest.mark.parametrize("kind", REPLIES)
async def test_ascii_only_screens_get_ascii_only(kind: Any) -> None:
    panel = kind()
    async with showing(panel, REPLIES[kind]()) as pilot:
        panel.draw_ascii()
        await pilot.pause()
        assert text(panel).isascii()
        assert text(panel).strip()


async def test_source_is_scrolled_to_forward_and_carries_live_shapes() -> None:
    panel = SourcePanel()
    async with showing(panel, made.a_source(), size=(72, 16)):
        rows = seen(panel)
        assert rows[0].startswith(" › ".join(("layer1", "0", "BasicBlock")))
        assert rows[0].endswith("…/torchvision/models/resnet.py:74")
        assert rows[3].startswith("72"), "two lines above the focus"
        assert rows[5] == "74      def forward(self, x: Tensor) -> Tensor:"
        assert rows[8].startswith("77") and rows[8].endswith("→ 1×64×56×56")
        assert rows[9].endswith("→ 1×64×56×56 NaN")


@pytest.mark.parametrize(
    ("file", "seen_there"), [("models/resnet.py", True), ("./models/resnet.py", True), ("net.py", False)]
)
async def test_a_relative_call_site_is_recognized(file: str, seen_there: bool) -> None:
    model = made.a_model()
    model.start_trace(model.trace + 1)
    model.add_calls(
        r.CallColumns.of(
            [
                r.CallRow(3, 0, 3, 4, 3, 0.1, "ok", r.Brief((1, 7)), file=file, line=77),
                r.CallRow(2, 0, 2, 5, 2, 1.0, "ok", r.Brief()),
            ]
        )
    )
    panel = SourcePanel()
    async with showing(panel, made.a_source(), model=model):
        assert ("→ 1×7" in text(panel)) is seen_there


async def test_source_shows_several_calls_on_one_line_together() -> None:
    model = made.a_model()
    calls = [
        r.CallRow(3, n, 3 + 2 * n, 4 + 2 * n, 3, 0.1, "ok", r.Brief((1, n)), file=made.FILE, line=77) for n in range(4)
    ]
    model.start_trace(model.trace + 1)
    model.add_calls(r.CallColumns.of([*calls, r.CallRow(2, 0, 2, 40, 2, 1.0, "ok", r.Brief((1, 9)))]))
    panel = SourcePanel()
    async with showing(panel, made.a_source(), model=model):
        (row,) = [row for row in seen(panel) if row.startswith("77")]
        assert row.endswith("→ 1×0, 1×1, +2")


async def test_source_looks_at_some_of_very_many_calls(monkeypatch: pytest.MonkeyPatch) -> None:
    """A key does not wait until a million calls are counted; lines after a loop are still told of."""
    monkeypatch.setattr(annotations, "LOOKED_AT", 6)
    model = made.a_model()
    calls = [
        r.CallRow(3, n, 3 + 2 * n, 4 + 2 * n, 3, 0.1, "ok", r.Brief((1, 7)), file=made.FILE, line=78 if n == 9 else 77)
        for n in range(10)
    ]
    model.start_trace(model.trace + 1)
    model.add_calls(r.CallColumns.of([*calls, r.CallRow(2, 0, 2, 40, 2, 1.0, "ok", r.Brief((1, 9)))]))
    panel = SourcePanel()
    async with showing(panel, made.a_source(), model=model):
        rows = {row[:2]: row for row in seen(panel)}
        assert rows["77"].endswith("→ 1×7, many times") and rows["78"].endswith("→ 1×7")


async def test_source_marks_the_call_that_raised() -> None:
    model = made.a_model()
    model.start_trace(model.trace + 1)
    model.add_calls(
        r.CallColumns.of(
            [
                r.CallRow(3, 0, 3, 4, 3, 0.1, "raised", r.Brief(), file=made.FILE, line=77),
                r.CallRow(2, 0, 2, 5, 2, 1.0, "raised", r.Brief()),
            ]
        )
    )
    panel = SourcePanel()
    async with showing(panel, made.a_source(), model=model):
        assert any(row.startswith("77") and row.endswith("→ raised") for row in seen(panel))


async def test_a_finished_pass_renews_the_shapes_beside_the_source() -> None:
    panel, model = SourcePanel(), made.a_model()
    async with showing(panel, made.a_source(), model=model) as pilot:
        model.start_trace(model.trace + 1)
        panel.select(model, made.BLOCK)
        await pilot.pause()
        assert "→ 1×64×56×56" not in text(panel)


async def test_source_part_is_chosen_by_key_and_kept_for_the_next_module() -> None:
    panel = SourcePanel()
    async with showing(panel, made.a_source()) as pilot:
        assert panel.request(1, made.PATH) == r.GetSource(1, made.PATH, "auto")
        panel.focus()
        await pilot.press("v")
        assert panel.request(1, made.PATH).part == "init"
        panel.select(panel.model, 3)
        assert panel.request(1, ("x",)).part == "init"
        panel.show_site()
        assert panel.request(1, made.PATH).part == "site"
        await pilot.press("v")
        assert panel.request(1, made.PATH).part == "forward"
        await pilot.pause()
        assert pilot.app.asked_again == [panel] * 3  # type: ignore[attr-defined]


async def test_call_site_shows_the_parents_calls() -> None:
    panel, model = SourcePanel(), made.a_model()
    site = made.a_source(
        part="site", title="Sequential.forward", text="for m in self:\n    x = m(x)\n", first_line=92, focus=93
    )
    async with showing(panel, site, model=model):
        (row,) = [row for row in seen(panel) if row.startswith("93")]
        assert row.endswith("→ 1×64×56×56")
        assert panel.location() == (made.FILE, 93)
        assert not any(row.startswith("94") for row in seen(panel)), "the code ends with its last line"


async def test_no_source_is_said_honestly() -> None:
    panel = SourcePanel()
    notes = ("the class was made by exec", "no source: Net was typed in at a prompt")
    async with showing(panel, made.a_source(text="", file="", notes=notes)):
        assert "no source: Net was typed in at a prompt" in seen(panel)
        assert "note  the class was made by exec" in text(panel)
        assert panel.location() is None


async def test_location_follows_the_eye() -> None:
    panel = SourcePanel()
    async with showing(panel, made.a_source(), size=(72, 12)) as pilot:
        assert panel.location() == (made.FILE, made.FORWARD_LINE)
        panel.focus()
        await pilot.press("g")
        assert panel.location() == (made.FILE, made.FIRST_LINE)


@pytest.mark.parametrize("other", [(72, 60), (200, 60), (34, 12), (200, 12), (34, 30)])
async def test_source_keeps_its_place_through_other_sizes(other: tuple[int, int]) -> None:
    """Also where for a while all of it fits, or a long line that is broken is at the top."""
    panel = SourcePanel()
    code = "\n".join(f"line_{number} = {'word ' * 40 if number == 20 else number}" for number in range(40))
    async with showing(panel, made.a_source(text=code, focus=made.FIRST_LINE + 22), size=(72, 12)) as pilot:
        panel.focus()
        for key, top in (("ctrl+e", "word"), ("ctrl+e", "word"), ("ctrl+y", "word"), ("ctrl+y", "line_20")):
            await pilot.press(key)
            before = seen(panel)
            assert top in before[len(panel.view.head_rows)]
            await resize(pilot, panel, other)
            assert seen(panel) != before
            await resize(pilot, panel, (72, 12))
            assert seen(panel) == before


async def test_a_long_line_of_source_is_broken_and_all_of_it_there() -> None:
    panel = SourcePanel()
    async with showing(panel, made.a_source(text="x = " + "0123456789" * 30, focus=0), size=NARROW):
        shown = "".join(row.split(maxsplit=1)[-1].replace("x = ", "") for row in seen(panel)[3:] if row.strip())
        assert "0123456789" * 30 in shown.replace(" ", "")


async def test_search_finds_marks_and_goes_round() -> None:
    panel = SourcePanel()
    async with showing(panel, made.a_source(), size=(72, 12)) as pilot:
        panel.focus()
        await pilot.press("g")
        assert panel.search("basicblock") == 1, "small letters match capitals"
        assert panel.search("BASICBLOCK") == 0
        assert panel.search("return") == 1
        await pilot.pause()
        assert any("return self.relu(out)" in row for row in seen(panel))
        assert panel.search("self.conv") == 5
        tops = []
        for _ in range(5):
            panel.search_next(1)
            await pilot.pause()
            tops.append(text(panel))
        panel.search_next(-5)
        assert text(panel) == tops[-1]
        assert panel.search("") == 0


async def test_search_finds_what_is_broken_over_two_rows() -> None:
    panel = SourcePanel()
    async with showing(panel, made.a_source(), size=NARROW):
        assert not any("planes: int, stride: int" in row for row in seen(panel))
        assert panel.search("planes: int, stride: int") == 1


async def test_long_source_is_quick_to_show_and_coloured_where_seen() -> None:
    panel = SourcePanel()
    long = made.CODE * 120
    async with showing(panel, made.a_source(text=long, focus=made.FIRST_LINE)) as pilot:
        assert panel.view.page.colours is not None and len(long) > 100_000
        assert panel.view.draw_body(0).spans, "what is seen is coloured"
        panel.focus()
        await pilot.press("G")
        assert "return self.relu(out)" in text(panel)
        assert panel.view.draw_body(len(panel.code) - 1).spans


async def test_a_shorter_source_waits_until_there_is_room_for_it() -> None:
    """What is on the screen meanwhile keeps its own colours."""
    panel = SourcePanel()
    async with showing(panel, made.a_source(focus=0)) as pilot:
        await pilot.resize_terminal(1, 1)
        panel.show(made.a_source(text="x = 1", focus=0))
        for number in range(len(panel.view.page.lines)):
            panel.view.draw_body(number)


async def test_a_string_over_several_lines_is_one_colour() -> None:
    code = 'def f():\n    """one\n    def two\n    three"""\n    return 1'
    panel = SourcePanel()
    async with showing(panel, made.a_source(text=code, focus=0)):
        styles = [{span.style for span in panel.view.draw_body(line).spans} for line in (1, 2, 3)]
        assert styles[0] == styles[1] == styles[2]
        assert panel.view.draw_body(4).spans[0].style not in styles[0]


async def test_copied_source_is_the_source() -> None:
    panel = SourcePanel()
    method = "    def f(self):\n        return 1"
    async with showing(panel, made.a_source(text=method, focus=0)):
        assert panel.copy_text() == "def f(self):\n    return 1"


async def test_outputs_come_first_with_statistics_and_what_changed() -> None:
    panel = OutputsPanel()
    async with showing(panel, made.the_outputs()):
        shown = text(panel)
        assert shown.index("output") < shown.index("inputs")
        assert "1×64×56×56  float32  cpu" in shown
        assert re.search(r"min -3\.13 +mean 0\.844 +max 7\.95 +std 0\.92", shown)
        assert "zeros 20.4 %" in shown and "NaN, Inf 0" in shown
        assert "since the last run   mean +0.0312   max +0.0312" in shown
        assert "[0, 0, :6, :7]" in shown
        assert "█" in shown


async def test_the_keys_of_calls_are_those_that_they_have(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(keys._changed, "call-next", "f7")
    async with showing(panel := OutputsPanel(), made.the_outputs()):
        assert seen(panel)[1] == ", previous call  F7 next, from #0 on"


async def test_calls_are_shown_one_at_a_time() -> None:
    panel = OutputsPanel()
    second = made.a_call(row=made.the_calls()[4], output=r.ScalarValue("int", 41))
    calls = made.the_outputs(made.a_call(), second)
    async with showing(panel, calls) as pilot:
        panel.focus()
        assert seen(panel)[0].startswith("call #0 of 2 · 0.42 ms · ok")
        assert seen(panel)[0].endswith("resnet.py:93")
        await pilot.press("full_stop")
        assert seen(panel)[0].startswith("call #1 of 2") and "  41" in text(panel)
        await pilot.press("full_stop", "comma")
        assert seen(panel)[0].startswith("call #0 of 2")


@pytest.mark.parametrize(
    ("marks", "number", "note", "expected"),
    [
        (b"\1" * 7, 2, "", "not called in this pass"),
        (b"\1" * 7, 0, "", "no pass yet: press r to run one"),
        (b"\0" * 7, 2, "", HOOK_OFF),
        (b"\2" * 7, 2, "", "this module cannot be hooked: it is scripted"),
        (b"\1" * 7, 2, "no hook call [/] was seen", "no hook call [/] was seen"),
    ],
)
async def test_why_there_is_no_output(marks: bytes, number: int, note: str, expected: str) -> None:
    model = made.a_model()
    model.marks = r.HookMarks(1, marks, refused={made.BLOCK: "it is scripted"})
    panel = OutputsPanel()
    async with showing(panel, r.Calls(1, number, (), 0, note), model=model):
        assert expected in seen(panel)


async def test_equal_runs_say_so_and_claim_no_more_than_was_measured() -> None:
    panel = OutputsPanel()
    equal = made.a_call(previous=made.a_tensor(shift=0.03125, histogram=None, preview=None))
    async with showing(panel, made.the_outputs(equal)):
        assert "output  same statistics as in the last run" in seen(panel)
        bare = made.a_tensor(statistics=None)
        panel.show(made.the_outputs(made.a_call(output=bare, previous=bare)))
        assert "output  same shapes as in the last run" in seen(panel)


async def test_nan_and_reasons_are_told() -> None:
    panel = OutputsPanel()
    bad = made.a_tensor(statistics=r.Statistics(nan=3, inf=1, of="magnitudes"), why="", histogram=None)
    meta = made.a_tensor(statistics=None, why="a meta tensor has no values", histogram=None, preview=None)
    async with showing(panel, made.the_outputs(made.a_call(output=bad, inputs=(meta,), previous=None))):
        shown = text(panel)
        assert "NaN 3" in shown and "Inf 1" in shown
        assert "of its magnitudes" in shown
        assert "a meta tensor has no values" in shown


def test_only_what_is_there_is_a_warning() -> None:
    (*_, row) = value_lines(
        "", made.a_tensor(statistics=r.Statistics(nan=3), histogram=None), Space(120, elements=False)
    )
    spans = [span for span in row.body.spans if "warning" in str(span.style)]
    marked = [row.body.plain[span.start : span.end].strip() for span in spans]
    assert marked == ["3"] and "Inf 0" in row.body.plain


async def test_nested_values_keep_their_names_and_say_what_was_cut() -> None:
    panel = OutputsPanel()
    small = made.a_tensor((2, 3), histogram=None, preview=None, statistics=None)
    inner = r.MappingValue("ModelOutput", ("logits", "cache"), (small, r.NoneValue()), 5)
    pair = r.SequenceValue("Pair", (small, inner), 2, names=("first", "second"))
    async with showing(panel, made.the_outputs(made.a_call(output=pair, inputs=(), previous=None))):
        rows = seen(panel)
        assert "  Pair of 2" in rows
        assert "    first   2×3  float32  cpu" in rows
        assert "    second  ModelOutput of 5" in rows
        assert "      cache   None" in rows
        assert "      and 3 more" in rows


async def test_a_call_that_raised_shows_where() -> None:
    model = made.a_model()
    model.summary = r.PassSummary(3, 1.0, 2, problem=made.a_problem())
    row = r.CallRow(1, 0, 1, 9, 1, 0.4, "raised", r.Brief(), file=made.FILE, line=271)
    panel = OutputsPanel()
    call = made.a_call(row=row, path=("layer1",), output=None)
    async with showing(panel, made.the_outputs(call), model=model):
        shown = text(panel)
        assert "· raised" in seen(panel)[0]
        assert "mat1 and mat2 shapes cannot be multiplied" in shown
        assert "in  layer1.0" in shown and "resnet.py:77" in shown


@pytest.mark.parametrize("width", [30, 46, 72, 120])
async def test_no_row_is_wider_than_the_screen_and_no_pair_is_torn(width: int) -> None:
    panel = OutputsPanel()
    async with showing(panel, made.the_outputs(), size=(width, 40)):
        rows = seen(panel)
        assert all(len(row) <= width - 3 for row in rows)
        assert any(re.search(r"max \+0\.0312$|max \+0\.0312 ", row) for row in rows)


async def test_many_tensors_are_shown_without_their_elements() -> None:
    panel = OutputsPanel()
    few, many = (r.SequenceValue("list", (made.a_tensor(),) * n, n) for n in (2, 40))
    async with showing(panel, made.the_outputs(made.a_call(output=few, inputs=()))):
        assert panel.copy_text().count("[0, 0, :6, :7]") == 2
        panel.show(made.the_outputs(made.a_call(output=many, inputs=())))
        assert panel.copy_text().count("min -3.13") == 40
        assert "[0, 0, :6, :7]" not in panel.copy_text()


async def test_parameters_line_up_and_remarks_follow() -> None:
    panel = ParametersPanel()
    async with showing(panel, made.the_parameters()):
        rows = seen(panel)
        heading = next(row for row in rows if row.startswith("name"))
        weight = next(row for row in rows if row.startswith("conv1.weight"))
        assert weight[heading.index("shape") :].startswith("64×64×3×3")
        assert weight[: heading.index("mean") + 4].endswith("0.0012")
        assert any("●" in row for row in rows)
        assert "  ≡ layer1.1.bn1.weight" in rows
        assert "  NaN 64  Inf 0" in rows
        assert "lazy  has no shape yet" in rows
        assert rows.index("buffers") > rows.index("  ≡ layer1.1.bn1.weight")
        assert "  not in the state dict" in rows
        assert any("and 412 more" in row for row in rows)


async def test_parameter_columns_give_way() -> None:
    panel = ParametersPanel()
    async with showing(panel, made.the_parameters(), size=NARROW) as pilot:
        assert "max" not in seen(panel)[0] and "mean" in seen(panel)[0]
        await pilot.resize_terminal(130, 30)
        await pilot.pause()
        assert all(title in seen(panel)[0] for title in ("min", "max", "zeros", "dtype", "histogram"))


async def test_a_module_without_parameters_says_so() -> None:
    panel = ParametersPanel()
    async with showing(panel, r.Parameters(made.PATH, (), 0)):
        assert "no parameters and no buffers, here or below" in seen(
            panel
        ) and "press ^g to go to another module" in seen(panel)


async def test_hooks_come_in_the_order_in_which_they_fire() -> None:
    panel = HooksPanel()
    async with showing(panel, made.the_hooks()):
        rows = seen(panel)
        names = ("spectral_norm", "observe", "scale(2", "log_norm", "clip", "step")
        order = [next(n for n, row in enumerate(rows) if name in row) for name in names]
        assert order == sorted(order)
        assert rows[0].startswith("2 of ours · 4 of others · 1 off") and rows[0].endswith("a add")
        assert "after forward  forward" in rows
        assert "after a parameter's gradient is added up  post_accumulate_grad" in rows
        assert any("⊘ 1 spectral_norm" in row for row in rows) and any("○ 1 clip" in row for row in rows)
        assert any("● 1 observe" in row and row.endswith("fired 2×") for row in rows)
        assert any("◉ 2 scale" in row and row.endswith("fired 1,234× · 0.41 ms") for row in rows), rows
        assert any("● 3 Trainer.log_norm" in row for row in rows)
        assert any("not ours · trainer · always_call · trainer.py:88" in row for row in rows)
        assert any("not ours · trainer · of weight" in row for row in rows)
        assert "failed: the output has no item 0" in text(panel)
        assert "stays as it is: parametrization" in text(panel)


async def test_keys_ask_for_something_about_the_hook_under_the_cursor() -> None:
    panel = HooksPanel()
    async with showing(panel, made.the_hooks()) as pilot:
        panel.focus()
        await pilot.press("space", "j", "enter", "j", "i", "d")
        await pilot.pause()
        asked = [(message.deed, message.row.name) for message in pilot.app.hooks_asked]  # type: ignore[attr-defined]
        scale = "scale(2, where='[0]')"
        assert asked == [("toggle", "spectral_norm"), ("source", "observe"), ("change", scale), ("delete", scale)]
        await pilot.press("j")
        assert panel.location() == ("/home/me/trainer.py", 88)
        assert seen(panel)[1] == "space on or off · enter source · i change · d delete"
        pilot.app.set_focus(None)
        await pilot.pause()
        assert seen(panel)[1] == "tab, space on or off · enter source · i change · d delete"


def test_every_kind_that_the_engine_lists_has_its_moment() -> None:
    kinds = [f"global {name}" for name in ("forward_pre", "forward", "full_backward_pre", "full_backward")]
    kinds += ["parameter", "post_accumulate_grad", "output tensor", "optimizer step_pre", "optimizer step_post"]
    assert not set(kinds) - set(MOMENTS)
    rows = [r.HookRow(n, kind, False, "x") for n, kind in enumerate(("unheard of", "forward", "forward_pre"))]
    assert [row.kind for row in in_firing_order(rows)] == ["forward_pre", "forward", "unheard of"]


async def test_the_cursor_stays_after_a_toggle_and_goes_to_what_is_clicked() -> None:
    panel = HooksPanel()
    async with showing(panel, made.the_hooks()) as pilot:
        panel.focus()
        await pilot.press("j")
        panel.show(made.the_hooks())
        await pilot.pause()
        assert panel.hook is not None and panel.hook.name == "observe"
        row = next(n for n, row in enumerate(seen(panel)) if "clip" in row)
        await pilot.click(LineView, offset=(6, row))
        assert panel.hook.name == "clip"


@pytest.mark.parametrize(("observed", "note", "expected"), [
    (False, "", "press space in the tree to observe it"),
    (False, "it is scripted [/]", "it is scripted [/]"),
])  # fmt: skip
async def test_an_empty_list_of_hooks_is_explained(observed: bool, note: str, expected: str) -> None:
    panel = HooksPanel()
    async with showing(panel, r.Hooks(made.PATH, (), observed, note)) as pilot:
        assert expected in seen(panel)
        panel.focus()
        await pilot.press("space", "j", "G")
        assert panel.hook is None and panel.location() is None
        assert "press a to add a hook" in seen(panel)
        panel.model.marks = r.HookMarks(1, bytes([REFUSED]) * len(panel.model.rows))
        panel.view.renew()
        assert "press a to add a hook" not in seen(panel), "torch refuses them"


async def test_attributes_show_every_part() -> None:
    panel = AttributesPanel()
    async with showing(panel, made.the_attributes(), size=(72, 44)):
        rows = seen(panel)
        assert rows[0] == "torch.nn.modules.conv.Conv2d"
        assert "  kernel_size  (3, 3)" in rows and "  eps          1e-05" in rows
        assert [row.split() for row in rows if "requires_grad" in row] == [["requires_grad", "all"]]
        assert "    depth  2" in rows and "      and 8 more" in rows
        assert "      in_channels: Number of channels in the input image" in rows
        assert "output_size:" in text(panel) and "-> Tensor" in text(panel)


@asynccontextmanager
async def logging(size: tuple[int, int] = WIDE) -> AsyncIterator[tuple[LogPanel, Pilot[None]]]:
    panel = LogPanel()
    async with showing(panel, size=size) as pilot:
        yield panel, pilot


def logged(panel: LogPanel) -> list[str]:
    return [row for row in seen(panel) if row]


async def test_partial_lines_are_held_and_streams_kept_apart() -> None:
    async with logging() as (panel, _):
        panel.write("stdout", "one, ")
        panel.write("stderr", "oops\n")
        assert logged(panel) == ["err oops", "out one,"]
        panel.write("stdout", "two\nthree\n")
        assert logged(panel) == ["err oops", "out one, two", "out three"]


async def test_a_progress_bar_takes_one_line() -> None:
    async with logging() as (panel, _):
        panel.write("stderr", "start\n")
        for percent in range(0, 101, 10):
            panel.write("stderr", f"\r{percent:3}%|{'#' * (percent // 10):10}|")
            assert logged(panel) == ["err start", f"err {percent:3}%|{'#' * (percent // 10):10}|"]
        panel.write("stderr", "\ndone\r\n")
        assert logged(panel) == ["err start", "err 100%|##########|", "err done"]
        panel.write("stdout", "1 %\r")
        panel.write("stdout", "2 %\r")
        assert logged(panel)[-1] == "out 2 %"


@pytest.mark.parametrize(
    ("written", "shown"),
    [
        ("\x1b[31mred\x1b[0m", "red"),
        ("\x1b]0;title\x07x\x1b]52;c;aGk=\x1b\\y", "xy"),
        ("\x1bPq;data\x1b\\z\x1b(B", "z"),
        ("\x9b1mbold", "bold"),
        ("bell\x07", "bell\\x07"),
        ("[/][bold]x", "[/][bold]x"),
        ("an end\x1b]0;that never comes", "an end\\e]0;that never comes"),
        ("\u202eback", "\\u202eback"),
    ],
)
async def test_escapes_are_gone_and_other_controls_are_seen(written: str, shown: str) -> None:
    async with logging() as (panel, _):
        panel.write("stdout", written + "\n")
        assert logged(panel) == [f"out {shown}"]
        for char in "a" + written + "\n":
            panel.write("stdout", char)
        assert logged(panel)[1] == f"out a{shown}", "the same when it comes in pieces"


async def test_the_log_follows_its_end_until_scrolled_up() -> None:
    async with logging((50, 12)) as (panel, pilot):
        panel.write("stdout", "".join(f"line {n}\n" for n in range(100)))
        await pilot.pause()
        assert logged(panel)[-1] == "out line 99"
        panel.focus()
        await pilot.press("k")
        panel.write("stdout", "more\n")
        await pilot.pause()
        assert logged(panel)[-1] == "out line 98"
        await pilot.press("G")
        panel.write("stdout", "last\n")
        await pilot.pause()
        assert logged(panel)[-1] == "out last"


async def test_the_log_follows_its_end_in_a_window_that_gets_lower() -> None:
    async with logging((50, 12)) as (panel, pilot):
        panel.write("stdout", "".join(f"line {n}\n" for n in range(8)))
        await pilot.pause()
        for size in ((50, 8), (50, 7), (30, 7)):
            await resize(pilot, panel, size)
            assert logged(panel)[-1] == "out line 7", size
        panel.write("stdout", "more\n")
        await pilot.pause()
        assert logged(panel)[-1] == "out more"
        panel.focus()
        await pilot.press("k")
        await resize(pilot, panel, (50, 6))
        panel.write("stdout", "unseen\n")
        await pilot.pause()
        assert logged(panel)[0] == "out line 3"


@pytest.mark.parametrize("first", ["first\n", ""])
async def test_a_hidden_log_is_at_its_end_when_seen_again(first: str) -> None:
    async with logging((50, 12)) as (panel, pilot):
        panel.write("stdout", first)
        await pilot.pause()
        panel.display = False
        await pilot.pause()
        panel.write("stdout", "".join(f"line {n}\n" for n in range(100)))
        panel.display = True
        await pilot.pause()
        assert logged(panel)[-1] == "out line 99"


async def test_the_log_is_capped_and_says_so() -> None:
    async with logging() as (panel, pilot):
        panel.write("stdout", "".join(f"line {n}\n" for n in range(CAP + 1)))
        panel.write("stdout", "and on\n")
        await pilot.pause()
        assert logged(panel)[0] == "1,000 earlier lines were dropped"
        assert logged(panel)[-1] == "out and on"
        panel.focus()
        await pilot.press("g")
        assert logged(panel)[1] == "out line 1000"
        assert panel.search(f"line {CAP}") == 1


async def test_a_line_without_end_is_bounded() -> None:
    async with logging() as (panel, _):
        for _ in range(50):
            panel.write("stdout", "x" * 1000)
        assert len(panel.copy_text()) < 60_000
        assert len(panel.copy_text().splitlines()) > 5


async def test_a_problem_in_the_log_has_its_traceback_and_outlives_the_model() -> None:
    async with logging() as (panel, pilot):
        panel.show_problem(made.a_problem())
        panel.clear(Model())
        await pilot.pause()
        shown = text(panel)
        assert "RuntimeError: mat1 and mat2 shapes cannot be multiplied" in shown
        assert "try  press s to change the sample input" in shown
        assert "line 77, in forward" in shown


@pytest.mark.parametrize("odd", ODD)
async def test_odd_text_is_only_text(odd: str) -> None:
    tensor = made.a_tensor(dtype=odd, device=odd, type=odd, layout=odd, why=odd, preview=r.Preview((0,), ((odd,),)))
    mapping = r.MappingValue(odd, (odd,), (r.OtherValue(odd, odd),), 1)
    row = r.CallRow(2, 0, 2, 13, 2, 1.0, "ok", r.Brief(text=odd), file=made.FILE + odd, line=77)
    outcome = r.HookOutcome((odd,), odd, odd, fault=odd)
    hook = r.HookRow(1, odd, False, odd, odd, odd, 3, (odd,), locked=odd, of=odd, outcome=outcome)
    replies: dict[type[LinePanel], Any] = {
        SourcePanel: r.Source((odd,), "class", odd, odd, odd, odd, 1, 1, (odd,)),
        OutputsPanel: made.the_outputs(made.a_call(row=row, inputs=(tensor,), kwargs=mapping, output=tensor), note=odd),
        ParametersPanel: r.Parameters((), (r.ParameterRow(odd, "parameter", tensor, tied=(odd,)),), 1),
        HooksPanel: r.Hooks((odd,), (hook,), True, odd),
        AttributesPanel: r.Attributes((odd,), odd, odd, odd, mapping, mapping, mapping),
    }
    model = made.a_model()
    model.add_calls(r.CallColumns.of([row]))
    for kind, reply in replies.items():
        panel = kind()
        async with showing(panel, reply, size=NARROW, model=model) as pilot:
            panel.search(odd)
            rows = seen(panel)
            assert all(row.isprintable() for row in rows)
            assert pilot.app.is_running
            if odd and odd.isascii() and odd.isprintable():
                assert odd in text(panel)


async def test_text_selected_with_the_mouse_can_be_copied() -> None:
    panel = AttributesPanel()
    async with showing(panel, made.the_attributes()) as pilot:
        await pilot.mouse_down(LineView, offset=(0, 0))
        await pilot.hover(LineView, offset=(27, 0))
        await pilot.mouse_up(LineView, offset=(27, 0))
        assert (pilot.app.screen.get_selected_text() or "").strip() == "torch.nn.modules.conv.Conv2d"


async def test_parameters_that_are_not_as_loaded_are_marked() -> None:
    found = made.the_parameters()
    rows = [msgspec.structs.replace(row, edited=number in (0, 4)) for number, row in enumerate(found.rows)]
    panel = ParametersPanel()
    async with showing(panel, msgspec.structs.replace(found, rows=tuple(rows))) as pilot:
        assert sum("✎" in row and "not as loaded" not in row for row in seen(panel)) == 2
        assert sum("✎ not as loaded" in row for row in seen(panel)) == 2, "a legend for each of the two lists"
        assert "●✎" in next(row for row in seen(panel) if row.startswith("conv1.weight"))
        panel.show(found)
        await pilot.pause()
        assert "✎" not in text(panel)
