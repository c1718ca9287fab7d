"""What keys do to hooks, with an engine that answers by a script."""

from __future__ import annotations

from pathlib import Path

import pytest
from textual.widgets import Input

from inspector.records import (
    AllHooks,
    Cancel,
    Changes,
    DisableAll,
    GetAllHooks,
    HookRow,
    HookSpec,
    KindInfo,
    Kinds,
    ListKinds,
    LoadRecipe,
    Observe,
    RemoveHook,
    ReplaceHook,
    Run,
    Save,
    SetHook,
    Source,
    Undo,
    Work,
)
from inspector.records import GetHookSource as AskSource
from inspector.tui.app.actions.changes import find_turned, name_recipe_file
from inspector.tui.app.outside import Outside
from inspector.tui.bars.footer import fitting_labels
from inspector.tui.bars.header import TitleBar
from inspector.tui.drawing.lines import LineView
from inspector.tui.editor import edit
from inspector.tui.screens.confirm import Confirm
from inspector.tui.screens.file_prompt import FilePrompt
from inspector.tui.screens.hooks.all_hooks import AllHooksScreen
from inspector.tui.screens.hooks.form import HookForm
from inspector.tui.screens.hooks.source import HookSource

from ..fake_engine import FakeEngine, failed, running

SCALE = HookSpec("scale", {"factor": 2}, on="input")
OURS = HookRow(8, "forward", True, "scale(2, on='input')", path=("stem",), alters=True, spec=SCALE)
THEIRS = HookRow(3, "post_accumulate_grad", False, "log", "trainer", path=("stem",), of="weight")
NASTY = "[@click=app.exit]x[/] \x1b]0;owned\x07 \u202egnp"


async def settle(app, pilot) -> None:
    """Until every worker is done and everything they posted is handled."""
    for _ in range(2):
        await pilot.pause()
        await app.workers.wait_for_complete()
    await pilot.pause()


def title(app) -> str:
    return app.workbench.query_one(TitleBar).render().plain


def told(app) -> str:
    """The notices on the screen."""
    return "\n".join(map(str, app.host.notices.current))


def seen(app) -> str:
    """The rows of the view of lines on the top screen."""
    view = app.screen.query(LineView).last()
    return "\n".join(view.render_line(y).text.rstrip() for y in range(view.size.height))


def with_hooks(*rows: HookRow) -> FakeEngine:
    engine = FakeEngine()
    engine.observed[:] = b"\0" * 5
    engine.hooks = list(rows)
    return engine


async def at_hooks(app, pilot) -> None:
    """The hooks of `stem`, with the cursor on the first."""
    await pilot.press("j", "4", "tab")
    await settle(app, pilot)


async def test_a_change_runs_again_at_once_and_is_in_the_title(tmp_path: Path):
    async with running(tmp_path, with_hooks(OURS), size=(80, 24)) as (app, pilot, engine):
        await at_hooks(app, pilot)
        runs = len(engine.requests(Run))
        await pilot.press("space")
        await settle(app, pilot)
        assert len(engine.requests(Run)) == runs + 1
        assert "1 change ·" in title(app) and "altering" not in title(app)
        await pilot.press("space")
        await settle(app, pilot)
        assert "2 changes · 1 altering" in title(app)


async def test_a_change_that_is_told_twice_runs_once(tmp_path: Path):
    async with running(tmp_path, with_hooks(OURS)) as (app, pilot, engine):
        runs = len(engine.requests(Run))
        engine.say(engine._changes("once"), engine.changes())
        await settle(app, pilot)
        assert len(engine.requests(Run)) == runs + 1


async def test_a_slow_pass_is_marked_as_old_and_run_when_wanted_or_live(tmp_path: Path):
    engine = with_hooks(OURS)
    engine.pass_ms = 1500.0
    async with running(tmp_path, engine) as (app, pilot, _):
        await at_hooks(app, pilot)
        await pilot.press("space")
        await settle(app, pilot)
        assert len(engine.requests(Run)) == 1
        assert "changed since, r runs" in title(app)
        await pilot.press("r")
        await settle(app, pilot)
        assert "changed since" not in title(app)
        app.host.later = lambda seconds, call: None
        app.state.live = True
        await pilot.press("space")
        await settle(app, pilot)
        assert len(engine.requests(Run)) == 3


