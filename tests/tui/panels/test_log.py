"""What the Log panel says of one pass after another: headings, nothing twice, and errors that are over."""

from __future__ import annotations

from pathlib import Path

import pytest

from inspector.records import Problem, TraceLine
from inspector.report.json_failure import error_to_json
from inspector.report.problem import render_problem
from inspector.tui.drawing.problem import problem_lines
from inspector.tui.panels.log import CAP, LogPanel

from .. import panel_records as made
from ..app.test_app import settle
from ..fake_engine import FakeEngine, running
from .test_panels import logging, seen

SAID = "RuntimeError: mat1 and mat2 shapes cannot be multiplied (1x512 and 4x2)"


def starting(panel: LogPanel, words: str) -> list[str]:
    return [line for line in panel.copy_text().splitlines() if words in line]


async def test_each_pass_has_a_heading_where_it_says_something() -> None:
    async with logging() as (panel, _):
        panel.write("stdout", "before, and no newline")
        panel.begin("pass 1")
        panel.begin("pass 2")
        panel.write("stdout", "one, ")
        panel.write("stdout", "two\n")
        panel.begin("pass 3")
        assert panel.copy_text().splitlines() == ["out before, and no newline", "", "pass 2", "out one, two"]


async def test_a_problem_that_comes_again_is_one_line() -> None:
    async with logging() as (panel, _):
        panel.show_problem(made.a_problem())
        panel.begin("pass 2")
        panel.show_problem(made.a_problem())
        assert panel.copy_text().splitlines()[-2:] == ["pass 2", f"!   {SAID}  (again, as above)"]
        assert len(starting(panel, "in forward")) == 1


def test_the_traceback_does_not_end_with_the_sentence_at_its_top() -> None:
    whole = [line.body.plain for line in problem_lines(made.a_problem())]
    assert whole.count(SAID) == 1 and whole[-1] == "    out = self.conv1(x)"
    trace = (TraceLine("here", place=True), TraceLine("lib.Error: one"), TraceLine("two"))
    assert problem_lines(Problem("one\ntwo", kind="Error", traceback=trace))[-1].body.plain == "here"
    assert problem_lines(Problem("Error: one\ntwo", kind="Error", traceback=trace))[-1].body.plain == "here"
    other = Problem("what it means", kind="Error", traceback=trace)
    assert [line.body.plain for line in problem_lines(other)][-2:] == ["lib.Error: one", "two"]


async def test_files_are_shown_from_here_and_copied_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    trace = (TraceLine(f'File "{tmp_path}/nets/net.py", line 3, in forward', place=True), TraceLine("  raise"))
    problem = Problem("it broke", f"{tmp_path}/nets/net.py:3 in forward", traceback=trace)
    async with logging() as (panel, _):
        panel.show_problem(problem)
        shown = [line.body.plain for line in panel.lines]
        assert "at  nets/net.py:3 in forward" in shown and 'File "nets/net.py", line 3, in forward' in shown
        copied = panel.copy_text()
        assert (
            f"at  {tmp_path}/nets/net.py:3 in forward" in copied and f'File "{tmp_path}/nets/net.py", line 3' in copied
        )
    assert render_problem(problem).startswith('File "nets/net.py", line 3, in forward\n  raise\n')
    assert error_to_json(problem)["traceback"][0] == trace[0].text


async def test_what_an_error_is_stays_in_sight_until_the_next_pass() -> None:
    async with logging((80, 9)) as (panel, pilot):
        for number in range(20):
            panel.write("stdout", f"line {number}\n")
        panel.begin("pass 1")
        panel.show_problem(made.a_problem())
        panel.write("engine", "put back\n")
        await pilot.pause()
        assert SAID in seen(panel)[0]
        panel.begin("pass 2")
        panel.write("stdout", "two\n")
        await pilot.pause()
        assert seen(panel)[-1] == "out two"


async def test_an_error_that_is_over_looks_over() -> None:
    async with logging() as (panel, pilot):
        other = Problem("another one")
        for problem in (made.a_problem(), other, made.a_problem()):
            panel.show_problem(problem)
        panel.settle((other,), "over: pass 3 went through")
        await pilot.pause()
        rows = panel.copy_text().splitlines()
        assert rows[0] == f"was {SAID}  (over: pass 3 went through)"
        assert [row for row in rows if row.startswith("!")] == ["!   another one"]
        panel.show_problem(made.a_problem())
        assert len(starting(panel, "in forward")) == 2, "it came back, and is told whole"
        panel.write("stdout", "line\n" * CAP)
        panel.settle((), "its lines were dropped")
        assert not starting(panel, "its lines were dropped")


async def test_the_app_heads_its_passes_and_knows_when_an_error_is_over(tmp_path: Path) -> None:
    engine = FakeEngine()
    async with running(tmp_path, engine) as (app, pilot, _):
        end_pass = engine.end_pass
        panel = app.workbench.panels.find(LogPanel)
        engine.end_pass = lambda: end_pass(made.a_problem())
        for key in "rrb":
            await pilot.press(key)
            await settle(app, pilot)
        assert [starting(panel, f"pass {n}") for n in (2, 3, 4)] == [["pass 2"], ["pass 3"], ["pass 4, backward"]]
        assert len(starting(panel, SAID)) == 3 and len(starting(panel, "in forward")) == 1
        engine.end_pass = end_pass
        await pilot.press("r")
        await settle(app, pilot)
        assert f"was {SAID}  (over: pass 5 went through)" in panel.copy_text()
        assert not starting(panel, "!   ")
