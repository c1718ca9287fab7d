"""Going to modules by name, back and forward, and what else moves between them."""

from __future__ import annotations

from pathlib import Path

import pytest
from textual.widgets import Input, Static

from inspector.records import Choice, ModuleRows, Opened, Undo
from inspector.tui.keys import find_command
from inspector.tui.screens.options import Options
from inspector.tui.screens.picker import row as row_of_picker
from inspector.tui.tree.finding import locate
from inspector.tui.tree.words import BEING_MADE

from ..fake_engine import ROWS, info, running
from ..tree.tree_models import model, row
from .test_hook_actions import told


def listed(app) -> list[str]:
    options = app.screen.query_one(Options)
    return [str(options.get_option_at_index(number).prompt).rstrip() for number in range(options.option_count)]


async def test_a_module_is_gone_to_by_letters_of_its_path(tmp_path: Path):
    async with running(tmp_path) as (app, pilot, _):
        await pilot.press("ctrl+g", *"b1")
        assert listed(app) == ["body.1  Linear"]
        await pilot.press("enter")
        await pilot.pause()
        assert app.workbench.selected_path == ("body", "1") and app.focused is app.workbench.module_tree


async def test_a_module_is_gone_to_by_its_class(tmp_path: Path):
    async with running(tmp_path) as (app, pilot, _):
        await pilot.press("colon", *"conv2d")
        assert ["stem", "Conv2d"] in [line.split() for line in listed(app)]
        await pilot.press("escape", "ctrl+g", *"class:Linear")
        assert {line.split()[1] for line in listed(app)} == {"Linear"}


async def test_the_letters_that_were_found_stand_out_without_colours(tmp_path: Path):
    async with running(tmp_path) as (app, pilot, _):
        await pilot.press("ctrl+g", *"b1")
        prompt = app.screen.query_one(Options).get_option_at_index(0).prompt
        found = [prompt.plain[span.start : span.end] for span in prompt.spans if "underline" in str(span.style)]
        assert sorted(found) == ["1", "b"]


@pytest.mark.parametrize(
    ("typed", "found"),
    [("conv", "conv"), ("4 CONV", "4conv"), ("l0c2", "l0c2"), ("zz", ""), ("", ""), ("layer4.0.conv22", "")],
)
def test_what_was_found_is_located_in_a_path(typed, found):
    path = "layer4.0.conv2"
    assert "".join(path[at] for at in sorted(locate(typed, path))) == found


def test_a_long_name_uses_what_its_row_leaves_free_and_is_marked_where_it_shows():
    long = Choice("encoder.layers.0.attention.query", "Linear")
    shown = row_of_picker(long, 10, 60, True, "query")
    assert shown.plain == "encoder.layers.0.attention.query  Linear"
    shown = row_of_picker(long, 10, 23, True, "att query")
    assert shown.plain == "…ttention.query  Linear"
    marked = sorted(span.start for span in shown.spans if "underline" in str(span.style))
    assert "".join(shown.plain[at] for at in marked) == "ttquery"


async def test_before_anything_is_typed_the_module_before_this_one_is_first(tmp_path: Path):
    async with running(tmp_path) as (app, pilot, _):
        await pilot.press("ctrl+g", *"body.0", "enter", "ctrl+g", *"stem", "enter", "ctrl+g")
        assert [line.split()[0] for line in listed(app)] == ["body.0", "(root)", "stem", "body", "body.1"]
        await pilot.press("enter")
        await pilot.pause()
        assert app.workbench.selected_path == ("body", "0")


async def test_a_filter_hides_nothing_that_is_gone_to(tmp_path: Path):
    async with running(tmp_path) as (app, pilot, _):
        await pilot.press("f", *"stem", "enter", "ctrl+g", *"body", "enter")
        await pilot.pause()
        assert app.workbench.selected_path == ("body",)


@pytest.mark.parametrize(("typed", "id"), [("q!", "quit"), ("w", "write"), ("F5", "reload"), ("save", "write")])
async def test_the_palette_finds_a_command_by_its_key_and_by_what_it_is_called_elsewhere(typed, id, tmp_path: Path):
    async with running(tmp_path) as (app, pilot, _):
        await pilot.press("colon")
        app.screen.query_one(Input).value = typed
        await pilot.pause()
        assert listed(app)[0].startswith(find_command(id).label)


