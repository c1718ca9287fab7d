"""Backward passes, batches, the baseline and state dicts by key, and what the title and the log say of them."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from msgspec.structs import replace
from textual.widgets import Input, Static

from inspector.client.model import Model
from inspector.records import (
    Brief,
    CallColumns,
    CallRow,
    CallRows,
    Changes,
    Delta,
    Done,
    GetHistory,
    HookCounts,
    HookOutcome,
    KeyRow,
    Opened,
    PassEnded,
    PassSummary,
    Problem,
    Progress,
    Run,
    StateDictReport,
    TakeBaseline,
    TryStateDict,
    Work,
)
from inspector.tui.app import passes, presenter
from inspector.tui.bars.pass_words import describe_last, describe_running
from inspector.tui.bars.title_words import explain_word
from inspector.tui.panels.gradients import GradientsPanel
from inspector.tui.panels.log import LogPanel
from inspector.tui.screens.confirm import Confirm
from inspector.tui.screens.fields import Tick
from inspector.tui.screens.file_prompt import FilePrompt
from inspector.tui.screens.forms.batches import BatchesDialog, count_fault, name_faults
from inspector.tui.screens.forms.budget import BudgetDialog
from inspector.tui.screens.state_dict import StateDictScreen

from ..fake_engine import PATHS, FakeEngine, failed, info, running
from .test_app import settle, title


def shown(app) -> str:
    return "\n".join(line.body.plain for line in (*app.screen._view.page.head, *app.screen._view.page.lines))


def told(app) -> list[str]:
    return list(map(str, app.host.notices.current))


async def test_b_runs_forward_and_backward(tmp_path: Path):
    async with running(tmp_path) as (app, pilot, engine):
        await pilot.press("b")
        await settle(app, pilot)
        assert engine.requests(Run)[-1] == Run(1, backward=True)


async def test_a_result_is_shown_while_the_model_is_still_put_back(tmp_path: Path):
    async with running(tmp_path) as (app, pilot, engine):
        engine.replies[Run] = lambda request: Done()
        await pilot.press("r")
        await settle(app, pilot)
        ended = engine.end_pass()
        engine.say(replace(ended, settled=False))
        await settle(app, pilot)
        assert app.state.model.summary == ended.summary and app.state.running
        assert "comparing" not in title(app)  # most are put back before anybody could read it
        engine.say(Work("comparing the weights with their copies"))
        await settle(app, pilot)
        assert "comparing the weights" in title(app)
        await pilot.press("r")
        await settle(app, pilot)
        assert len(engine.requests(Run)) == 2  # the next one waits until the model is as it was
        engine.say(replace(ended, summary=replace(ended.summary, restored=("count: values",))))
        await settle(app, pilot)
        assert len(engine.requests(Run)) == 3 and app.state.model.summary.restored == ("count: values",)
        engine.say(engine.end_pass())
        await settle(app, pilot)
        assert "comparing" not in title(app) and not app.state.running


async def test_what_is_done_before_a_pass_gives_way_to_the_pass(tmp_path: Path):
    async with running(tmp_path) as (app, pilot, engine):
        engine.replies[Run] = lambda request: Done()
        await pilot.press("r")
        engine.say(Work("copying weights", 5, 10, "bytes"))
        await settle(app, pilot)
        assert "copying weights" in title(app)
        engine.say(Progress(1, 3, 5, 3, 40.0))
        await settle(app, pilot)
        assert "copying" not in title(app) and "3/5" in title(app)


async def test_what_the_budget_left_out_is_in_the_log_once(tmp_path: Path):
    async with running(tmp_path) as (app, pilot, engine):
        ended = engine.end_pass()
        for _ in range(2):
            engine.say(replace(ended, summary=replace(ended.summary, left_out=61)))
            await settle(app, pilot)
        await pilot.press("8")
        await settle(app, pilot)
        lines = [line.body.plain for line in app.workbench.panels.find(LogPanel).view.page.lines]
        assert sum("no statistics of 61 tensors" in line for line in lines) == 1


async def test_a_change_repeats_the_kind_of_pass_that_was_asked_for_last(tmp_path: Path):
    async with running(tmp_path) as (app, pilot, engine):
        for key, backward in (("b", True), ("r", False)):
            await pilot.press(key)
            await settle(app, pilot)
            engine.say(Changes(1, altering=1 + backward))
            await settle(app, pilot)
            assert [request.backward for request in engine.requests(Run)[-2:]] == [backward] * 2


async def test_what_the_command_line_asks_for_is_run_first(tmp_path: Path):
    target = {"target": "net", "backward": True, "batches": 3, "loss": "sum"}
    async with running(tmp_path, target=target) as (_, _, engine):
        assert engine.requests(Run) == [Run(1, backward=True, batches=3, loss="sum")]


async def test_a_pass_over_lazy_modules_is_asked_for(tmp_path: Path):
    engine = FakeEngine()
    engine.opened = Opened(1, info(lazy=2))
    async with running(tmp_path, engine) as (app, pilot, _):
        assert not engine.requests(Run) and any("lazy modules" in words for words in told(app))
        await pilot.press("r")
        assert isinstance(app.screen, Confirm)
        await pilot.press("n")
        await settle(app, pilot)
        assert not engine.requests(Run)
        await pilot.press("b", "y")
        await settle(app, pilot)
        assert engine.requests(Run) == [Run(1, backward=True, materialize=True)]
        await pilot.press("r")
        await settle(app, pilot)
        assert engine.requests(Run)[1:] == [Run(1, materialize=True)], "one yes is enough"


async def test_a_target_that_allows_it_is_run_at_once(tmp_path: Path):
    engine = FakeEngine()
    engine.opened = Opened(1, info(lazy=2))
    target = {"target": "net", "materialize": True}
    async with running(tmp_path, engine, target=target):
        assert len(engine.requests(Run)) == 1


async def test_what_is_asked_for_while_a_pass_runs_comes_after_it(tmp_path: Path):
    async with running(tmp_path) as (app, pilot, engine):
        ended, reply = asyncio.Event(), engine.ask

        async def slow(request):
            if isinstance(request, Run) and not ended.is_set():
                engine.asked.append(request)
                await ended.wait()
                event = engine.end_pass()
                engine.say(event)
                return event
            return await reply(request)

        engine.ask = slow
        await pilot.press("r", "r", "b")
        await pilot.pause()
        assert len(engine.requests(Run)) == 2
        ended.set()
        await settle(app, pilot)
        await settle(app, pilot)
        assert engine.requests(Run)[2:] == [Run(1, backward=True)]


async def test_m_asks_how_many_and_remembers_what_was_typed(tmp_path: Path):
    async with running(tmp_path) as (app, pilot, engine):
        await pilot.press("m")
        assert isinstance(app.screen, BatchesDialog)
        app.screen.query_one("#batches", Input).value = "25"
        app.screen.query_one("#loss", Input).value = "cross_entropy"
        app.screen.query_one("#optimizer", Input).value = " SGD(lr=0.01) "
        await pilot.press("enter")
        await settle(app, pilot)
        wanted = Run(1, None, False, True, 25, "cross_entropy", "SGD(lr=0.01)", "none")
        assert engine.requests(Run)[-1] == wanted
        await pilot.press("m")
        await pilot.press("enter")
        await settle(app, pilot)
        assert engine.requests(Run)[-1] == wanted


async def test_a_budget_is_asked_and_kept_to_from_then_on(tmp_path: Path):
    async with running(tmp_path, target={"target": "net", "budget": 0.25}) as (app, pilot, engine):
        await pilot.press("b")
        await settle(app, pilot)
        ended = engine.end_pass()
        engine.say(replace(ended, summary=replace(ended.summary, ms=20.0, observing_ms=4.0, left_out=1, budget=0.25)))
        await settle(app, pilot)
        app.host.perform("budget")
        await settle(app, pilot)
        assert isinstance(app.screen, BudgetDialog) and app.screen.query_one("#budget", Input).value == "25%"
        said = "\n".join(str(each.content) for each in app.screen.query(".text").results(Static))
        assert "observing took 4.0 ms of it, +25%; no statistics of 1 tensor: left out" in said
        for typed in ("10", "0%", "ten"):
            await pilot.press("ctrl+u", *typed, "enter")
            assert "no share such as 10%" in app.screen.query_one("#fault").render().plain
        await pilot.press("ctrl+u", *"12.5 %", "enter")
        await settle(app, pilot)
        assert engine.requests(Run)[-1] == Run(1, backward=True, budget=0.125) and app.screen is app.workbench
        assert app.state.target is not None and app.state.target.budget == 0.125  # for the engine that comes next
        await pilot.press("r")
        await settle(app, pilot)
        assert engine.requests(Run)[-1].budget == 0.125
        app.host.perform("budget")
        await settle(app, pilot)
        assert app.screen.query_one("#budget", Input).value == "12.5%"
        await pilot.press("ctrl+u", "enter")
        await settle(app, pilot)
        assert engine.requests(Run)[-1].budget == 0.0


async def test_batches_without_a_backward_pass_take_no_optimizer(tmp_path: Path):
    async with running(tmp_path) as (app, pilot, engine):
        await pilot.press("m")
        app.screen.query_one("#optimizer", Input).value = "Adam"
        app.screen.query_one(Tick).action_tick()
        await pilot.press("enter")
        assert "needs the backward pass" in app.screen.query_one("#fault").render().plain
        app.screen.query_one("#optimizer", Input).value = ""
        await pilot.press("enter")
        await settle(app, pilot)
        assert engine.requests(Run)[-1] == Run(1, None, False, False, 10, "mean", "none", "none")


async def test_what_cannot_be_meant_is_said_while_it_is_typed(tmp_path: Path):
    async with running(tmp_path) as (app, pilot, engine):
        await pilot.press("m")
        runs = len(engine.requests(Run))
        await pilot.press("0", "x")
        await pilot.pause()
        assert "whole number" in app.screen.query_one("#fault").render().plain
        await pilot.press("enter")
        assert isinstance(app.screen, BatchesDialog) and len(engine.requests(Run)) == runs
        await pilot.press("escape")
        await settle(app, pilot)
        assert len(engine.requests(Run)) == runs and app.screen is app.workbench


@pytest.mark.parametrize("text", ["1", "10000"])
def test_numbers_of_batches(text: str):
    assert not count_fault(text)


@pytest.mark.parametrize("text", ["", "0", "-1", "1.5", "10001", "٣", "9" * 5000])
def test_what_is_no_number_of_batches(text: str):
    assert count_fault(text)


@pytest.mark.parametrize(
    ("loss", "optimizer", "loader"),
    [
        ("", "", ""),
        ("sum", "none", "none"),
        ("my.mod:loss", "AdamW", "data.py:make"),
        ("", "optim.SGD(lr=1)", ""),
    ],
)
def test_what_may_be_meant(loss: str, optimizer: str, loader: str):
    assert not name_faults(loss, optimizer, loader)


@pytest.mark.parametrize(
    ("loss", "optimizer", "loader"), [("mae", "", ""), ("", "SGD(lr=0.01", ""), ("", "", "my loader"), ("", "1", "")]
)
def test_what_cannot_be_meant(loss: str, optimizer: str, loader: str):
    assert name_faults(loss, optimizer, loader)


@pytest.mark.parametrize("key", ["m", "B", "D"])
async def test_without_a_model_there_is_nothing_to_do(tmp_path: Path, key: str):
    async with running(tmp_path, target={"target": "net"}) as (app, pilot, engine):
        app.controller.opening.forget()
        engine.asked.clear()
        await pilot.press(key)
        await settle(app, pilot)
        assert app.screen is app.workbench and not engine.asked
        assert "there is no model yet: o opens one" in told(app)


def test_several_batches_count_as_one_bar():
    assert describe_running(Progress(1, 5, 10, 0, 1.0, 3, 10), 10, ascii=True) == "batch 3/10 [##........]"
    assert describe_running(Progress(1, 0, 0, 0, 1.0, 10, 10), 10, ascii=True) == "batch 10/10 [#########.]"
    assert describe_running(Progress(1, 3, 6, 0, 1.0), 10, ascii=True) == "3/6 [#####.....]"


def test_the_last_pass_says_how_far_the_output_is_and_the_loss_as_there_is_room():
    summary = PassSummary(3, 23.4, 9, delta=Delta(0.321, 1.0, 1.0), loss=2.3127)
    assert describe_last(summary, "76 hooks", 60, " · ") == "pass 3 · 23.4 ms · Δ 0.32 · loss 2.31 · 76 hooks"
    assert describe_last(summary, "76 hooks", 40, " · ") == "pass 3 · 23.4 ms · Δ 0.32 · loss 2.31"
    assert describe_last(summary, "76 hooks", 30, " · ") == "pass 3 · Δ 0.32 · loss 2.31"
    assert describe_last(summary, "76 hooks", 3, " · ") == "pass 3"
    watched = PassSummary(3, 20.0, 9, observing_ms=4.0)
    assert describe_last(watched, "76 hooks", 60, " · ") == "pass 3 · 20.0 ms · observing +25% · 76 hooks"
    for bare, words in ((10.0, "+100%"), (16.0, "+25%"), (20.0, "+0.0%")):
        against = replace(watched, bare_ms=bare)
        assert describe_last(against, "76 hooks", 60, " · ") == f"pass 3 · 20.0 ms · {words} on bare · 76 hooks"
        assert explain_word(f"{words} on bare").startswith("how much longer than the last pass with no hook of ours")
    quicker = replace(watched, bare_ms=25.0)  # by chance: it would say that observing gains time
    assert describe_last(quicker, "76 hooks", 60, " · ") == "pass 3 · 20.0 ms · observing +25% · 76 hooks"
    assert explain_word("observing +25%").startswith("what hooks of ours took")
    assert describe_last(PassSummary(9, 1.0, 1, batches=7), "x", 60, " · ").startswith("7 batches")
    two = replace(summary, hook_counts=HookCounts(2, failed=2))
    assert describe_last(two, "x", 30, " · ") == "pass 3 · 2 hooks failed"
    alone = PassSummary(1, 2.0, 5, hook_counts=HookCounts(1, failed=1))
    assert describe_last(alone, "x", 60, " · ") == "pass 1 · 2.00 ms · 1 hook failed · x"


def test_what_became_of_hooks_is_counted_apart():
    all_kinds = PassSummary(1, 2.0, 5, hook_counts=HookCounts(7, 1, 2, 3))
    words = "1 hook failed · 2 never fired · 3 changed nothing"
    assert describe_last(all_kinds, "x", 80, " · ") == f"pass 1 · 2.00 ms · {words} · x"
    idle = PassSummary(1, 2.0, 5, hook_counts=HookCounts(2, never_fired=2))
    assert describe_last(idle, "x", 80, " · ") == "pass 1 · 2.00 ms · 2 hooks never fired · x"
    assert describe_last(idle, "76 hooks", 30, " · ") == "pass 1 · 2 hooks never fired"


async def test_the_batch_is_shown_while_it_runs(tmp_path: Path):
    async with running(tmp_path) as (app, pilot, engine):
        engine.say(Progress(1, 2, 0, 0, 1.0, 3, 10))
        app.workbench.title_bar.running = True
        await pilot.pause()
        assert "batch 3/10" in title(app)


async def test_faults_are_written_down_and_told_once_while_they_stay_the_same(tmp_path: Path):
    faults = [Problem("scale(2) on [fc] failed: boom", kind="ValueError")]
    engine = FakeEngine()
    end = engine.end_pass

    def with_faults(problem=None):
        ended = end(problem)
        counts = HookCounts(len(faults), failed=len(faults))
        summary = PassSummary(ended.summary.number, 1.0, 5, faults=tuple(faults), hook_counts=counts)
        return PassEnded(1, summary)

    engine.end_pass = with_faults
    async with running(tmp_path, engine) as (app, pilot, _):
        await pilot.press("r")
        await settle(app, pilot)

        def written() -> int:
            log = next(panel for panel in app.workbench.panels.members if isinstance(panel, LogPanel))
            return sum("scale(2) on [fc] failed: boom" in line.body.plain for line in log.lines)

        assert written() == 1 and app.state.exit_code == 1
        assert "1 hook failed" in app.workbench.title_bar.render().plain
        assert told(app).count("scale(2) on [fc] failed: boom; the pass went on without it") == 1
        assert app.workbench.panels.current.TITLE == "Source", "a fault does not take anybody elsewhere"
        faults.clear()
        await pilot.press("r")
        await settle(app, pilot)
        assert app.state.exit_code == 0
        faults.append(Problem("scale(2) on [fc] failed: boom", kind="ValueError"))
        await pilot.press("r")
        await settle(app, pilot)
        assert written() == 2


async def test_the_baseline_is_taken_and_told(tmp_path: Path):
    engine = FakeEngine()
    engine.replies[TakeBaseline] = lambda request: Changes(1, baseline="the model with 2 hooks")
    async with running(tmp_path, engine) as (app, pilot, _):
        await pilot.press("B")
        await settle(app, pilot)
        assert engine.requests(TakeBaseline) == [TakeBaseline(1)]
        assert "the baseline from now on: the model with 2 hooks" in told(app)
        engine.replies[TakeBaseline] = failed("no pass has run")
        await pilot.press("B")
        await settle(app, pilot)
        assert "no pass has run" in told(app)


async def test_enter_in_gradients_goes_to_the_module_in_the_tree(tmp_path: Path):
    async with running(tmp_path) as (app, pilot, _):
        app.workbench.panels.show(GradientsPanel)
        app.workbench.panels.current.focus()
        app.workbench.panels.current.post_message(GradientsPanel.Chosen(4))
        await pilot.pause()
        assert app.workbench.selected_path == ("body", "1") and app.workbench.in_tree


async def test_the_history_of_the_selected_module_is_asked_for_anew_after_every_pass(tmp_path: Path):
    async with running(tmp_path) as (app, pilot, engine):
        await pilot.press("6")
        await settle(app, pilot)
        assert "press m" in app.workbench.panels.current.copy_text()
        await pilot.press("r", "j")
        await settle(app, pilot)
        asked = [request.path for request in engine.requests(GetHistory)]
        assert asked[0] == () and asked[-1] == ("stem",) and len(asked) >= 2


REPORT = StateDictReport(
    "w.safetensors",
    (
        KeyRow("fits.weight", "fits", "3 float32", "3 float32"),
        KeyRow("a\x1b[31m[red]", "unexpected", "1 float32"),
        KeyRow("fc.weight", "missing", "", "10×5 float32", "head.weight"),
        KeyRow("conv.weight", "mismatched", "3×3 float16", "3×3 float32"),
    ),
    90,
    {"fits": 87, "unexpected": 1, "missing": 1, "mismatched": 1},
    ("renamed by a hook",),
)


async def test_a_state_dict_is_tried_and_what_matters_comes_first(tmp_path: Path):
    engine = FakeEngine()
    engine.replies[TryStateDict] = lambda request: REPORT
    async with running(tmp_path, engine) as (app, pilot, _):
        await pilot.press("D", *"w.pt", "enter")
        await settle(app, pilot)
        assert engine.requests(TryStateDict) == [TryStateDict(1, "w.pt")]
        assert isinstance(app.screen, StateDictScreen)
        lines = shown(app).split("\n")
        assert lines[0] == "mismatched 1 · missing 1 · unexpected 1 · fits 87"
        order = [lines.index(next(line for line in lines if line.startswith(state + "  "))) for state in
                 ("mismatched", "missing", "unexpected", "fits")]  # fmt: skip
        assert order == sorted(order)
        assert lines[order[1] + 1 :][:2] == ["fc.weight", "nearest in the file  head.weight"]
        assert "  and 86 more" in lines and "\x1b" not in shown(app) and "[red]" in shown(app)
        await pilot.press("q")
        await pilot.press("D")
        assert app.screen.query_one(Input).value == "w.pt"


async def test_narrowing_says_of_how_many_keys_it_knows(tmp_path: Path):
    engine = FakeEngine()
    engine.replies[TryStateDict] = lambda request: replace(REPORT, total=600_000)
    async with running(tmp_path, engine, size=(80, 24)) as (app, pilot, _):
        await pilot.press("D", "enter")
        await settle(app, pilot)
        words = f"only {len(REPORT.rows)} of the 600,000 keys were looked through"
        assert words not in shown(app)
        await pilot.press("slash", *"weight miss")
        await pilot.pause()
        assert "fc.weight" in shown(app) and words in shown(app)
        await pilot.press(*"zzz")
        await pilot.pause()
        assert words in shown(app)


async def test_keys_are_narrowed_by_typing(tmp_path: Path):
    engine = FakeEngine()
    engine.replies[TryStateDict] = lambda request: REPORT
    async with running(tmp_path, engine, size=(80, 24)) as (app, pilot, _):
        await pilot.press("D", "enter")
        await settle(app, pilot)
        assert engine.requests(TryStateDict) == [TryStateDict(1, "")]
        await pilot.press("slash", *"weight miss")
        await pilot.pause()
        assert "fc.weight" in shown(app) and "conv.weight" not in shown(app)
        await pilot.press(*"zzz")
        await pilot.pause()
        assert "no key has these words" in shown(app)
        await pilot.press("escape")
        await pilot.pause()
        assert "conv.weight" in shown(app) and isinstance(app.screen, StateDictScreen)
        await pilot.press("escape")
        assert app.screen is app.workbench


async def test_a_file_that_cannot_be_read_is_said_where_it_was_typed(tmp_path: Path):
    engine = FakeEngine()
    engine.replies[TryStateDict] = failed("there is no file [w].pt", hint="cwd is /tmp")
    async with running(tmp_path, engine) as (app, pilot, _):
        await pilot.press("D", "w", "enter")
        await settle(app, pilot)
        assert isinstance(app.screen, FilePrompt)
        assert "there is no file [w].pt\ncwd is /tmp" in app.screen.query_one("#fault").render().plain


async def test_what_a_hook_did_not_do_is_logged_once_while_it_stays_so(tmp_path: Path):
    never = HookOutcome(("fc",), "scale(2, call=3)", unfired="call=3, and it was called once")
    nothing = HookOutcome(("fc",), "scale(1)", fired=1, changed=False)
    idle = [never, nothing]
    engine = FakeEngine()
    end = engine.end_pass

    def with_idle(problem=None):
        counts = HookCounts(2, never_fired=idle.count(never), changed_nothing=idle.count(nothing))
        summary = PassSummary(end(problem).summary.number, 1.0, 5, idle=tuple(idle), hook_counts=counts)
        return PassEnded(1, summary)

    engine.end_pass = with_idle
    async with running(tmp_path, engine) as (app, pilot, _):
        log = next(panel for panel in app.workbench.panels.members if isinstance(panel, LogPanel))

        def written(words: str) -> int:
            return sum(words in line.body.plain for line in log.lines)

        for _ in range(3):  # as in live mode
            await pilot.press("r")
            await settle(app, pilot)
        assert written("scale(2, call=3) on fc never fired: call=3, and it was called once") == 1
        assert written("scale(1) on fc changed nothing: the output is bit for bit as without it") == 1
        assert app.state.exit_code == 0
        assert "1 hook never fired · 1 changed nothing" in app.workbench.title_bar.render().plain
        idle.remove(never)
        await pilot.press("r")
        await settle(app, pilot)
        idle.append(never)
        await pilot.press("r")
        await settle(app, pilot)
        assert written("never fired") == 2 and written("changed nothing") == 1


@pytest.mark.parametrize("at_once", [True, False])
async def test_where_the_first_nan_came_from_is_written_down_and_told_once(
    at_once: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(presenter, "MANY_CALLS", 3 if at_once else 2)
    engine = FakeEngine()

    def end_pass(problem: Problem | None = None) -> PassEnded:
        engine.passes += 1
        inner, root = (
            CallRow(1, 0, 1, 2, 1, 0.5, "ok", Brief(), "NaN"),
            CallRow(0, 0, 0, 3, 0, 1.0, "ok", Brief(), "NaN"),
        )
        calls = (inner, root)
        engine.say(CallRows(1, engine.passes, CallColumns.of(calls), len(calls)))
        return PassEnded(1, PassSummary(engine.passes, 1.0, 2))

    engine.end_pass = end_pass
    async with running(tmp_path, engine) as (app, pilot, _):
        for _ in range(2):
            await pilot.press("r")
            await settle(app, pilot)
        log = next(panel for panel in app.workbench.panels.members if isinstance(panel, LogPanel))
        first = f"first NaN: {'.'.join(PATHS[1])}, call 0: its input is finite, its output is not"
        assert sum(first in line.body.plain for line in log.lines) == told(app).count(first) == 1


async def test_orders_of_many_calls_are_made_before_they_are_asked_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(passes, "LONG_PASS", 2)
    engine = FakeEngine()
    async with running(tmp_path, engine) as (app, pilot, _):
        await pilot.press("r")
        await settle(app, pilot)
        model = app.state.model
        tree = model._call_tree
        assert tree.calls is model.calls and tree.is_complete and len(tree.parents) == len(model.calls) >= 2
        assert model.call_tree is tree and tree.order.is_complete and not model.orders_due


async def test_keys_come_between_the_pieces_in_which_orders_are_made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """However many calls there are, no more of them than a piece are gone through at once."""
    monkeypatch.setattr(passes, "LONG_PASS", 2)
    monkeypatch.setattr(passes, "_PIECE", 1)
    monkeypatch.setattr(passes, "_MOMENT", 0.0)
    prepare, pieces, turns = Model.prepare, list[int](), list[int]()
    monkeypatch.setattr(Model, "prepare", lambda self, most: (pieces.append(len(turns)), prepare(self, most))[1])
    async with running(tmp_path, FakeEngine()) as (app, pilot, _):

        async def count_turns() -> None:
            while True:
                turns.append(0)
                await asyncio.sleep(0)

        pieces.clear()
        counting = asyncio.create_task(count_turns())
        await pilot.press("r")
        await settle(app, pilot)
        counting.cancel()
        assert len(pieces) >= 3 * len(app.state.model.calls), "own times, tree and order, a call at a time"
        assert len(set(pieces)) >= len(pieces) - 2, "the loop turned between any two"
