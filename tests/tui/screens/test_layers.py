"""Layers that are asked to leave more often than once, or while others lie over them."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from rich.style import Style
from textual.events import Click, MouseDown
from textual.widgets import Input

from inspector.records import AnyEvent, AnyRequest, GetAllHooks, ListTargets, Run
from inspector.tui.screens.help.screen import Help
from inspector.tui.screens.options import Options
from inspector.tui.screens.picker import Picker

from ..app.test_hook_actions import settle
from ..fake_engine import FakeEngine, running


async def test_enter_twice_in_the_palette_ends_nothing(tmp_path: Path) -> None:
    async with running(tmp_path) as (app, pilot, _):
        await pilot.press("colon")
        await settle(app, pilot)
        field = app.screen.query_one(Input)
        for _ in range(3):  # as a terminal hands them on: together, before the first is done
            field.post_message(Input.Submitted(field, field.value))
        await settle(app, pilot)
        assert app.is_running


async def test_a_click_on_what_is_no_longer_in_the_list_is_on_nothing(tmp_path: Path) -> None:
    async with running(tmp_path) as (app, pilot, _):
        await pilot.press("o")
        await settle(app, pilot)
        listing = app.screen.query_one(Options)
        stale = Style.from_meta({"option": listing.option_count})
        listing.post_message(Click(listing, 1, 1, 0, 0, 1, False, False, False, style=stale))
        await settle(app, pilot)
        assert app.is_running and app.screen is not app.workbench


async def test_a_click_on_what_was_just_taken_away_is_on_nothing(tmp_path: Path) -> None:
    """A notice goes by itself, and is on the screen until that is drawn anew."""
    async with running(tmp_path) as (app, pilot, _):
        await pilot.press("o")
        await settle(app, pilot)
        listing = app.screen.query_one(Options)
        x, y = listing.region.offset
        parent, listing._parent = listing._parent, None  # as it is from when it is taken away
        where = {"x": x, "y": y, "screen_x": x, "screen_y": y}
        press = MouseDown(None, **where, delta_x=0, delta_y=0, button=1, shift=False, meta=False, ctrl=False)
        app.screen._forward_event(press)
        listing._parent = parent
        assert app.is_running


@pytest.mark.parametrize("key", ["s", "f", "w", "a", "m", "D", "o", "H"])
async def test_a_layer_is_dismissed_once(tmp_path: Path, key: str) -> None:
    async with running(tmp_path) as (app, pilot, _):
        await pilot.press(key)
        await settle(app, pilot)
        layer = app.screen
        if layer is not app.workbench:
            for _ in range(3):
                layer.dismiss(None)
        await settle(app, pilot)
        assert app.screen is app.workbench


async def test_a_layer_that_is_done_takes_those_over_it_along(tmp_path: Path) -> None:
    async with running(tmp_path) as (app, pilot, _):
        await pilot.press("a")
        await settle(app, pilot)
        below = app.screen
        app.push_screen(Help())
        await settle(app, pilot)
        below.dismiss(None)
        await settle(app, pilot)
        assert app.screen is app.workbench


async def test_a_layer_with_others_over_it_is_never_drawn_into_them(tmp_path: Path) -> None:
    """As for the mouse on a layer that is about to be covered."""
    async with running(tmp_path) as (app, pilot, _):
        for layer in (Help(), Picker("Targets", ()), Help()):
            app.push_screen(layer)
            await settle(app, pilot)
        lowest, middle = app.screen_stack[1:3]
        lowest.refresh()
        lowest.get_style_at(0, 0)
        middle.refresh()
        app.screen.refresh()
        await settle(app, pilot)
        assert app.is_running


@pytest.mark.parametrize("turns", range(4))
async def test_a_layer_that_is_done_waits_for_one_that_is_not_yet_over_it(turns: int, tmp_path: Path) -> None:
    async with running(tmp_path) as (app, pilot, _):
        await pilot.press("a")
        await settle(app, pilot)
        below = app.screen
        app.push_screen(Help())
        for _ in range(turns):
            await asyncio.sleep(0)
        below.dismiss(None)
        await settle(app, pilot)
        assert app.screen is app.workbench


@pytest.mark.parametrize("turns", range(4))
@pytest.mark.parametrize("layer", [Help, lambda: Picker("Targets", ())])
async def test_the_app_may_end_before_a_layer_is_there(layer, turns: int, tmp_path: Path) -> None:
    async with running(tmp_path) as (app, _, _):
        app.push_screen(layer())
        for _ in range(turns):
            await asyncio.sleep(0)
        app.exit()
        while app.return_code is None:
            await asyncio.sleep(0)


async def test_nothing_is_laid_over_an_app_that_leaves(tmp_path: Path) -> None:
    async with running(tmp_path) as (app, _, _):
        app.exit()
        await app.host.push(Picker("Targets", ()))
        assert app.screen is app.workbench


async def test_a_layer_may_be_left_before_it_is_there(tmp_path: Path) -> None:
    async with running(tmp_path) as (app, pilot, _):
        for _ in range(3):
            picker = Picker("Targets", ())
            app.push_screen(picker)
            picker.dismiss(None)
        await settle(app, pilot)
        assert app.screen is app.workbench


class SlowEngine(FakeEngine):
    """Answers what lists are filled with when a test lets it."""

    def __init__(self) -> None:
        super().__init__()
        self.may_answer = asyncio.Event()

    async def ask(self, request: AnyRequest) -> AnyEvent:
        if isinstance(request, (ListTargets, GetAllHooks)):
            await self.may_answer.wait()
        return await super().ask(request)


@pytest.mark.parametrize("key", ["o", "H"])
@pytest.mark.parametrize("leaves", [True, False], ids=["while it leaves", "while it comes"])
async def test_an_answer_may_come_at_any_moment(tmp_path: Path, key: str, leaves: bool) -> None:
    engine = SlowEngine()
    async with running(tmp_path, engine) as (app, pilot, _):
        for steps in range(30):  # of the event loop, in which the parts of the layer come and go
            engine.may_answer.clear()
            await pilot.press(key)
            if leaves:
                await pilot.pause()
                app.screen.dismiss(None)
            for _ in range(steps):
                await asyncio.sleep(0)
            engine.may_answer.set()
            await settle(app, pilot)
            if app.screen is not app.workbench:
                app.screen.dismiss(None)
            await settle(app, pilot)
        assert app.is_running


async def test_one_key_does_a_form_from_any_field(tmp_path: Path) -> None:
    async with running(tmp_path) as (app, pilot, engine):
        for key, batches in (("m", 10), ("s", 1)):
            await pilot.press(key, "down", "ctrl+r")
            await settle(app, pilot)
            assert app.screen is app.workbench
            assert [request.batches for request in engine.asked if isinstance(request, Run)][-1] == batches
