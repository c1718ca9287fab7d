"""Every screen and every panel in windows that are too small for it, with every key of it."""

from __future__ import annotations

import pkgutil
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path

import pytest
from textual.pilot import Pilot
from textual.screen import Screen
from textual.widgets import Input

import inspector.tui
from inspector.records import (
    Choice,
    Choices,
    InputField,
    KeyRow,
    ListTargets,
    Open,
    Opened,
    Paused,
    Problem,
    Recipe,
    SetStops,
    StateDictReport,
    Stops,
    Target,
    TryStateDict,
)
from inspector.tui.app.app import InspectorApp
from inspector.tui.keys import COMMANDS
from inspector.tui.saved_state import SavedState, ViewState
from inspector.tui.screens.completing_layer import CompletingLayer
from inspector.tui.screens.fields import FieldScroll
from inspector.tui.screens.forms.asking_form import AskingForm
from inspector.tui.screens.forms.small_form import SmallForm
from inspector.tui.screens.help.pages import find_page
from inspector.tui.screens.help.screen import Help
from inspector.tui.screens.layer import Layer
from inspector.tui.screens.options import Options
from inspector.tui.screens.submitting import SubmittingLayer
from inspector.tui.screens.tour import Tour

from ..fake_engine import FakeEngine, info, running
from ..test_payloads import SCREENS

QUICK, OTHERS = ((1, 1), (20, 4)), ((2, 2), (10, 3), (40, 5), (80, 6))
SIZES = [*QUICK, *(pytest.param(size, marks=pytest.mark.slow) for size in OTHERS)]

MOVING = ("down", "up", "pagedown", "pageup", "home", "end", "ctrl+f", "ctrl+d", "ctrl+u", "ctrl+n", "ctrl+p", "G", "g")
UNFINISHED = (SubmittingLayer, CompletingLayer, SmallForm, AskingForm)
"""What layers are made from."""

LEAVING = {"q", "escape", "ctrl+c", "ctrl+k"}
"""Keys that close something, for the end."""

OPENED = {
    **SCREENS,
    "a form of a hook": ("a", "down", "enter"),
    "the code of a hook": ("a", *"python", "enter"),
    "a filter": ("f", "x"),
    "a search": ("slash", "x"),
    "forgetting": ("ctrl+x",),
    "an input": ("r",),
    "python in a stopped pass": ("exclamation_mark", "semicolon"),
    "leaving with hooks": ("X", "q"),
    "hooks of last time": ("A",),
}
KEPT = Recipe("a recipe", tuple(f"body.{number}: zero()" for number in range(12)), ("stem: scale(2)",))


class Talkative(FakeEngine):
    """Has more of everything than fits."""

    def __init__(self) -> None:
        super().__init__()
        self.added = KEPT
        choices = Choices("Targets", tuple(Choice(f"model{number}", "torchvision") for number in range(50)))
        self.replies[ListTargets] = lambda request: choices
        rows = tuple(KeyRow(f"a{number}", "missing", "1×2", "", "b") for number in range(40))
        self.replies[TryStateDict] = lambda request: StateDictReport("f", rows, 40, {"missing": 40}, ("n",))


class Asking(Talkative):
    """Knows no input of its model."""

    def __init__(self) -> None:
        super().__init__()
        fields = tuple(InputField(f"x{number}", "positional", True, "Tensor", "", "1x4") for number in range(12))
        self.opened = Opened(1, info(), fields)


def make_engine(name: str) -> Talkative:
    """One with which the keys of `OPENED` open this screen."""
    engine = Asking() if name == "an input" else Talkative()
    if name == "python in a stopped pass":
        engine.replies[SetStops] = lambda request: stand_still(engine)
    return engine


def stand_still(engine: FakeEngine) -> Stops:
    """As if a pass had come to a stop."""
    engine.say(Paused(1, 1, 1, "before", ("body",)))
    return Stops(1)


def keep_hooks(folder: Path) -> Path:
    """A folder in which hooks of last time are kept."""
    SavedState(folder).keep(Target("net"), ViewState(recipe=KEPT))
    return folder


def keys_of(app: InspectorApp) -> list[str]:
    """What does something here, apart from the keys of the whole app; what closes it comes last."""
    own = [key for key, active in app.screen.active_bindings.items() if active.enabled and active.node is not app]
    return [*MOVING, *(key for key in own if key not in (*LEAVING, *MOVING)), "tab", *MOVING, "enter"]


async def open_screen(app: InspectorApp, pilot: Pilot[None], keys: tuple[str, ...]) -> None:
    """From the bare app, whatever lies over it."""
    while app.screen is not app.workbench:
        app.screen.dismiss()
        await pilot.pause()
    app.workbench.leave()
    await pilot.press(*keys)
    await app.workers.wait_for_complete()
    await pilot.pause()


def screens_and_sizes() -> Iterator[object]:
    """All of them are many: without those that are slow, every screen has one size."""
    for number, name in enumerate(OPENED):
        for size in (*QUICK, *OTHERS):
            slow = size != QUICK[number % len(QUICK)]
            yield pytest.param(name, size, marks=[pytest.mark.slow] * slow, id=f"{name}-{size}")


