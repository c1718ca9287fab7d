"""A tried state dict is loaded by enter: at once where all of it fits, else when the person knows what stays."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from inspector.records import Change, Changes, LoadOffer, LoadStateDict, StateDictReport, TryStateDict, Undo
from inspector.tui.screens.confirm import Confirm
from inspector.tui.screens.state_dict import StateDictScreen

from ..fake_engine import FakeEngine, failed, running
from .test_app import settle
from .test_pass_actions import shown, told

WHOLE = LoadOffer(("module.=>",), "without module.", loads=9)
PART = LoadOffer(
    (), "", 1_200, 7, 1, ("fc.weight", "a\x1b[31m[red]", "c", "d", "e"), ("loss.weight",), ("a may be b or c",)
)


def offering(offer: LoadOffer | None) -> FakeEngine:
    engine = FakeEngine()
    engine.replies[TryStateDict] = lambda request: StateDictReport("w.pt", (), 0, {}, (), offer)
    engine.replies[LoadStateDict] = lambda request: Changes(1, (Change("load w.pt without module."),), edited=9)
    return engine


def loaded(engine: FakeEngine) -> list[LoadStateDict]:
    return engine.requests(LoadStateDict)


@pytest.mark.parametrize("size", [(80, 24), (120, 36)])
async def test_what_fits_is_loaded_by_one_key(tmp_path: Path, size: tuple[int, int]):
    async with running(tmp_path, offering(WHOLE), size=size) as (app, pilot, engine):
        await pilot.press("D", *"w.pt", "enter")
        await settle(app, pilot)
        assert "load  all 9 keys fit (without module.): enter loads them" in shown(app)
        assert "enter Load (without module.)" in str(app.screen.query_one("#layer").border_subtitle)
        assert not loaded(engine)
        await pilot.press("enter")
        await settle(app, pilot)
        assert loaded(engine) == [LoadStateDict(1, os.path.abspath("w.pt"), ("module.=>",))]
        assert app.screen is app.workbench and "done: load w.pt without module.; u undoes it" in told(app)
        await pilot.press("u")
        await settle(app, pilot)
        assert len(engine.requests(Undo)) == 1


async def test_what_fits_in_part_is_asked_about(tmp_path: Path):
    async with running(tmp_path, offering(PART), size=(80, 24)) as (app, pilot, engine):
        await pilot.press("D", *"w.pt", "enter")
        await settle(app, pilot)
        assert "load  1,200 of 1,207 keys fit: enter asks first" in shown(app) and "doubt  a may be b or c" in shown(
            app
        )
        await pilot.press("enter")
        await settle(app, pilot)
        assert isinstance(app.screen, Confirm) and not loaded(engine)
        question = app.screen.query_one("Static").render().plain
        assert question.startswith("Load 1,200 of 1,207 keys?\nIn the model 7 stay as they are: fc.weight, ")
        assert "d, e and 2 more." in question and "Of the file 1 is not used: loss.weight." in question
        assert "\x1b" not in question and "[red]" in question
        await pilot.press("n")
        await settle(app, pilot)
        assert not loaded(engine) and app.screen is app.workbench
        await pilot.press("D", "enter")
        await settle(app, pilot)
        await pilot.press("enter")
        await settle(app, pilot)
        await pilot.press("y")
        await settle(app, pilot)
        assert loaded(engine) == [LoadStateDict(1, os.path.abspath("w.pt"), (), partial=True)]


async def test_without_an_offer_enter_does_nothing(tmp_path: Path):
    async with running(tmp_path, offering(None)) as (app, pilot, engine):
        await pilot.press("D", "w", "enter")
        await settle(app, pilot)
        await pilot.press("enter")
        await settle(app, pilot)
        assert isinstance(app.screen, StateDictScreen) and not loaded(engine)
        assert "nothing was written" in str(app.screen.query_one("#layer").border_subtitle)


async def test_a_load_that_fails_is_told(tmp_path: Path):
    engine = offering(WHOLE)
    engine.replies[LoadStateDict] = failed("w.pt holds what the model has already", hint="nothing was changed")
    async with running(tmp_path, engine) as (app, pilot, _):
        await pilot.press("D", "w", "enter")
        await settle(app, pilot)
        await pilot.press("enter")
        await settle(app, pilot)
        assert "w.pt holds what the model has already; nothing was changed" in told(app)