async def test_changes_of_a_model_that_was_never_run_or_is_gone_run_nothing(tmp_path: Path):
    async with running(tmp_path, target={"target": "net", "run": False}) as (app, pilot, engine):
        engine.say(Changes(9, altering=3), Changes(1, altering=2))
        await settle(app, pilot)
        assert not engine.requests(Run)
        assert "2 altering" in title(app) and "r runs" not in title(app)


async def test_a_hook_of_others_is_switched_after_one_question(tmp_path: Path):
    async with running(tmp_path, with_hooks(THEIRS)) as (app, pilot, engine):
        await at_hooks(app, pilot)
        await pilot.press("space")
        await pilot.pause()
        assert isinstance(app.screen, Confirm)
        await pilot.press("n", "space", "y")
        await settle(app, pilot)
        assert engine.requests(SetHook) == [SetHook(1, ("stem",), "post_accumulate_grad", 3, False, "weight")]
        await pilot.press("space")
        await settle(app, pilot)
        assert engine.requests(SetHook)[-1].on and app.screen is app.workbench


async def test_the_observe_hook_is_toggled_and_deleted_by_its_module(tmp_path: Path):
    async with running(tmp_path) as (app, pilot, engine):
        await at_hooks(app, pilot)
        await pilot.press("i")
        await settle(app, pilot)
        assert "has nothing to change" in told(app)
        await pilot.press("d")
        await settle(app, pilot)
        assert engine.requests(Observe) == [Observe(1, (("stem",),), subtree=False, on=False)]
        assert not engine.requests(RemoveHook) and not engine.requests(SetHook)


async def test_a_locked_hook_says_why_and_is_not_asked_about(tmp_path: Path):
    locked = HookRow(1, "forward_pre", False, "spectral_norm", locked=f"parametrized {NASTY}", path=("stem",))
    async with running(tmp_path, with_hooks(locked)) as (app, pilot, engine):
        await at_hooks(app, pilot)
        await pilot.press("space")
        await pilot.pause()
        assert "stays as it is: parametrized" in told(app) and "\x1b" not in told(app)
        assert app.screen is app.workbench and not engine.requests(SetHook)


async def test_only_hooks_of_ours_are_deleted(tmp_path: Path):
    async with running(tmp_path, with_hooks(OURS, THEIRS)) as (app, pilot, engine):
        await at_hooks(app, pilot)
        await pilot.press("j", "d")
        await settle(app, pilot)
        assert not engine.requests(RemoveHook) and "only be switched off" in told(app)
        await pilot.press("k", "d")
        await settle(app, pilot)
        assert engine.requests(RemoveHook) == [RemoveHook(1, ("stem",), "forward", 8)]
        assert engine.hooks == [THEIRS]


async def test_changing_opens_the_form_filled_in_and_replaces_the_hook(tmp_path: Path):
    async with running(tmp_path, with_hooks(OURS)) as (app, pilot, engine):
        await at_hooks(app, pilot)
        await pilot.press("i")
        await settle(app, pilot)
        assert isinstance(app.screen, HookForm)
        await pilot.press("5", "ctrl+r")
        await settle(app, pilot)
        assert engine.requests(ReplaceHook) == [
            ReplaceHook(1, ("stem",), "forward", 8, HookSpec("scale", {"factor": 25}, on="input")),
        ]
        assert app.screen is app.workbench and "change scale(25" in told(app)


