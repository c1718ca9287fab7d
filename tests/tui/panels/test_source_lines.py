"""What each line of a forward made, beside the source and below it: from replies made by hand."""

from __future__ import annotations

import pytest
from textual.events import Resize
from textual.geometry import Size

from inspector import records as r
from inspector.tui.drawing.line_values import is_saturated, sum_up_value
from inspector.tui.panels import line_reader
from inspector.tui.panels.source import SourcePanel

from .. import panel_records as made
from .test_panels import seen, showing, text

FIRST = made.FORWARD_LINE
HELPER = "def helper(x):\n    y = x * 2\n    return y\n"


def visit(number: int, order: int, name: str = "out", calls: tuple[r.LineCall, ...] = (), nan: int = 0) -> r.LineVisit:
    value = made.a_tensor()
    if nan:
        value = made.a_tensor(statistics=r.Statistics(min=0, max=1, mean=0.5, std=0.1, nan=nan))
    return r.LineVisit(number, order, (r.LineValue(name, value),), calls)


def reply(**changed: object) -> r.CallLines:
    """The forward as a loop over its first lines, of which the second run is bad; its last line calls a helper."""
    loop = r.LineRuns(FIRST + 3, 3, tuple(visit(n, 2 + 3 * n, nan=int(n == 1)) for n in range(3)))
    inner = r.LineRuns(FIRST + 4, 3, tuple(visit(n, 3 + 3 * n, f"run{n}") for n in range(3)))
    helped = visit(0, 20, "return", (r.LineCall("helper(out)", made.a_tensor((7,)), 5),))
    fields: dict[str, object] = dict(
        total=1, number=1, file=made.FILE, lines=(loop, inner, r.LineRuns(FIRST + 12, 1, (helped,))),
        unreached=(FIRST + 9,),
    )  # fmt: skip
    return r.CallLines(1, made.PATH, **{**fields, **changed})  # type: ignore[arg-type]


def row_of(panel: SourcePanel, line: int) -> str:
    return next(row for row in seen(panel) if row.startswith(str(line)))


async def test_values_stand_beside_their_lines_and_below_in_full() -> None:
    panel = SourcePanel()
    async with showing(panel, made.a_source(), reply()) as pilot:
        assert row_of(panel, FIRST + 3).endswith("→ 1×64×56×56 NaN"), "the first bad run is looked at"
        panel.focus()
        await pilot.press("j", "j", "j", "j")
        below = panel.lines.below.render_line
        assert "line 78 · run #1 of 3" in below(0).text and "run1" in below(1).text
        await pilot.press("full_stop")
        assert "run #2 of 3" in below(0).text
        assert row_of(panel, FIRST + 3).endswith("→ 1×64×56×56"), "other lines show the run that goes with it"
        await pilot.press("comma", "comma")
        assert "run #0 of 3" in below(0).text
        assert FIRST + 9 - made.FIRST_LINE in panel.view.dimmed
        assert panel.location() == (made.FILE, FIRST + 4)


async def test_no_value_breaks_its_line() -> None:
    """A line that leaves no room gets a mark, or nothing."""
    panel = SourcePanel()
    async with showing(panel, made.a_source(), size=(40, 34)) as pilot:
        panel.show(reply(lines=(r.LineRuns(FIRST + 3, 1, (visit(0, 1, nan=1),)),)))
        await pilot.pause()
        assert row_of(panel, FIRST + 3).endswith("NaN")
        rows = [row for row in seen(panel) if row and not row[0].isdigit() and "→" in row]
        assert not rows


async def test_a_line_that_wraps_has_its_value_at_the_end_of_its_last_row() -> None:
    panel, wrapped = SourcePanel(), FIRST + 9
    async with showing(panel, made.a_source(), size=(94, 34)) as pilot:
        panel.show(reply(lines=(r.LineRuns(wrapped, 1, (visit(0, 1, nan=1),)),), unreached=()))
        await pilot.pause()
        rows = seen(panel)
        last = rows.index(row_of(panel, wrapped)) + 1
        assert not rows[last][0].isdigit() and rows[last].endswith("→ 1×64×56×56 NaN"), rows


@pytest.mark.parametrize(("rows", "said"), [(7, 1), (11, 2)])
async def test_a_low_panel_says_in_a_row_or_two_what_the_line_made(rows: int, said: int) -> None:
    panel = SourcePanel()
    async with showing(panel, made.a_source(), reply(), size=(80, rows + 2)) as pilot:
        panel.focus()
        await pilot.press(*"jjj")
        below, view = panel.lines.below, panel.view
        shown = [below.render_line(y).text.rstrip() for y in range(below.size.height)]
        assert len(shown) == said
        assert shown[-1] == "out  1×64×56×56 float32 · min 0  mean 0.5  max 1  std 0.1 · NaN 1"
        for _ in range(20):
            await pilot.press("j")
            assert view.stop is not None and view.shows(view.stop), "the line under the cursor stays in sight"
            assert below.size.height == said, "nothing moves"