async def test_the_palette_finds_commands_modules_and_themes(tmp_path: Path):
    async with running(tmp_path) as (app, pilot, _):
        await pilot.press("colon", *"stem")
        assert listed(app)[0].split() == ["stem", "Conv2d"]
        await pilot.press("enter")
        await pilot.pause()
        assert app.workbench.selected_path == ("stem",)
        await pilot.press("colon", *"nord")
        assert listed(app)[0].split() == ["Theme", "nord", "theme"]
        await pilot.press("enter")
        await pilot.pause()
        assert app.theme == "nord"
        await pilot.press("colon", *"call order", "enter")
        await pilot.pause()
        assert app.workbench.module_tree.order


async def test_back_and_forward_go_over_the_modules_that_were_gone_to(tmp_path: Path):
    async with running(tmp_path) as (app, pilot, _):

        async def go(*keys: str) -> str:
            await pilot.press(*keys)
            await pilot.pause()
            return ".".join(app.workbench.selected_path)

        assert await go("G") == "body.1"
        assert await go("k", "k", "k") == "stem", "a walk is one place"
        assert await go("ctrl+g", *"body.0", "enter") == "body.0"
        assert await go("ctrl+o") == "stem" and await go("ctrl+o") == "body.1" and await go("ctrl+o") == ""
        assert await go("ctrl+o") == "" and "no module to go back to" in app.presenter.log_panel.copy_text()
        assert await go("alt+o", "alt+o") == "stem"
        assert await go("slash", *"linear", "enter") == "body.0"
        assert await go("n") == "body.1"
        assert await go("ctrl+o", "ctrl+o") == "stem", "what is typed letter by letter is one place"
        assert await go("f", *"body.1", "enter", "ctrl+o") == "stem", "a filter that hides it gives way"
        assert await go("alt+o") == "body.1"
        assert await go("k", "alt+o") == "body.0", "what was ahead is forgotten"