async def test_the_source_of_a_hook_is_a_layer_of_its_own(tmp_path: Path, monkeypatch):
    async with running(tmp_path, with_hooks(THEIRS)) as (app, pilot, engine):
        places = []
        monkeypatch.setattr(Outside, "edit_file", lambda self, file, line: places.append((file, line)))
        await at_hooks(app, pilot)
        await pilot.press("enter")
        await settle(app, pilot)
        assert engine.requests(AskSource) == [AskSource(1, ("stem",), "post_accumulate_grad", 3, "weight")]
        assert isinstance(app.screen, HookSource)
        assert "7  def hook(module, args, output):" in seen(app) and "/tmp/hooks.py:7" in seen(app)
        await pilot.press("e")
        assert places == [("/tmp/hooks.py", 7)]
        await pilot.press("q")
        assert app.screen is app.workbench


async def test_a_source_that_is_not_there_says_why_and_odd_text_is_only_text(tmp_path: Path):
    engine = with_hooks(THEIRS)
    engine.replies[AskSource] = lambda request: Source((), "forward", NASTY, "", notes=(NASTY, "compiled [/] code"))
    async with running(tmp_path, engine) as (app, pilot, _):
        await at_hooks(app, pilot)
        await pilot.press("enter")
        await settle(app, pilot)
        assert "compiled [/] code" in seen(app)
        assert app.screen.query_one("#layer").border_title.count("\x1b") == 0
        assert "\x1b" not in app.export_screenshot() and "\u202e" not in app.export_screenshot()


async def test_a_long_source_scrolls(tmp_path: Path):
    engine = with_hooks(THEIRS)
    text = "".join(f"line_{n} = {n}\n" for n in range(200))
    engine.replies[AskSource] = lambda request: Source((), "forward", "hook", text, file="/x.py")
    async with running(tmp_path, engine, size=(80, 24)) as (app, pilot, _):
        await at_hooks(app, pilot)
        await pilot.press("enter")
        await settle(app, pilot)
        await pilot.press("G")
        assert "line_199" in seen(app)
        assert app.screen.query_one("#layer").region.bottom <= 24


async def test_all_hooks_are_listed_by_module_and_act_like_those_of_one(tmp_path: Path):
    everywhere = HookRow(5, "global forward", False, NASTY, "prof")
    engine = with_hooks(everywhere, OURS, HookRow(9, "forward", False, "clip", path=("body", "1"), enabled=False))
    async with running(tmp_path, engine) as (app, pilot, _):
        await pilot.press("H")
        await settle(app, pilot)
        shown = seen(app)
        assert "1 of ours · 2 of others · 1 off" in shown
        assert shown.index("the whole process") < shown.index("stem") < shown.index("body.1")
        assert "before every" not in shown and "after every forward  global forward" in shown
        assert "[@click=app.exit]x[/]" in shown and "\x1b" not in app.export_screenshot()
        await pilot.press("j", "space")
        await settle(app, pilot)
        assert engine.requests(SetHook) == [SetHook(1, ("stem",), "forward", 8, False)]
        assert "○ 1 scale" in seen(app)
        await pilot.press("u")
        await settle(app, pilot)
        assert engine.requests(Undo) == [Undo(1)]
        await pilot.press("k", "d")
        await settle(app, pilot)
        assert not engine.requests(RemoveHook)
        await pilot.press("G", "o")
        await pilot.pause()
        assert app.screen is app.workbench and app.workbench.selected_path == ("body", "1")


async def test_a_filter_narrows_all_hooks_and_escape_takes_it_back(tmp_path: Path):
    async with running(tmp_path, with_hooks(OURS, THEIRS)) as (app, pilot, _):
        await pilot.press("H")
        await settle(app, pilot)
        await pilot.press("f", *"trainer", "enter")
        await settle(app, pilot)
        assert "scale" not in seen(app) and "log" in seen(app)
        assert "1 of 2" in str(app.screen.query_one("#layer").border_title)
        await pilot.press("f", "z", "z")
        await pilot.pause()
        assert "no hook has trainerzz in it" in seen(app)
        await pilot.press("escape")
        await pilot.pause()
        assert "log" in seen(app)
        await pilot.press("escape")
        await pilot.pause()
        assert "scale" in seen(app)
        await pilot.press("H")
        assert app.screen is app.workbench