def test_of_a_value_in_one_row_what_is_bad_is_left_out_last() -> None:
    bad = made.a_tensor(statistics=r.Statistics(min=-1.25, max=3, mean=0.1, std=1, nan=2, inf=1))
    assert sum_up_value("x", bad, 80).plain == (
        "x  1×64×56×56 float32 · min -1.25  mean 0.1  max 3  std 1 · NaN 2, Inf 1"
    )
    assert sum_up_value("x", bad, 60).plain == "x  1×64×56×56 · min -1.25  mean 0.1  max 3 · NaN 2, Inf 1"
    assert sum_up_value("x", bad, 34).plain == "x  1×64×56×56 · NaN 2, Inf 1"
    assert sum_up_value("x", r.NoneValue(), 20).plain == "x  None"


NESTED = "def forward(self, x):\n\th = self.名(gelu(x),\n\t\t[cell(h) for h in x])\n\treturn h\n"


def nested_reply() -> r.CallLines:
    """Line 9 of that: a call over two lines, one in it, and in a comprehension three of which the second is bad."""

    def call(text: str, width: int, span: tuple[int, int, int, int] | None, nan: int = 0, frame: int = 0) -> r.LineCall:
        value = made.a_tensor((width,), statistics=r.Statistics(min=0, max=1, mean=0.5, std=0.1, nan=nan))
        return r.LineCall(text, value, frame, r.CodeSpan(*span) if span is not None else None)

    cells = tuple(call("cell(h)", 30 + n, (10, 3, 10, 10), int(n == 1), frame=7) for n in range(3))
    calls = (call("gelu(x)", 1, (9, 12, 9, 19)), *cells, call("self.名(…)", 2, (9, 5, 10, 23)), call("old", 5, None))
    visits = tuple(r.LineVisit(n, n, (r.LineValue("h", made.a_tensor()),), calls) for n in range(2))
    return r.CallLines(1, made.PATH, total=1, number=1, file=made.FILE, lines=(r.LineRuns(9, 2, visits),))


def marked(panel: SourcePanel) -> list[str]:
    """What stands out in each line."""
    code = panel.code
    return [code[line][start:stop] for line, (start, stop) in sorted(panel.view.chosen.items())]


@pytest.mark.parametrize("keys", ["hl", ("left", "right")])
async def test_a_cursor_on_the_expressions_of_a_line(keys: tuple[str, str]) -> None:
    panel, (left, right) = SourcePanel(), keys
    source = made.a_source(text=NESTED, first_line=8, focus=8)
    async with showing(panel, source, nested_reply(), size=(90, 34)) as pilot:
        below = panel.lines.below.render_line
        panel.focus()
        assert "expression-next" in panel.idle_commands()
        await pilot.press("j")
        assert "expression-next" not in panel.idle_commands() and marked(panel) == []
        await pilot.press(left)
        assert marked(panel) == [], "it is the whole line already"
        await pilot.press(right)
        assert marked(panel) == ["self.名(gelu(x),", "[cell(h) for h in x])"], "an outer one first"
        assert "run #1 of 2 · expression 1 of 3" in below(0).text and "enter go in" not in below(0).text
        await pilot.press(right)
        assert marked(panel) == ["gelu(x)"] and below(1).text.strip() == "gelu(x)"
        assert "NaN, Inf 0" in "".join(below(y).text for y in range(2, 6)), "its value in full"
        await pilot.press(right, right)
        assert marked(panel) == ["cell(h)"], "the last one stays"
        assert "expression 3 of 3 · call 2 of 3" in below(0).text and "31 " in below(2).text
        await pilot.press("comma")
        assert "run #0" in below(0).text and marked(panel) == ["cell(h)"], "the same in another run"
        await pilot.press("enter")
        assert panel.request(1, made.PATH) == r.GetLines(1, made.PATH, 0, 7), "into the function of the expression"
        await pilot.press(left, left, left)
        assert marked(panel) == [] and "h  1×64×56×56" in below(1).text
        await pilot.press(right, "j", "k")
        assert marked(panel) == [], "another line was looked at"


async def test_without_styles_signs_stand_around_the_expression() -> None:
    panel = SourcePanel()
    async with showing(panel, made.a_source(text=NESTED, first_line=8, focus=8), nested_reply()) as pilot:
        panel.draw_ascii()
        panel.focus()
        await pilot.press("j", "l", "l")
        assert ">>gelu(x)<<," in text(panel) and "gelu(x)" in panel.copy_text() and ">>" not in panel.copy_text()


@pytest.mark.parametrize("scrolled", [0, 14])
async def test_what_opens_below_leaves_a_place_that_was_gone_to(scrolled: int) -> None:
    panel = SourcePanel()
    async with showing(panel, made.a_source(), size=(80, 16)) as pilot:
        panel.focus()
        await pilot.press(*"jjjjj", *["ctrl+y"] * scrolled)
        cursor, top = panel.view.stop, panel.view.top_line
        assert cursor is not None and panel.view.shows(cursor) is not bool(scrolled)
        panel.show(reply())
        await pilot.pause()
        assert panel.lines.below.display
        assert panel.view.top_line == top if scrolled else panel.view.shows(cursor)