@pytest.mark.parametrize(("name", "size"), list(screens_and_sizes()))
async def test_every_key_of_every_screen(name: str, size: tuple[int, int], tmp_path: Path) -> None:
    async with running(keep_hooks(tmp_path), make_engine(name), size=size) as (app, pilot, _):
        await open_screen(app, pilot, OPENED[name])
        screen = type(app.screen)
        for key in keys_of(app):
            await pilot.press(key)
            if app.return_code == 0:  # it was the key that leaves
                return
            if type(app.screen) is not screen:
                await open_screen(app, pilot, OPENED[name])
        assert app.is_running


@pytest.mark.parametrize("size", SIZES, ids=str)
async def test_every_key_of_every_panel(size: tuple[int, int], tmp_path: Path) -> None:
    async with running(tmp_path, Talkative(), size=size) as (app, pilot, _):
        for panel in "123456789":
            await open_screen(app, pilot, (panel, "tab"))
            for key in keys_of(app):
                await pilot.press(key)
                if app.screen is not app.workbench:
                    await open_screen(app, pilot, (panel, "tab"))


@pytest.mark.parametrize("size", SIZES, ids=str)
async def test_every_key_of_the_app(size: tuple[int, int], tmp_path: Path) -> None:
    async with running(tmp_path, Talkative(), size=size) as (app, pilot, _):
        for key in (key for command in COMMANDS for key in command.keys.split(",") if key not in LEAVING):
            await open_screen(app, pilot, (key,))


@pytest.mark.parametrize("name", ["a form of a hook", "batches", "an input"])
async def test_arrows_go_to_every_field_where_not_all_are_in_sight(name: str, tmp_path: Path) -> None:
    async with running(tmp_path, make_engine(name), size=(80, 12)) as (app, pilot, _):
        await open_screen(app, pilot, OPENED[name])
        focused = [app.focused]
        for _ in range(3):
            await pilot.press("down")
            focused.append(app.focused)
        assert len(set(focused)) == 4
        for before in reversed(focused[:-1]):
            await pilot.press("up")
            assert app.focused is before


def screens_of_the_app() -> Iterator[type[Screen]]:
    """Every kind of layer that there is, whoever wrote it."""
    for module in pkgutil.walk_packages(inspector.tui.__path__, "inspector.tui."):
        if not module.name.endswith("__main__"):
            import_module(module.name)
    found = list(Layer.__subclasses__())
    for each in found:
        found += each.__subclasses__()
    return (each for each in found if each.__module__.startswith("inspector.") and each not in UNFINISHED)


async def check_help(app: InspectorApp, pilot: Pilot[None], keys: tuple[str, ...]) -> None:
    """Each screen says which key opens its page of help, and that key does."""
    title = app.host.layer_page or app.workbench.pane_title
    below = app.screen
    if isinstance(below, Help):
        return
    if below is not app.workbench and not isinstance(below, Tour):
        key = "F1" if isinstance(app.focused, Input) else ""
        assert f"{key} Help" in str(below.query_one("#layer").border_subtitle)
    await pilot.press("f1")
    await pilot.pause()
    assert isinstance(app.screen, Help) and app.screen.title_shown == title and find_page(title) is not None
    await pilot.press("q")
    await pilot.pause()
    assert app.screen is below


async def test_no_screen_is_forgotten(tmp_path: Path) -> None:
    seen = set()
    for name, keys in OPENED.items():
        async with running(keep_hooks(tmp_path), make_engine(name)) as (app, pilot, _):
            await open_screen(app, pilot, keys)
            seen |= {type(screen) for screen in app.screen_stack}
            await check_help(app, pilot, keys)
    assert not set(screens_of_the_app()) - seen


@pytest.mark.parametrize("size", SIZES, ids=str)
@pytest.mark.parametrize("keys", [("colon",), ("o",), ("a",)], ids=["palette", "targets", "kinds of hooks"])
async def test_a_list_that_has_the_keyboard_pages(keys: tuple[str, ...], size: tuple[int, int], tmp_path: Path) -> None:
    async with running(tmp_path, Talkative(), size=size) as (app, pilot, _):
        await open_screen(app, pilot, keys)
        listing = app.screen.query_one(Options)
        listing.focus()
        for _ in range(listing.option_count):
            listing.action_page_down()
        assert listing.highlighted == listing.option_count - 1
        for _ in range(listing.option_count):
            listing.action_page_up()
        assert listing.highlighted is not None and listing.highlighted <= 1  # the first may be a heading


async def test_at_80x24_the_form_of_four_arguments_needs_no_scrolling(tmp_path: Path):
    engine = FakeEngine()
    fields = tuple(InputField(name, "positional", required=True) for name in ("ids", "mask", "labels", "index"))
    engine.replies[Open] = lambda request: Opened(1, info(), form=fields, problem=Problem("no input runs"))
    async with running(tmp_path, engine, size=(80, 24)) as (app, _, _):
        assert app.screen.query_one(FieldScroll).max_scroll_y == 0
