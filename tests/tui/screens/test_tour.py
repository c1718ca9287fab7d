"""The tour: five screens, gone through, left and begun again by key, over an app that shows what they tell of."""

from __future__ import annotations

from pathlib import Path

import pytest
from textual.widgets._toast import Toast

from inspector.records import Choice, Choices, Open
from inspector.target_kinds import TOUR
from inspector.tui.keys import key_of
from inspector.tui.saved_state import SavedState
from inspector.tui.screens import tour
from inspector.tui.screens.picker import Picker
from inspector.tui.screens.tour import STOPS, Tour, write_stop

from ..app.test_hook_actions import settle
from ..fake_engine import FakeEngine, running


async def test_the_tour_is_gone_through_skipped_and_replayed(tmp_path: Path):
    async with running(tmp_path, size=(80, 24)) as (app, pilot, _):
        for keys in (("enter",) * 5, ("enter", "q"), ("escape",)):
            await pilot.press("f2")
            await settle(app, pilot)
            assert isinstance(app.screen, Tour) and app.screen.at == 0
            await pilot.press(*keys)
            await settle(app, pilot)
            assert app.screen is app.workbench
        await pilot.press("f2", "enter", "enter")
        await settle(app, pilot)
        assert app.workbench.panels.current.TITLE == "Outputs"
        await pilot.press("left")
        await settle(app, pilot)
        assert app.screen.at == 1 and app.workbench.panels.current.TITLE == "Source"


def test_there_are_five_screens_with_keys_as_they_are():
    assert len(STOPS) == 5
    for stop in STOPS:
        said = write_stop(stop).plain
        assert all(key_of(id) in said for id in stop.keys) and max(map(len, said.splitlines()[1:])) <= 70


async def test_who_has_opened_nothing_yet_is_offered_the_tour(tmp_path: Path):
    async with running(tmp_path, target=None) as (app, pilot, engine):
        await pilot.press(*"tour", "enter")
        await settle(app, pilot)
        assert isinstance(app.screen, Tour) and engine.requests(Open)[-1].target.target == TOUR
        await pilot.press("q")
        await settle(app, pilot)
        await pilot.press("o")
        await settle(app, pilot)
        assert [choice.kind for choice in app.screen._choices if choice.name == TOUR] == ["recent"]


async def test_the_tour_comes_by_itself_once_and_goes_for_a_key_that_was_meant_for_the_app(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(tour, "UNREAD", float("inf"))
    async with running(tmp_path / "state", tour=True) as (app, pilot, _):
        assert isinstance(app.screen, Tour) and app.workbench.model.complete
        await pilot.press("enter", "j")
        await settle(app, pilot)
        assert app.screen is app.workbench and app.workbench.selected == 1
    async with running(tmp_path / "state", tour=True) as (app, pilot, _):
        assert app.screen is app.workbench
    async with running(tmp_path / "other", tour=True, target=None) as (app, pilot, engine):
        assert isinstance(app.screen, Tour) and engine.requests(Open)[-1].target.target == TOUR
        await pilot.press(*"vit")
        await settle(app, pilot)
        assert isinstance(app.screen, Picker) and app.screen.query_one("LineBox").value == "vit"
    assert not SavedState(tmp_path / "state").begin() and not SavedState(Path("/proc/none")).begin()


async def test_a_tour_that_was_read_for_a_while_stays(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(tour, "UNREAD", 0)
    async with running(tmp_path / "state", tour=True) as (app, pilot, _):
        await pilot.press("j")
        await settle(app, pilot)
        assert isinstance(app.screen, Tour)


async def test_what_the_app_asks_by_itself_comes_after_the_tour(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(tour, "UNREAD", 0)
    engine = FakeEngine()
    engine.replies[Open] = lambda request: Choices("models.py", (Choice("models.py:One", "module"),))
    async with running(tmp_path / "state", engine, tour=True) as (app, pilot, _):
        assert isinstance(app.screen, Tour)
        await pilot.press("enter", "q")
        await settle(app, pilot)
        assert isinstance(app.screen, Picker)


@pytest.mark.parametrize("size", [(80, 24), (200, 50)])
async def test_a_notice_leaves_its_keys_in_sight(tmp_path: Path, size: tuple[int, int]):
    async with running(tmp_path, size=size, notifications=True) as (app, pilot, _):
        await pilot.press("f2")
        await settle(app, pilot)
        app.host.tell("first NaN: log, call 0")
        await pilot.pause()
        (said,) = app.screen.query(Toast)
        assert said.region and not said.region.overlaps(app.screen.query_one("#layer").region)