@pytest.mark.parametrize(("size", "along"), [((120, 36), 0), ((80, 40), 1)], ids=["side by side", "on each other"])
async def test_the_split_is_dragged(size: tuple[int, int], along: int, tmp_path: Path):
    async with running(tmp_path, size=size) as (app, pilot, _):
        tree, panels = app.workbench.module_tree, app.workbench.panels

        async def drag(grip: int, cells: int) -> int:
            """Take hold of a border and let go in a pane; by how much the tree grew."""
            at = [panels.region.x + 3, panels.region.y + 3]
            at[along] = panels.region.offset[along] + grip
            before = tree.outer_size[along]
            await pilot.mouse_down(offset=tuple(at))
            for _ in range(2):
                at[along] = max(at[along] + cells // 2, 0)
                await pilot.hover(offset=tuple(at))
            await pilot.mouse_up(offset=tuple(at))
            at[along] += 3
            await pilot.hover(offset=tuple(at))
            await pilot.pause()
            return tree.outer_size[along] - before

        assert await drag(-1, 6) == 6 and await drag(0, -4) == -4
        assert not app.screen.get_selected_text()
        assert await drag(2, 6) == 0, "not a border"
        assert await drag(0, -200) < 0 and tree.outer_size[along] == (16, 8)[along]
        await pilot.press("greater_than_sign", "greater_than_sign")
        await pilot.pause()
        assert tree.outer_size[along] == (24, 16)[along]


async def test_a_dragged_split_is_kept(tmp_path: Path):
    async with running(tmp_path) as (app, pilot, _):
        await pilot.press("greater_than_sign", "greater_than_sign")
        await pilot.pause()
        width = app.workbench.module_tree.outer_size.width
        app.bookmarks.keep()
    async with running(tmp_path) as (app, pilot, _):
        assert app.workbench.module_tree.outer_size.width == width


async def test_a_module_is_marked_with_a_letter_and_gone_to_by_it(tmp_path: Path):
    async with running(tmp_path) as (app, pilot, _):
        await pilot.press("G", "apostrophe")
        assert "No module is marked yet: M and a letter" in str(app.screen.query_one(Static).content)
        await pilot.press("escape", "M")
        assert str(app.screen.query_one(Static).content).endswith("Later ' and the letter go to this one.")
        await pilot.press("x", "g")
        shown = [app.workbench.module_tree.render_line(line).text[:5] for line in (0, 4)]
        assert shown == ["▌  ▾ ", " x │ "]
        await pilot.press("apostrophe")
        assert str(app.screen.query_one(Static).content) == "x  body.1"
        await pilot.press("x")
        await pilot.pause()
        assert app.workbench.selected_path == ("body", "1")
        await pilot.press("g", "apostrophe", "y")
        await pilot.pause()
        assert app.workbench.selected_path == () and "no module is marked y" in app.presenter.log_panel.copy_text()
        app.bookmarks.keep()
    async with running(tmp_path) as (app, pilot, _):
        assert app.workbench.module_tree.render_line(4).text.startswith(" x │")
        await pilot.press("apostrophe", "x")
        await pilot.pause()
        assert app.workbench.selected_path == ("body", "1")


async def test_a_long_path_ends_with_its_module_and_its_class_in_the_palette(tmp_path: Path):
    async with running(tmp_path, size=(60, 24)) as (app, pilot, _):
        app.workbench.show_model(model([row(0, -1, ""), row(1, 0, "a_long_key_" * 9 + "last", "TransformerBlock")]))
        app.workbench.module_tree.refresh_rows()
        for key in ("colon", "ctrl+g"):
            await pilot.press(key, *"last")
            assert next(line for line in listed(app) if "long_key" in line).endswith("last  TransformerBlock")
            await pilot.press("escape")


async def test_a_prompt_recalls_what_was_typed_before_and_changes_nothing(tmp_path: Path):
    async with running(tmp_path) as (app, pilot, engine):
        for keys in (("slash", *"body", "enter"), ("slash", *"stem", "enter"), ("f", *"fc", "enter", "escape")):
            await pilot.press(*keys)
        box = app.workbench.prompt.query_one(Input)
        await pilot.press("slash", *"x", "up", "up", "up")
        assert box.value == "body"
        await pilot.press("down")
        assert box.value == "stem" and not engine.requests(Undo)
        await pilot.press("alt+b", "alt+d", *"body.1", "alt+backspace", "ctrl+b", "ctrl+r", "escape", "f", "ctrl+r")
        assert box.value == "fc" and not engine.requests(Undo)


async def test_a_search_says_which_match_it_is_at(tmp_path: Path):
    async with running(tmp_path) as (app, pilot, _):
        steps = ((["slash", *"linear"], ""), (["enter"], "1 of 2"), (["n"], "2 of 2"), (["N"], "1 of 2"))
        for keys, note in (*steps, (["tab", "slash", *"zzz", "enter"], "no match"), (["escape"], "")):
            await pilot.press(*keys)
            await pilot.pause()
            assert app.workbench.key_bar.note == note


async def test_who_has_moved_before_all_modules_are_there_stays(tmp_path: Path):
    async with running(tmp_path) as (app, pilot, engine):
        app.controller.opening.forget()
        engine.say(Opened(2, info()), ModuleRows(2, ROWS[:2], 5))
        await pilot.press("j")
        assert app.workbench.selected_path == ("stem",)
        engine.say(ModuleRows(2, ROWS[2:], 5))
        await pilot.pause()
        assert app.state.ready and app.workbench.selected_path == ("stem",)


@pytest.mark.parametrize("typed", [("slash", *"linear"), ("slash", *"linear", "enter")])
async def test_a_search_in_a_tree_that_is_being_made_waits_for_it(tmp_path: Path, typed: tuple[str, ...]):
    async with running(tmp_path) as (app, pilot, _):
        bench, tree = app.workbench, app.workbench.module_tree
        app.state.model.orders_due = True
        await pilot.press("t", "t", *typed)
        await pilot.pause()
        hint = bench.prompt.query_one("#prompt-hint", Static)
        assert tree.nested and BEING_MADE in (bench.key_bar.note, str(hint.render()))
        app.presenter.show_rows()
        assert BEING_MADE in (bench.key_bar.note, str(hint.render())), "not yet"
        app.state.model.orders_due = False
        app.presenter.show_rows()
        await pilot.pause()
        found = "1 of 2" if "enter" in typed else "2 found"
        assert found in (bench.key_bar.note, str(hint.render())) and app.workbench.selected_path == ("body", "1")


async def test_ctrl_c_leaves_a_prompt_and_not_the_app(tmp_path: Path):
    async with running(tmp_path) as (app, pilot, _):
        await pilot.press("f", *"stem", "ctrl+c")
        await pilot.pause()
        assert not app.workbench.prompt.is_open and not app.workbench.module_tree.filter and not told(app)


async def test_lines_are_scrolled_under_a_cursor_that_stays_in_view(tmp_path: Path):
    async with running(tmp_path, size=(80, 12)) as (app, pilot, _):
        tree = app.workbench.module_tree
        await pilot.press("equals_sign", "ctrl+e")
        assert tree.scroll_offset.y == 1 and tree.cursor == 1
        await pilot.press("ctrl+y")
        assert tree.scroll_offset.y == 0 and tree.cursor == 1
        await pilot.press("n")
        await pilot.pause()
        assert "/ searches" in told(app)