async def test_pages_of_hooks_are_fetched_as_they_are_needed(tmp_path: Path):
    rows = [HookRow(n, "forward", False, f"hook_{n}", path=("stem",)) for n in range(1700)]
    engine = with_hooks(*rows)
    async with running(tmp_path, engine) as (app, pilot, _):
        await pilot.press("H")
        await settle(app, pilot)
        assert [request.first for request in engine.requests(GetAllHooks)] == [0]
        assert "1,700" in str(app.screen.query_one("#layer").border_title)
        await pilot.press("G")
        await settle(app, pilot)
        assert [request.first for request in engine.requests(GetAllHooks)] == [0, 500, 1000, 1500]
        assert "hook_1699" in seen(app)


async def test_all_hooks_say_what_is_wrong_and_an_engine_that_miscounts_is_not_asked_for_ever(tmp_path: Path):
    engine = with_hooks()
    engine.replies[GetAllHooks] = failed("the engine lost them")
    async with running(tmp_path, engine) as (app, pilot, _):
        await pilot.press("H")
        await settle(app, pilot)
        assert "the engine lost them" in seen(app)
        await pilot.press("q")
        engine.replies[GetAllHooks] = lambda request: AllHooks((), 7)
        await pilot.press("H")
        await settle(app, pilot)
        assert "no hooks, on no module" in seen(app)
        assert isinstance(app.screen, AllHooksScreen)


async def test_undo_and_redo_say_what_they_did(tmp_path: Path):
    async with running(tmp_path, with_hooks(OURS)) as (app, pilot, engine):
        await pilot.press("u")
        await settle(app, pilot)
        assert told(app).endswith("nothing to undo")
        await pilot.press("X")
        await settle(app, pilot)
        assert engine.requests(DisableAll) and "all hooks of ours are off" in told(app)
        await pilot.press("u")
        await settle(app, pilot)
        assert told(app).endswith("undone: disable all hooks") and "change" not in title(app)
        await pilot.press("ctrl+r")
        await settle(app, pilot)
        assert told(app).endswith("redone: disable all hooks")
        assert engine.requests(Undo) == [Undo(1), Undo(1), Undo(1, redo=True)]
        await pilot.press("ctrl+r")
        await settle(app, pilot)
        assert told(app).endswith("nothing to redo")


async def test_what_the_engine_refuses_is_told(tmp_path: Path):
    engine = with_hooks(OURS)
    engine.replies[Undo] = failed("not while a pass runs", hint="ctrl+c")
    engine.replies[ListKinds] = failed(f"no kinds {NASTY}")
    async with running(tmp_path, engine) as (app, pilot, _):
        await pilot.press("u", "a")
        await settle(app, pilot)
        assert "not while a pass runs; ctrl+c" in told(app) and "no kinds [@click" in told(app)
        assert app.screen is app.workbench and "\x1b" not in told(app)
        engine.replies[ListKinds] = lambda request: Kinds((KindInfo("scale", "x", "Alter values", ("output",)),))
        await pilot.press("a")
        await settle(app, pilot)
        assert app.screen is not app.workbench, "kinds that could not be listed are asked for again"


@pytest.mark.parametrize("key", ["a", "E", "u", "ctrl+r", "X", "H", "w", "R"])
async def test_without_a_model_there_is_nothing_to_change(tmp_path: Path, key: str):
    async with running(tmp_path) as (app, pilot, engine):
        app.controller.opening.forget()
        engine.asked.clear()
        await pilot.press(key)
        await settle(app, pilot)
        assert "no model yet: o opens one" in told(app) and app.screen is app.workbench and not engine.asked


