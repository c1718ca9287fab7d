"""The one declaration of all keys: complete, without clashes, and with nothing a terminal does not deliver."""

from __future__ import annotations

from collections import Counter
from inspect import signature
from pathlib import Path

import pytest
from rich.cells import cell_len
from textual.actions import parse

from inspector.tui.app.app import InspectorApp
from inspector.tui.app.palette import list_palette_commands
from inspector.tui.bars.prompt import PromptBox
from inspector.tui.drawing.lines import LineView
from inspector.tui.drawing.wrap import layout
from inspector.tui.file_box import FileBox
from inspector.tui.keys import COMMANDS, Command, bind_own, bindings, find_command, key_like
from inspector.tui.line_box import LineBox
from inspector.tui.options import AppOptions
from inspector.tui.panels.gradients import GradientsPanel
from inspector.tui.panels.history import HistoryPanel
from inspector.tui.panels.hooks import HooksPanel
from inspector.tui.panels.outputs import OutputsPanel
from inspector.tui.panels.source import SourcePanel
from inspector.tui.panels.stack import StackPane
from inspector.tui.screens.help.page import KEY_COLUMN, keys_of
from inspector.tui.screens.help.pages import ALL, help_text, page_lines
from inspector.tui.screens.hooks.all_hooks import AllHooksScreen
from inspector.tui.screens.layer import Layer
from inspector.tui.tree.widget import ModuleTree

from .fake_engine import FakeEngine, running

PLACES = {
    "move": (ModuleTree, LineView),
    "tree": (ModuleTree,),
    "outputs": (OutputsPanel,),
    "hooks": (HooksPanel, AllHooksScreen),
    "source": (SourcePanel,),
    "history": (HistoryPanel,),
    "gradients": (GradientsPanel,),
    "stack": (StackPane,),
    "line": (LineBox,),
    "prompt": (PromptBox,),
    "file": (FileBox,),
}
NOT_DELIVERED = {
    "ctrl+enter", "ctrl+m", "ctrl+i", "ctrl+h", "ctrl+j", "alt+enter", "shift+space", "shift+enter",
}  # fmt: skip
TOGETHER = [
    ("app", "move", panel) for panel in ("tree", "source", "outputs", "history", "gradients", "stack")
]  # fmt: skip
"""Contexts whose keys work at the same time."""


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: command.id)
def test_every_command_has_an_action_that_is_there(command: Command):
    if command.context == "layer":  # each layer says what it does
        assert not command.action
        return
    owner, name, arguments = parse(command.action)
    if command.context in ("app", "stopped"):
        owners = InspectorApp(AppOptions(), FakeEngine().connected_to).owners  # type: ignore[arg-type]
        signature(getattr(owners[owner], name)).bind(*arguments)
        return
    assert not owner
    for place in PLACES[command.context]:
        signature(getattr(place, f"action_{name}")).bind(place, *arguments)


def test_every_id_is_its_own():
    assert not [id for id, count in Counter(command.id for command in COMMANDS).items() if count > 1]


@pytest.mark.parametrize("contexts", TOGETHER, ids="+".join)
def test_no_key_means_two_things_at_once(contexts):
    keys = Counter(key for command in COMMANDS if command.context in contexts for key in command.keys.split(","))
    arrows = {"up", "down"} if "outputs" in contexts else set()  # they move the values there, and j and k the page
    assert {key for key, count in keys.items() if key and count > 1} == arrows


def test_in_the_hook_list_only_space_means_something_else():
    app = {key for command in COMMANDS if command.context in ("app", "move") for key in command.keys.split(",")}
    hooks = {key for command in COMMANDS if command.context == "hooks" for key in command.keys.split(",")}
    assert app & hooks == {"space"}  # enter is the tree's


def test_terminals_deliver_every_key():
    assert not {key for command in COMMANDS for key in command.keys.split(",")} & NOT_DELIVERED


def test_footer_labels_are_few_and_ranked():
    ranks = [command.rank for command in COMMANDS if command.footer]
    assert len(set(ranks)) == len(ranks)
    best = sorted((command for command in COMMANDS if command.footer), key=lambda command: command.rank)
    assert [command.id for command in best[:2]] == ["help", "quit"]


def test_bindings_carry_the_id_so_that_a_person_can_remap_them():
    assert {binding.id for binding in bindings("tree", "move")} == {
        command.id for command in COMMANDS if command.context in ("tree", "move")
    }
    assert [binding.id for binding in bind_own("quit", "leave")] == ["quit", "leave"]


def test_every_layer_closes_with_q_and_escape():
    keys = {key for binding in Layer.BINDINGS for key in binding.key.split(",")}
    assert {"q", "escape", "ctrl+c"} <= keys


def test_help_has_every_command_and_every_mark():
    text = help_text()
    for command in COMMANDS:
        if not command.id.startswith("panel-") or not command.id[6:].isdigit():
            assert command.label in text
            assert keys_of(command) in text
    assert "Panel with this number" in text and "observed by a hook of ours" in text


def test_the_palette_has_the_commands_that_need_no_cursor():
    ids = {command.id for command in list_palette_commands()}
    assert {"run", "seed", "open", "expand-all"} <= ids and "down" not in ids


def test_the_app_binds_nothing_beside_the_declaration():
    ids = {command.id for command in COMMANDS}
    assert all(binding.id in ids for binding in InspectorApp.BINDINGS)


@pytest.mark.parametrize(("ascii", "square"), [(False, "28²"), (True, "28^2")])
def test_help_says_how_shapes_are_written(ascii: bool, square: str):
    text = help_text(ascii)
    assert f"  {square} " in text and "+4 " in text


def test_a_layer_takes_the_keys_of_a_command_and_its_own():
    assert key_like("down", "move(1)", also="down,ctrl+n").key == "j,down,ctrl+n"
    assert key_like("search", "type").key == find_command("search").keys


@pytest.mark.parametrize("ascii", [False, True])
def test_help_fits_a_narrow_window(ascii: bool):
    lines = page_lines(ALL, ascii)
    rows = layout(lines, 50)
    shown = [" " * lines[r.line].indent * (not r.first) + lines[r.line].body.plain[r.start : r.end] for r in rows]
    assert max(cell_len(text.rstrip()) for text in shown) <= 50
    rest = [lines[row.line] for row in rows if not row.first]
    assert len(rest) > 5 and {line.indent for line in rest} <= {2, *range(KEY_COLUMN + 2, 25)}
    hanging = [line for line in rest if line.indent > 2]  # what is left of a meaning stands below its beginning
    assert all(line.body.plain[line.indent - 1] == " " != line.body.plain[line.indent] for line in hanging)


async def test_help_can_be_read_in_a_narrow_window(tmp_path: Path):
    async with running(tmp_path, size=(50, 20)) as (app, pilot, _):
        await pilot.press("question_mark")
        await pilot.pause()
        text = "\n".join(strip.text for strip in app.screen._compositor.render_strips())
        assert "All" in text and "Expand, or go to the" in text and "q Close" in text
