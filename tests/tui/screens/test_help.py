"""The help begins with the pane that has the keyboard, and is searched; the footer follows the keyboard too."""

from __future__ import annotations

from pathlib import Path

import pytest
from msgspec.structs import replace

from inspector.records import Change, Changes, Delta, HookCounts, ModelInfo, PassSummary, Problem
from inspector.tui.bars.footer import fitting_labels
from inspector.tui.bars.header import TitleBar
from inspector.tui.bars.prompt import PromptBar
from inspector.tui.bars.title_words import explain_word, split_words
from inspector.tui.panels import PANELS
from inspector.tui.panels.log import PREFIXES
from inspector.tui.screens.help.pages import PAGES, page_lines
from inspector.tui.screens.help.screen import Help

from ..app.test_hook_actions import settle
from ..fake_engine import running


def text_of(app) -> str:
    return "\n".join(line.body.plain for line in app.screen.view.page.lines)


async def test_help_opens_at_the_pane_that_has_the_keyboard(tmp_path: Path):
    async with running(tmp_path) as (app, pilot, _):
        await pilot.press("question_mark")
        await pilot.pause()
        assert app.screen.title_shown == "Tree" and "Expand all" in text_of(app)
        await pilot.press("question_mark")
        await pilot.pause()
        assert app.screen.title_shown == "Title"
        await pilot.press("question_mark")
        assert app.screen is app.workbench
        await pilot.press("4", "tab", "question_mark")
        await pilot.pause()
        assert app.screen.title_shown == "Hooks"
        assert "Delete the hook of ours" in text_of(app) and "Expand all" not in text_of(app)
        await pilot.press("tab")
        await pilot.pause()
        assert app.screen.title_shown == "Attributes"
        await pilot.press("left_square_bracket", "left_square_bracket")
        await pilot.pause()
        assert app.screen.title_shown == "Parameters"


async def test_the_title_is_explained_as_it_is(tmp_path: Path):
    async with running(tmp_path) as (app, pilot, _):
        words = app.workbench.title_bar.render().plain.split()
        await pilot.press("question_mark", "question_mark")
        await pilot.pause()
        text = text_of(app)
        assert {"net", "modules", "eval", "pass"} <= set(words)
        assert text.index("what was opened") < text.index("named_modules()") < text.index("the last pass, counted")
        assert text.count("named_modules()") == 1 and "runs again after every change" in text


def test_the_page_of_the_log_explains_what_stands_before_its_lines_and_names_the_panels_there_are():
    page = "\n".join(line.body.plain for line in page_lines("Log"))
    assert f"1 … {len(PANELS)} " in page
    assert all(f"  {prefix}" in page for prefix, _ in PREFIXES.values())


def test_keys_and_words_of_a_layer_stand_in_one_column():
    lines = [line.body.plain for line in page_lines("Seed and sample input")]
    starts = {line.index(meaning) for line in lines for meaning in ("Run with these", "integers in") if meaning in line}
    assert len(starts) == 1


def test_every_word_that_the_title_can_have_is_explained():
    info = ModelInfo("net", "importable", "Net", 3, 3, 2000, 2000, 0, 8000, False, "cpu, cuda:0", "2.9", reached=1)
    weights = replace(info, kind="weights", is_model=False, tensors=1)
    counts = HookCounts(9, 1, 2, 3)
    ended = PassSummary(3, 12.5, 3, 1, delta=Delta(0.3, 1.0, 2.0), loss=1.5, hook_counts=counts, batches=4, steps=9)
    failed = replace(ended, problem=Problem("no", kind="RuntimeError"))
    changes = Changes(1, (Change("scale"),), altering=2)
    for given in (
        {"info": info, "readonly": True, "live": True, "outdated": "net.py changed", "changes": changes, "stale": True},
        {"info": weights, "summary": ended, "ascii": True},
        {"info": replace(info, kind="your model", training=True), "summary": replace(ended, batches=1, cancelled=True)},
        {"info": info, "summary": failed},
    ):
        bar = TitleBar()
        for name, value in given.items():
            bar.set_reactive(getattr(TitleBar, name), value)
        dot = bar._dot
        parts = dot.join(part.text for part in bar._left()) + "  " + bar._right(999).plain
        assert [word for _, word in split_words(parts) if word != "net" and not explain_word(word)] == []