async def test_who_scrolls_before_a_new_height_is_heard_of_stays_there() -> None:
    panel = SourcePanel()
    async with showing(panel, made.a_source(), size=(80, 16)) as pilot:
        await pilot.press(*["ctrl+y"] * 30)
        view = panel.view
        view._filled = Size(view.size.width, view.size.height + 4)  # as it was before
        view.action_scroll_rows(3)
        view.on_resize(Resize(view.size, view.virtual_size))
        assert view.top_line == 3


async def test_a_function_is_entered_and_left() -> None:
    panel = SourcePanel()
    async with showing(panel, made.a_source(), reply()) as pilot:
        panel.focus()
        await pilot.press("G")
        assert "enter-function" not in panel.idle_commands()
        await pilot.press("enter")
        assert panel.request(1, made.PATH) == r.GetLines(1, made.PATH, 0, 5)
        inside = r.Source(made.PATH, "helper", "helper", HELPER, file="/helpers.py", first_line=7, focus=7)
        bound = r.LineRuns(8, 1, (visit(0, 2, "y"),))
        panel.show(reply(frame=5, file="/helpers.py", lines=(bound,), unreached=(), source=inside))
        await pilot.pause()
        assert "helper" in text(panel) and row_of(panel, 8).endswith("→ 1×64×56×56")
        await pilot.press("backspace")
        assert panel.request(1, made.PATH) == r.GetLines(1, made.PATH, 0, 0)
        panel.show(reply())
        await pilot.pause()
        assert panel.location() == (made.FILE, FIRST + 12), "the cursor is where it was"


async def test_of_an_expression_what_is_called_in_it_is_entered() -> None:
    line, span = FIRST + 12, r.CodeSpan
    whole, inner, beside = (
        r.LineCall("f(x) * 2", made.a_tensor(), 0, span(line, 0, line, 8)),
        r.LineCall("f(x)", made.a_tensor(), 5, span(line, 0, line, 4)),
        r.LineCall("g(x)", made.a_tensor(), 6, span(line, 11, line, 15)),
    )
    lines = (r.LineRuns(line, 1, (visit(0, 1, calls=(whole, inner, beside)),)),)
    panel = SourcePanel()
    async with showing(panel, made.a_source(), reply(lines=lines)) as pilot:
        panel.focus()
        await pilot.press("G", "l")
        chosen = panel.lines.shown.chosen_at(line)
        assert chosen is not None and chosen.call == whole
        assert panel.lines.shown.helper_at(line) == inner, "the product is no function, and the first call is in it"
        await pilot.press("l", "l")
        assert panel.lines.shown.helper_at(line) == beside


async def test_each_line_of_a_statement_shows_what_that_made() -> None:
    panel = SourcePanel()
    runs = r.LineRuns(FIRST + 10, 1, (visit(0, 1, "whole"),), FIRST + 12), r.LineRuns(FIRST + 3, 1, (visit(0, 1),))
    async with showing(panel, made.a_source(), reply(lines=runs)) as pilot:
        panel.focus()
        await pilot.press("G")
        assert panel.location() == (made.FILE, FIRST + 12) and panel.lines.line == FIRST + 10
        assert f"line {FIRST + 10}" in panel.lines.below.render_line(0).text
        assert "whole" in panel.lines.below.render_line(1).text
        await pilot.press(*"kkkk")
        assert "no statement of this function" in panel.lines.below.render_line(0).text


async def test_a_slow_pass_is_run_again_when_asked_to() -> None:
    panel = SourcePanel()
    async with showing(panel, made.a_source(), reply(lines=(), missing="slow")) as pilot:
        panel.focus()
        assert "the pass is slow: x fetches" in panel.lines.below.render_line(0).text
        await pilot.press("x")
        asked = panel.request(1, made.PATH)
        assert isinstance(asked, r.GetLines) and asked.force


async def test_lines_are_asked_for_once_a_module_stays_selected(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(line_reader, "REST", 0.01)
    panel = SourcePanel()
    async with showing(panel, made.a_source()) as pilot:
        while not pilot.app.asked_again:  # type: ignore[attr-defined]
            await pilot.pause(0.01)
        assert isinstance(panel.request(1, made.PATH), r.GetLines)
        panel.select(panel.model, 3)
        assert isinstance(panel.request(1, (*made.PATH, "conv1")), r.GetSource)


@pytest.mark.parametrize(("counts", "expected"), [((45, 0, 0, 45), True), ((10, 40, 40, 10), False)])
def test_what_is_saturated(counts: tuple[int, ...], expected: bool) -> None:
    value = made.a_tensor(histogram=r.Histogram(-1.0, 1.0, counts))
    edges = made.a_tensor(histogram=r.Histogram(-1.0, 1.0, (counts[0], *[0] * 98, counts[-1])))
    assert not is_saturated(r.LineCall("torch.relu(x)", edges))
    assert is_saturated(r.LineCall("torch.tanh(x)", edges if expected else value)) is expected