async def test_hooks_are_written_where_the_person_says(tmp_path: Path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    async with running(tmp_path) as (app, pilot, engine):
        await pilot.press("w")
        box = app.screen.query_one(Input)
        assert box.value == "net-hooks.toml"
        engine.replies[Save] = failed("there is such a file already", hint="type another name")
        await pilot.press("enter")
        await settle(app, pilot)
        assert isinstance(app.screen, FilePrompt)
        assert "there is such a file already" in str(app.screen.query_one("#fault").render())
        del engine.replies[Save]
        await pilot.press("2", "enter")
        await settle(app, pilot)
        file = str(tmp_path / "net-hooks2.toml")
        assert engine.requests(Save)[-1] == Save(1, file)
        assert f"wrote 3 hooks and 1 edit to {file}" in told(app) and app.screen is app.workbench


async def test_what_is_written_says_how_far_it_is_and_stops(tmp_path: Path):
    async with running(tmp_path) as (app, pilot, engine):
        await pilot.press("w")
        engine.doing, engine.stoppable = (7, "writing the file"), True
        app.waits.look()
        app.waits.look()
        engine.say(Work("writing", 3_000_000, 9_000_000, "bytes"))
        await settle(app, pilot)
        title = app.workbench.title_bar.render().plain
        assert "writing  3.0 MB of 9.0 MB" in title and "^c stops" in title
        await pilot.press("ctrl+c")
        await settle(app, pilot)
        assert len(engine.requests(Cancel)) == 1 and isinstance(app.screen, FilePrompt)


async def test_a_recipe_is_read(tmp_path: Path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    async with running(tmp_path) as (app, pilot, engine):
        await pilot.press("R", "enter")
        await settle(app, pilot)
        assert "a file name is needed" in str(app.screen.query_one("#fault").render())
        await pilot.press(*"a.toml", "enter")
        await settle(app, pilot)
        assert engine.requests(LoadRecipe) == [LoadRecipe(1, str(tmp_path / "a.toml"))]
        assert app.screen is app.workbench and "read a.toml" in told(app)


@pytest.mark.parametrize(("target", "name"), [
    ("resnet18", "resnet18-hooks.toml"),
    ("models/net.py:Net", "net-Net-hooks.toml"),
    ("timm:vit_tiny", "timm-vit_tiny-hooks.toml"),
    ("pkg.mod:build", "pkg-build-hooks.toml"),
    ("../a b.pt2", "a-b-hooks.toml"),
    ("", "model-hooks.toml"),
    ("\x1b[/]", "model-hooks.toml"),
])  # fmt: skip
def test_a_recipe_is_named_by_its_target(target: str, name: str):
    assert name_recipe_file(target) == name


def test_what_turned_is_found_by_its_place():
    from inspector.records import Change

    before = Changes(1, (Change("a"), Change("a"), Change("b", True)))
    assert find_turned(before, Changes(1, (Change("a"), Change("a", True), Change("b", True))), undone=True) == "a"
    assert find_turned(before, Changes(1, (Change("a"), Change("a"), Change("b"))), undone=False) == "b"
    assert find_turned(before, before, undone=True) == ""
    both = Changes(1, (Change("first", True), Change("second", True)))
    assert find_turned(Changes(1, (Change("first"), Change("second"))), both, undone=True) == "first"
    assert find_turned(both, Changes(1, (Change("first"), Change("second"))), undone=False) == "second"


def test_the_footer_fits_80_columns():
    assert [command.id for command in fitting_labels(78)] == [
        "help", "quit", "observe", "run", "add-hook", "search", "palette", "filter",
    ]  # fmt: skip


def test_text_goes_through_the_editor_in_a_file_that_nobody_else_reads(tmp_path: Path):
    editor = tmp_path / "editor"
    editor.write_text('#!/bin/sh\nstat -c "%a" "$2" > "$0.mode"\necho "$2" > "$0.file"\necho "# $1" >> "$2"\n')
    editor.chmod(0o755)
    assert edit("code\n", 3, {"EDITOR": str(editor)}) == "code\n# +3\n"
    assert (tmp_path / "editor.mode").read_text() == "600\n"
    assert not Path((tmp_path / "editor.file").read_text().strip()).exists()
    with pytest.raises(OSError):
        edit("code\n", 3, {"EDITOR": str(tmp_path / "no such editor")})
