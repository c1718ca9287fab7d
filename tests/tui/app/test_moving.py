"""Going to modules by name, back and forward, and what else moves between them."""

from __future__ import annotations

from pathlib import Path

from inspector.tui.screens.options import Options

from ..fake_engine import running


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


async def test_a_filter_hides_nothing_that_is_gone_to(tmp_path: Path):
    async with running(tmp_path) as (app, pilot, _):
        await pilot.press("f", *"stem", "enter", "ctrl+g", *"body", "enter")
        await pilot.pause()
        assert app.workbench.selected_path == ("body",)


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
