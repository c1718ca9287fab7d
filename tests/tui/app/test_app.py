"""What keys and the engine's words do to the app, with an engine that answers by a script."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from msgspec.structs import replace
from textual.widgets import Input, OptionList, Static

from inspector.records import (
    Calls,
    Cancel,
    Choice,
    Choices,
    GetCalls,
    GetSource,
    InputField,
    Observe,
    Open,
    Opened,
    PassEnded,
    Problem,
    Progress,
    Run,
    SetInput,
    Stage,
    Target,
    TraceLine,
    Work,
)
from inspector.tui.app.app import InspectorApp
from inspector.tui.bars.footer import fitting_labels
from inspector.tui.bars.header import TitleBar
from inspector.tui.bars.pass_words import bar
from inspector.tui.bars.prompt import PromptBar
from inspector.tui.bars.tabs import Tab, fit_tabs
from inspector.tui.messages import EngineGone, EngineOutput
from inspector.tui.panels.gradients import GradientsPanel
from inspector.tui.panels.history import HistoryPanel
from inspector.tui.panels.source import SourcePanel
from inspector.tui.saved_state import SavedState, ViewState
from inspector.tui.screens.form import InputForm
from inspector.tui.screens.forms.seed import SeedDialog
from inspector.tui.screens.help.screen import Help
from inspector.tui.screens.picker import Picker

from ..fake_engine import FakeEngine, failed, info, running


async def settle(app, pilot) -> None:
    """Until every worker is done and everything they posted is handled."""
    await pilot.pause()
    await app.workers.wait_for_complete()
    await pilot.pause()


def title(app) -> str:
    return app.workbench.query_one(TitleBar).render().plain


async def test_a_model_is_opened_and_run(tmp_path: Path):
    async with running(tmp_path) as (app, _, engine):
        assert [type(request) for request in engine.asked[:2]] == [Open, Run]
        assert len(app.state.model.rows) == 5
        assert len(app.state.model.calls) == 5
        assert "net" in title(app) and "pass 1" in title(app) and "5 hooks" in title(app)


async def test_what_is_said_of_the_model_is_in_the_log(tmp_path: Path):
    engine = FakeEngine()
    engine.replies[Open] = lambda request: Opened(1, info(notes=("unflattened [/]", "dynamic shapes: x")))
    async with running(tmp_path, engine) as (app, _, _):
        assert (
            "unflattened [/]" in app.presenter.log_panel.copy_text()
            and "dynamic shapes: x" in app.presenter.log_panel.copy_text()
        )


async def test_no_pass_where_none_is_wanted(tmp_path: Path):
    async with running(tmp_path, target={"target": "net", "run": False}) as (_, _, engine):
        assert not engine.requests(Run)


async def test_the_stage_is_shown_until_the_model_is_there(tmp_path: Path):
    engine = FakeEngine()
    engine.replies[Open] = lambda request: Stage("not an answer that opens")
    async with running(tmp_path, engine) as (app, pilot, _):
        engine.say(Stage("importing torch"))
        await pilot.pause()
        assert "importing torch" in title(app)


async def test_nothing_is_said_of_loading_where_nothing_is_opened(tmp_path: Path):
    async with running(tmp_path, FakeEngine(), target=None) as (app, pilot, engine):
        engine.say(Stage("importing torch"))
        await pilot.pause()
        assert "o opens one" in title(app)


async def test_a_mistyped_target_ends_the_app_and_is_said_after(tmp_path: Path):
    engine = FakeEngine()
    engine.replies[Open] = failed("there is no resnet81", exit_code=2, hint="did you mean resnet18?")
    async with running(tmp_path, engine) as (app, pilot, _):
        await pilot.pause()
    assert app.return_code == 2
    assert "resnet81" in app.state.exit_messages[0] and "resnet18" in app.state.exit_messages[0]


async def test_code_that_fails_while_loading_is_shown_and_can_be_tried_again(tmp_path: Path):
    engine = FakeEngine()
    engine.replies[Open] = failed("ValueError: no", traceback=(TraceLine("a"), TraceLine("b")))
    async with running(tmp_path, engine) as (app, pilot, _):
        assert app.workbench.panels.current.TITLE == "Log"
        assert "ValueError: no" in title(app)
        engine.say(Stage("loading it"))  # said before, heard after: replies take another way
        await settle(app, pilot)
        assert "ValueError: no" in title(app)
        del engine.replies[Open]
        await pilot.press("ctrl+k")
        await settle(app, pilot)
        assert engine.restarts == 1 and app.state.ready


async def test_what_failed_and_how_to_try_again_are_in_sight_at_80_columns(tmp_path: Path):
    lines = tuple(TraceLine(f'File "net.py", line {number}', place=True) for number in range(30))
    said = "ValueError: these weights are somewhere else, and nobody has told us where that would be"
    engine = FakeEngine()
    engine.replies[Open] = failed(said, traceback=lines)
    async with running(tmp_path, engine, size=(80, 24)) as (app, _, _engine):
        log = app.presenter.log_panel
        assert "ValueError" in log.view.render_line(0).text
        assert title(app).endswith("o opens another, ^k tries again")


async def test_a_file_with_several_models_asks_which(tmp_path: Path):
    engine = FakeEngine()
    choices = Choices("models.py", (Choice("models.py:One", "module"), Choice("models.py:Two", "module")))
    engine.replies[Open] = lambda request: choices if request.target.target == "models.py" else engine.opened
    async with running(tmp_path, engine, target={"target": "models.py", "inputs": ["1x3"]}) as (app, pilot, _):
        assert isinstance(app.screen, Picker)
        await pilot.press("T", "w", "enter")
        await settle(app, pilot)
        assert engine.requests(Open)[-1].target == Target("models.py:Two", inputs=("1x3",))


async def test_without_a_target_a_picker_offers_recent_and_known_ones(tmp_path: Path):
    mine = Target("mine.py:Net", (("width", "64"),), inputs=("1x3x8x8",), seed=7)
    SavedState(tmp_path).add_recent(mine)
    async with running(tmp_path, target=None) as (app, pilot, engine):
        await settle(app, pilot)
        listing = app.screen.query_one(OptionList)
        assert listing.option_count == 3
        assert "width=64 -i 1x3x8x8" in str(listing.get_option_at_index(0).prompt)
        await pilot.press("v", "i", "t")
        assert "vit_b_16" in str(listing.get_option_at_index(0).prompt)
        await pilot.press("backspace", "backspace", "backspace", "enter")
        await settle(app, pilot)
        assert engine.requests(Open)[-1].target == mine


async def test_leaving_the_first_picker_leaves_the_app(tmp_path: Path):
    async with running(tmp_path, target=None) as (app, pilot, _):
        await pilot.press("escape")
        await pilot.pause()
    assert app.return_code == 0


WRONG = Problem("RuntimeError: shapes", why="fc (Linear) takes a last dimension of 7\nand got 1×4 float32")


async def test_an_unknown_input_is_asked_for(tmp_path: Path):
    engine = FakeEngine()
    fields = (InputField("x", "positional", True, "Tensor"), InputField("scale", "keyword", False, default="1.0"))
    engine.opened = Opened(1, info(input="", input_origin=""), fields, WRONG)
    engine.replies[SetInput] = lambda request: Opened(1, info())
    async with running(tmp_path, engine) as (app, pilot, _):
        assert isinstance(app.screen, InputForm)
        said = "\n".join(str(each.render()) for each in app.screen.query(Static))
        assert "The guess failed: RuntimeError: shapes" in said and "fc (Linear) takes" in said
        app.screen.query(Input).first().value = "1xx3"
        await pilot.press("enter", "enter")
        assert isinstance(app.screen, InputForm) and not engine.requests(SetInput)
        app.screen.query(Input).first().value = "1x3"
        app.screen.query(Input).last().value = "2x2"
        await pilot.press("enter")
        await settle(app, pilot)
        assert engine.requests(SetInput)[-1].specs == ("1x3", "scale=2x2")
        assert len(engine.requests(Run)) == 1


async def test_the_selection_fills_the_showing_panel_only(tmp_path: Path):
    async with running(tmp_path) as (app, pilot, engine):
        engine.asked.clear()
        await pilot.press("j")
        await settle(app, pilot)
        assert [type(request) for request in engine.asked] == [GetSource]
        assert engine.asked[-1].path == ("stem",)
        await pilot.press("2")
        await settle(app, pilot)
        assert isinstance(engine.asked[-1], GetCalls)


async def test_an_overtaken_reply_is_not_shown_and_moving_asks_no_more_than_is_answered(tmp_path: Path):
    async with running(tmp_path) as (app, pilot, engine):
        gate = asyncio.Event()
        answer = engine.ask
        asked = []

        async def slow(request):
            asked.append(request.path)
            await gate.wait()
            return await answer(request)

        engine.ask = slow
        shown = []
        panel = app.workbench.panels.current
        panel.show = lambda event: shown.append(event.path)
        await pilot.press("j", "j", "j")
        await pilot.pause()
        assert asked == [("stem",)]
        gate.set()
        await settle(app, pilot)
        assert len(asked) == 2 and shown == [asked[-1]]


async def test_panels_by_number_by_bracket_and_by_tab(tmp_path: Path):
    async with running(tmp_path) as (app, pilot, _):
        detail = app.workbench.panels
        await pilot.press("3")
        assert detail.current.TITLE == "Parameters"
        await pilot.press("right_square_bracket")
        assert detail.current.TITLE == "Hooks"
        await pilot.press("left_square_bracket", "left_square_bracket")
        assert detail.current.TITLE == "Outputs"
        await pilot.press("9")
        assert detail.current.TITLE == "Outputs"
        await pilot.press("tab")
        assert app.workbench.focused_panel is detail.current
        await pilot.press("4")
        assert app.workbench.focused_panel is detail.current
        await pilot.press("tab")
        assert app.workbench.in_tree


async def test_a_click_on_a_tab_shows_its_panel(tmp_path: Path):
    async with running(tmp_path) as (app, pilot, _):
        detail = app.workbench.panels
        await pilot.click("#detail", offset=(16, 0))
        assert detail.current.TITLE == "Outputs"


async def test_the_call_site_is_one_key_away(tmp_path: Path):
    async with running(tmp_path) as (app, pilot, engine):
        await pilot.press("2", "c")
        await settle(app, pilot)
        assert app.workbench.panels.current.TITLE == "Source"
        assert engine.requests(GetSource)[-1].part == "site"


async def test_keys_of_the_panel_that_shows_work_from_the_tree(tmp_path: Path):
    async with running(tmp_path) as (app, pilot, _):
        panels, tree = app.workbench.panels, app.workbench.module_tree
        source, history, gradients = (panels.find(kind) for kind in (SourcePanel, HistoryPanel, GradientsPanel))
        await pilot.press("v")
        assert source.part == "forward" and app.focused is tree
        times = gradients.times
        panels.show(HistoryPanel)
        await pilot.press("x", "v")
        assert history.log_scale and gradients.times == times and source.part == "forward"
        panels.show(GradientsPanel)
        await pilot.press("x")
        assert history.log_scale and gradients.times != times
        await pilot.press("slash", *"xv.")
        assert app.workbench.query_one(Input).value == "xv."
        assert gradients.times != times and source.part == "forward"


async def test_space_toggles_a_module_a_subtree_and_the_matches_of_a_filter(tmp_path: Path):
    async with running(tmp_path) as (app, pilot, engine):
        await pilot.press("j", "space")
        await settle(app, pilot)
        assert engine.requests(Observe)[-1] == Observe(1, (("stem",),), subtree=False, on=False)
        assert app.state.model.mark_of(1) == 0
        await pilot.press("space")
        await settle(app, pilot)
        assert engine.requests(Observe)[-1].on
        await pilot.press("j", "space")
        await settle(app, pilot)
        assert engine.requests(Observe)[-1] == Observe(1, (("body",),), subtree=True, on=False)
        await pilot.press("f", *"class:Linear", "enter", "space")
        await settle(app, pilot)
        assert engine.requests(Observe)[-1] == Observe(1, (("body", "0"), ("body", "1")), subtree=False, on=True)


async def test_progress_is_shown_while_a_pass_runs_and_ctrl_c_cancels_it(tmp_path: Path):
    async with running(tmp_path) as (app, pilot, engine):
        ended = asyncio.Event()

        async def slow(request):
            engine.asked.append(request)
            if isinstance(request, Run):
                await ended.wait()
            return engine.end_pass() if isinstance(request, Run) else None

        engine.ask = slow
        await pilot.press("r")
        engine.say(Progress(1, 3, 5, 3, 40.0))
        await pilot.pause()
        assert "3/5" in title(app)
        await pilot.press("ctrl+c")
        await pilot.pause()
        assert engine.requests(Cancel)
        assert app.is_running
        ended.set()


async def test_live_runs_again_when_a_pass_has_ended_with_a_fresh_input_if_wanted(tmp_path: Path):
    async with running(tmp_path) as (app, pilot, engine):
        later = []
        app.host.later = lambda seconds, call: later.append((seconds, call))
        app.state.fresh = True
        await pilot.press("L")
        await settle(app, pilot)
        assert engine.requests(Run)[-1] == Run(1, 2, fresh_input=True)
        assert "live" in title(app)
        seconds, again = later[-1]
        assert 0 <= seconds <= 0.25
        again()
        await settle(app, pilot)
        assert engine.requests(Run)[-1] == Run(1, 3, fresh_input=True)
        await pilot.press("L")
        await settle(app, pilot)
        runs = len(engine.requests(Run))
        later[-1][1]()
        await settle(app, pilot)
        assert len(engine.requests(Run)) == runs and "live" not in title(app)


async def test_a_pass_that_fails_is_shown_once_and_ends_live_mode(tmp_path: Path):
    engine = FakeEngine()
    problem = Problem("shapes do not fit", kind="RuntimeError", path=("body", "1"), traceback=(TraceLine("here"),))
    async with running(tmp_path, engine) as (app, pilot, _):
        engine.replies[Run] = lambda request: engine.end_pass(problem)
        app.state.live = True
        await pilot.press("r")
        await settle(app, pilot)
        assert app.workbench.selected_path == ("body", "1")
        assert app.workbench.panels.current.TITLE == "Log"
        assert not app.state.live and "RuntimeError" in title(app)
        await pilot.press("1", "g", "r")
        await settle(app, pilot)
        assert app.workbench.selected_path == () and app.workbench.panels.current.TITLE == "Source"
        await pilot.press("q")
    assert app.return_code == 1


async def test_seed_and_input_are_changed_together(tmp_path: Path):
    async with running(tmp_path) as (app, pilot, engine):
        await pilot.press("s")
        assert isinstance(app.screen, SeedDialog)
        app.screen.query_one("#seed", Input).value = "x"
        await pilot.press("enter")
        assert isinstance(app.screen, SeedDialog)
        app.screen.query_one("#seed", Input).value = "42"
        await pilot.press("tab", "tab", "space", "enter")
        await settle(app, pilot)
        assert app.state.fresh
        assert engine.requests(Run)[-1] == Run(1, 42) and not engine.requests(SetInput)
        await pilot.press("s")
        app.screen.query_one("#specs", Input).value = "2x3 y=2x2"
        await pilot.press("enter")
        await settle(app, pilot)
        assert engine.requests(SetInput)[-1].specs == ("2x3", "y=2x2")


async def test_an_input_that_runs_is_offered_where_the_one_there_is_does_not(tmp_path: Path):
    async with running(tmp_path) as (app, pilot, engine):
        engine.say(engine.end_pass(Problem("does not fit", inputs=("1x4:int64:0..9", "y=[2]"))))
        await settle(app, pilot)
        await pilot.press("s", "enter")
        await settle(app, pilot)
        assert engine.requests(SetInput)[-1].specs == ("1x4:int64:0..9", "y=[2]")


async def test_rows_and_passes_of_another_generation_are_dropped(tmp_path: Path):
    async with running(tmp_path) as (app, pilot, engine):
        event = engine.end_pass()
        engine.say(PassEnded(9, event.summary))
        await pilot.pause()
        assert "pass 1" in title(app)


async def test_a_dead_engine_is_said_and_what_was_captured_stays(tmp_path: Path):
    async with running(tmp_path) as (app, pilot, engine):
        engine.alive = False
        app.post_message(EngineOutput("stderr", "out of memory\n"))
        app.post_message(EngineGone(Problem("the engine was killed by SIGSEGV", hint="ctrl+k starts it again")))
        await settle(app, pilot)
        assert "^k starts it again" in title(app)
        assert (
            "out of memory" in app.presenter.log_panel.copy_text() and "SIGSEGV" in app.presenter.log_panel.copy_text()
        )
        assert len(app.state.model.calls) == 5
        engine.asked.clear()
        await pilot.press("r")
        await settle(app, pilot)
        assert not engine.requests(Run) and not app.state.running


async def test_a_new_engine_gets_the_target_the_hooks_and_the_selection(tmp_path: Path):
    async with running(tmp_path) as (app, pilot, engine):
        await pilot.press("j", "space", "3")
        await settle(app, pilot)
        engine.asked.clear()
        engine.observed[:] = b"\x01" * 5
        await pilot.press("ctrl+k")
        await settle(app, pilot)
        await settle(app, pilot)
        assert engine.restarts == 1
        assert engine.requests(Observe) == [Observe(1, (("stem",),), subtree=False, on=False)]
        assert app.workbench.selected_path == ("stem",)
        assert app.workbench.panels.current.TITLE == "Parameters"


async def test_a_joined_engine_is_not_restarted(tmp_path: Path):
    engine = FakeEngine()
    engine.ours = False
    async with running(tmp_path, engine) as (app, pilot, _):
        await pilot.press("ctrl+k")
        await settle(app, pilot)
        assert engine.restarts == 0 and app.state.ready


async def test_q_closes_the_top_layer_then_quits(tmp_path: Path):
    async with running(tmp_path) as (app, pilot, _):
        await pilot.press("question_mark")
        assert isinstance(app.screen, Help)
        await pilot.press("q")
        assert app.screen is app.workbench
        await pilot.press("plus", "q")
        assert app.is_running and not app.workbench.module_tree.has_class("-zoomed")
        await pilot.press("q")
    assert app.return_code == 0


async def test_ctrl_c_asks_before_it_quits(tmp_path: Path):
    async with running(tmp_path) as (app, pilot, _):
        await pilot.press("ctrl+c")
        assert app.is_running
        await pilot.press("ctrl+c")
        await pilot.pause()
    assert app.return_code == 0


async def test_search_and_filter_act_while_typing_and_escape_takes_them_back(tmp_path: Path):
    async with running(tmp_path) as (app, pilot, _):
        tree = app.workbench.module_tree
        await pilot.press("slash", *"body")
        await pilot.pause()
        assert app.workbench.selected_path == ("body",)
        await pilot.press("enter")
        assert app.focused is tree
        await pilot.press("f", *"stem")
        await pilot.pause()
        assert tree.options.matches == [1]
        assert app.workbench.query_one(PromptBar).is_open
        await pilot.press("escape")
        await pilot.pause()
        assert tree.filter == "" and app.focused is tree


async def test_the_palette_and_the_footer_perform_commands_wherever_they_live(tmp_path: Path):
    async with running(tmp_path) as (app, pilot, _):
        await app.action_perform("order")
        assert app.workbench.module_tree.order and not app.workbench.module_tree.nested
        await app.action_perform("order")
        assert app.workbench.module_tree.order and app.workbench.module_tree.nested
        await app.action_perform("order")
        assert not app.workbench.module_tree.order
        await app.action_perform("collapse-all")
        assert app.workbench.module_tree.expanded == {0}
        await app.action_perform("part")
        assert app.workbench.panels.current.TITLE == "Source"
        await pilot.press("colon")
        await pilot.pause()
        assert app.screen is not app.workbench
        await pilot.press(*"help: every", "enter")
        await settle(app, pilot)
        assert isinstance(app.screen, Help)


async def test_a_click_on_the_footer_does_what_it_says(tmp_path: Path):
    async with running(tmp_path) as (app, pilot, _):
        await pilot.click("#keys", offset=(3, 0))
        await pilot.pause()
        assert isinstance(app.screen, Help)


async def test_state_is_kept_and_comes_back(tmp_path: Path):
    async with running(tmp_path) as (app, pilot, _):
        await pilot.press("j", "space", "4", "q")
        await settle(app, pilot)
    kept = SavedState(tmp_path).recall(Target("net"))
    assert (kept.selected, kept.panel, kept.off) == (("stem",), "Hooks", (("stem",),))
    async with running(tmp_path) as (app, _, engine):
        assert app.workbench.selected_path == ("stem",)
        assert app.workbench.panels.current.TITLE == "Hooks"
        assert engine.requests(Observe) == [Observe(1, (("stem",),), subtree=False, on=False)]
        assert isinstance(engine.asked[1], Observe)


async def test_a_module_that_was_asked_for_wins_over_the_one_kept(tmp_path: Path):
    SavedState(tmp_path).keep(Target("net"), ViewState(selected=("stem",)))
    async with running(tmp_path, select="body.1") as (app, _, _):
        assert app.workbench.selected_path == ("body", "1")


async def test_the_root_may_be_asked_for_by_the_name_that_is_shown(tmp_path: Path):
    SavedState(tmp_path).keep(Target("net"), ViewState(selected=("stem",)))
    async with running(tmp_path, select="(root)") as (app, _, _):
        assert app.workbench.selected_path == ()


async def test_forgetting_asks_and_then_keeps_nothing(tmp_path: Path):
    SavedState(tmp_path).keep(Target("net"), ViewState(selected=("stem",)))
    async with running(tmp_path) as (_, pilot, _):
        await pilot.press("ctrl+x", "y")
        await pilot.pause()
        assert SavedState(tmp_path).recall(Target("net")) == ViewState()
        await pilot.press("q")
    assert SavedState(tmp_path).recall(Target("net")) == ViewState()


async def test_text_from_a_model_is_never_markup(tmp_path: Path):
    engine = FakeEngine()
    nasty = "[@click=app.exit]x[/] \x1b]52;c;eA==\x07 [/"
    engine.opened = Opened(1, info(target=nasty, kind=nasty, device=nasty))
    async with running(tmp_path, engine) as (app, pilot, _):
        app.host.tell(nasty)
        app.post_message(EngineGone(Problem(nasty, hint=nasty, kind=nasty)))
        await settle(app, pilot)
        assert "[@click=app.exit]x[/]" in title(app) or "^k" in title(app)
        assert "\x1b" not in app.export_screenshot()


@pytest.mark.parametrize(("size", "portrait"), [((80, 24), True), ((120, 36), False)])
async def test_the_panes_lie_on_each_other_in_a_narrow_terminal(tmp_path: Path, size, portrait):
    async with running(tmp_path, size=size) as (app, pilot, _):
        tree, detail = app.workbench.module_tree.region, app.workbench.panels.region
        assert (tree.x == detail.x) == portrait
        before = tree.size
        await pilot.press("greater_than_sign")
        await pilot.pause()
        assert app.workbench.module_tree.region.size != before


async def test_a_terminal_that_is_too_small_says_so(tmp_path: Path):
    async with running(tmp_path, size=(39, 11)) as (app, _, _):
        assert app.workbench.query_one("#too-small").region.area > 0
        assert app.workbench.module_tree.region.area == 0


async def test_ascii_draws_with_ascii_only(tmp_path: Path):
    engine = FakeEngine()
    engine.opened = Opened(1, info(target="net"))
    async with running(tmp_path, engine, ascii=True) as (app, pilot, _):
        assert title(app).isascii()
        engine.say(Progress(1, 3, 5, 3, 40.0))
        app.workbench.title_bar.running = True
        await pilot.pause()
        assert title(app).isascii() and "[#######.....]" in title(app)
        assert app.workbench.panels.styles.border_top[0] == "ascii"


def test_the_footer_gives_way_by_rank_and_is_never_clipped():
    assert [c.id for c in fitting_labels(200)][:2] == ["help", "quit"]
    assert fitting_labels(200)[-1].id == "zoom"
    assert [c.id for c in fitting_labels(14)] == ["help", "quit"]
    assert fitting_labels(3) == []


def test_tabs_shorten_before_they_are_cut():
    tabs = [Tab("Source", "Src"), Tab("Out"), Tab("Norms")]
    assert fit_tabs(tabs, 40) == (["1 Source", "2 Out", "3 Norms"], "  ")
    assert fit_tabs(tabs, 25) == (["1 Source", "2 Out", "3 Norms"], " ")
    assert fit_tabs(tabs, 22) == (["1Source", "2Out", "3Norms"], " ")
    assert fit_tabs(tabs, 18) == (["1Src", "2Out", "3Norm"], " ")
    assert fit_tabs(tabs, 17) == (["1Src", "2Out", "3Nor"], " ")
    assert fit_tabs(tabs, 9) == (["1", "2", "3"], " ")


def test_a_progress_bar_is_as_long_whatever_is_done():
    assert {len(bar(share, 12)) for share in (-1, 0, 0.5, 1, 7)} == {14}
    assert bar(0.5, 12, ascii=True) == "[######......]"


class SlowEngine(FakeEngine):
    """Takes its time with the calls of the root."""

    def __init__(self) -> None:
        super().__init__()
        self.gate = asyncio.Event()

    async def ask(self, request):
        if isinstance(request, GetCalls) and not request.path:
            self.asked.append(request)
            await self.gate.wait()
        return await super().ask(request)


async def test_what_is_known_is_shown_while_the_values_are_fetched(tmp_path: Path):
    async with running(tmp_path, SlowEngine()) as (app, pilot, engine):
        await pilot.press("2")
        await pilot.pause()
        engine.say(Calls(1, 1, (), 0, "of another module", path=("stem",)), Calls(1, 1, (), 0, "so far", path=()))
        await pilot.pause()
        assert "so far" in app.workbench.panels.current.copy_text()
        engine.gate.set()
        await settle(app, pilot)


async def test_a_request_that_takes_a_pass_is_overtaken(tmp_path: Path):
    engine = SlowEngine()
    engine.replies[GetCalls] = lambda request: Calls(1, 1, (), 0, f"calls of {request.path}", path=request.path)
    async with running(tmp_path, engine) as (app, pilot, _):
        await pilot.press("2")
        await pilot.press("j")
        await pilot.pause()
        assert "calls of ('stem',)" in app.workbench.panels.current.copy_text()
        engine.gate.set()
        await settle(app, pilot)
        assert "calls of ('stem',)" in app.workbench.panels.current.copy_text()


async def test_the_model_is_there_while_its_input_is_guessed(tmp_path: Path) -> None:
    engine = FakeEngine()
    found = engine.opened
    engine.opened = replace(found, guessing=True, info=info(input=""))
    async with running(tmp_path, engine) as (app, pilot, engine):
        assert len(app.state.model.rows) == 5 and not engine.requests(Run)
        engine.say(Work("finding an input", 3, 25, "tries"))
        await pilot.pause()
        app.workbench.title_bar.elapsed = 2.1
        assert "finding an input  try 3 of 25" in title_of(app) and "2.1 s  ^c stops" in title_of(app)
        await pilot.press("r", "ctrl+c")
        await app.workers.wait_for_complete()
        assert not engine.requests(Run) and len(engine.requests(Cancel)) == 1
        engine.say(found)
        await app.workers.wait_for_complete()
        await pilot.pause()
        assert len(engine.requests(Run)) == 1 and app.state.model.summary is not None
        engine.say(Work("finding an input", 4, 25, "tries"))  # said before, heard after
        await pilot.pause()
        assert "finding" not in title_of(app)


async def test_loading_says_how_far_it_is_and_can_be_stopped(tmp_path: Path) -> None:
    engine = FakeEngine()
    async with running(tmp_path, engine) as (app, pilot, engine):
        app.controller.opening.forget()
        app.presenter.wait()
        engine.busy = True
        engine.say(Work("building", 1312, unit="modules"))
        await pilot.pause()
        app.workbench.title_bar.elapsed = 0.7
        assert "building  1,312 modules  0.7 s  ^c stops" in title_of(app)
        await pilot.press("ctrl+c")
        await app.workers.wait_for_complete()
        await pilot.pause()
        assert not engine.alive and "gone" in app.workbench.title_bar.alarm and "building" not in title_of(app)


async def test_whatever_takes_long_is_named_in_the_title_until_it_is_over(tmp_path: Path) -> None:
    async with running(tmp_path) as (app, _, engine):
        engine.doing = 7, "loading the state dict"
        app.waits.look()
        assert "loading" not in title_of(app)
        app.waits.look()
        assert "loading the state dict" in title_of(app) and "^k kills the engine" in title_of(app)
        engine.doing = 8, "undoing"
        app.waits.look()
        assert "loading" not in title_of(app) and "undoing" not in title_of(app)


async def test_a_pass_that_fetches_values_is_stopped_by_the_key_of_every_pass(tmp_path: Path) -> None:
    async with running(tmp_path) as (app, pilot, engine):
        engine.doing, engine.stoppable = (7, "fetching values"), True
        app.waits.look()
        app.waits.look()
        assert "fetching values" in title_of(app) and "^c stops" in title_of(app)
        await pilot.press("ctrl+c")
        await app.workers.wait_for_complete()
        assert len(engine.requests(Cancel)) == 1 and app.is_running


def title_of(app: InspectorApp) -> str:
    return app.workbench.title_bar.render().plain


async def test_a_busy_engine_is_only_killed_and_what_it_left_can_be_looked_at(tmp_path: Path) -> None:
    async with running(tmp_path) as (app, pilot, engine):
        engine.busy = True
        await pilot.press("ctrl+k")
        await app.workers.wait_for_complete()
        await pilot.pause()
        assert not engine.alive and engine.restarts == 0 and app.state.model.rows
        assert "gone" in app.workbench.title_bar.alarm
        await pilot.press("ctrl+k")
        await app.workers.wait_for_complete()
        assert engine.restarts == 1
