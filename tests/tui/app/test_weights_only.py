"""How weights without a model look in the app: no pass, no hooks, values first."""

from __future__ import annotations

from pathlib import Path

from inspector.records import GetSource, ListKinds, Observe, Opened, Run, Source
from inspector.tui.bars.header import TitleBar

from ..fake_engine import FakeEngine, failed, info, running

NOTHING = "weights without a model: nothing to call"
NO_HOOKS = "weights without a model: there is nothing to hook"
NO_GRADIENTS = "weights without a model: there are no gradients"


def engine_with_weights() -> FakeEngine:
    engine = FakeEngine()
    facts = info(kind="weights", class_name="Weights", is_model=False, tensors=4, input="", input_origin="")
    engine.opened = Opened(1, facts)
    engine.observed = bytearray(len(engine.observed))
    engine.replies[Run] = engine.replies[Observe] = failed(NOTHING)
    return engine


async def test_they_open_with_their_values_and_without_a_pass(tmp_path: Path):
    async with running(tmp_path, engine_with_weights()) as (app, _, engine):
        title = app.workbench.query_one(TitleBar).render().plain
        assert "weights · 4 tensors · 100 elements" in title and "eval" not in title and "cpu" not in title
        assert not engine.requests(Run)
        assert app.workbench.panels.current.TITLE == "Parameters"
        assert "○" not in app.export_screenshot(simplify=True)  # the mark of a module without a hook


async def test_keys_for_passes_and_hooks_say_that_there_is_nothing_to_call(tmp_path: Path):
    async with running(tmp_path, engine_with_weights()) as (app, pilot, engine):
        for key in "rbmsBL":
            await pilot.press(key)
            await app.workers.wait_for_complete()
            await pilot.pause()
            assert app.screen is app.workbench and not app.state.live and not engine.requests(Run)
        (notice,) = app.host.notices.current
        assert notice.times == 6 and "nothing to run; inspector NAME -w net opens them" in notice.words
        await pilot.press("a")
        await pilot.pause()
        assert app.screen is app.screen_stack[0] and not engine.requests(ListKinds)
        assert any("nothing to hook" in notification.message for notification in app._notifications)
        assert "Names" in app.export_screenshot(simplify=True)


async def test_no_panel_names_a_key_for_what_weights_have_not(tmp_path: Path):
    async with running(tmp_path, engine_with_weights()) as (app, pilot, engine):
        engine.replies[GetSource] = lambda request: Source((), "class", "source", notes=(NOTHING,))
        for key, said in (("1", [NOTHING]), ("4", [NO_HOOKS]), ("7", [NO_GRADIENTS])):
            await pilot.press(key)
            await app.workers.wait_for_complete()
            await pilot.pause()
            assert [line for line in app.workbench.panels.current.copy_text().splitlines() if line.strip()] == said


async def test_no_module_is_kept_as_one_without_its_hook(tmp_path: Path):
    async with running(tmp_path, engine_with_weights()) as (app, _, _engine):
        assert app.workbench.view_state().off == ()