async def test_the_mouse_rests_on_a_word_and_it_is_explained(tmp_path: Path):
    async with running(tmp_path) as (app, pilot, _):
        bar, tree = app.workbench.title_bar, app.workbench.module_tree
        await pilot.hover(bar, offset=(bar.render().plain.index("eval") + 2, 0))
        assert "dropout" in str(bar.tooltip)
        await pilot.hover(bar, offset=(bar.render().plain.index("    ") + 3, 0))
        assert bar.tooltip is None
        line = tree.render_line(1).text
        said = {}
        for word in (tree._listing.model.rows[1].class_name, "●"):
            await pilot.hover(tree, offset=(line.index(word) + 1, 2))
            said[word] = str(tree.tooltip)
        assert list(said.values()) == ["the class of the module", "observed by a hook of ours"]
        await pilot.hover(tree, offset=(4, tree.size.height))
        assert tree.tooltip is None


async def test_help_is_searched_in_all_its_pages(tmp_path: Path):
    async with running(tmp_path) as (app, pilot, _):
        await pilot.press("question_mark", "slash", *"baseline")
        await pilot.pause()
        help = app.screen
        assert isinstance(help, Help) and help.title_shown == "All"
        found = text_of(app).casefold().count("baseline")
        assert f"{found} found" in str(help.query_one("#prompt-hint").render())
        await pilot.press("enter")
        first = help.view._search.current
        await pilot.press("n")
        assert help.view._search.current == first + 1 and not help.query_one(PromptBar).is_open
        await pilot.press("slash", *"q?", "escape")
        await pilot.pause()
        assert app.screen is help and not help.view._search.matches
        await pilot.press("escape")
        assert app.screen is app.workbench


def test_there_is_a_page_for_each_pane_and_each_says_what_is_seen_there():
    titles = [page.title for page in PAGES]
    assert {"Tree", *(panel.TITLE for panel in PANELS)} <= set(titles) and all(page.says for page in PAGES)
    assert all("²" not in line.body.plain for line in page_lines("Tree", ascii=True))


async def test_the_footer_has_the_keys_of_the_pane_and_uses_the_width(tmp_path: Path):
    async with running(tmp_path, size=(120, 36)) as (app, pilot, _):
        bar = app.workbench.key_bar
        wide = bar.render().plain
        assert wide.startswith("? Help  q Quit  space Hook") and wide.endswith("u Undo  t Order  S Sort")
        await pilot.press("4", "tab")
        await pilot.pause()
        assert bar.render().plain.startswith("? Help  q Quit  space On/off  enter Source  i Change  d Delete")
        await pilot.press("2")
        await settle(app, pilot)
        assert not {"Fetch", "Next", "Rows"} & set(bar.render().plain.split()), "none of which does anything here"
        panel = app.workbench.panels.current
        panel.show(replace(panel.calls, missing="slow"))
        await pilot.pause()
        assert "x Fetch values" in bar.render().plain
        await pilot.press("tab")
        await pilot.pause()
        assert bar.render().plain == wide
    assert "observe" not in [command.id for command in fitting_labels(300, "hooks")]


@pytest.mark.parametrize("size", [(120, 36), (200, 50)])
async def test_it_covers_the_layer_that_it_is_about(tmp_path: Path, size: tuple[int, int]) -> None:
    async with running(tmp_path, size=size) as (app, pilot, _):
        await pilot.press("o")
        await settle(app, pilot)
        below = app.screen.query_one("#layer").region
        await pilot.press("f1")
        await settle(app, pilot)
        assert isinstance(app.screen, Help) and app.screen.query_one("#layer").region.contains_region(below)
