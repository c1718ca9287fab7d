"""What an ended engine means, from exit codes and from what it left behind."""

from __future__ import annotations

import pytest

from inspector.client.ending import answer, explain_exit, explain_lost_connection, replay
from inspector.postmortem.read import Postmortem
from inspector.postmortem.record import Began
from inspector.records import CallDetail, CallRow, GetCalls, GetHooks, GetTrace, MappingValue, Path, Problem

EMPTY = MappingValue("dict", (), (), 0)


def call(index: int, path: Path) -> CallDetail:
    row = CallRow(index, 0, index, -1, len(path), 1.0, "unfinished", "")
    return CallDetail(row, path, "Linear", (), EMPTY, None)


LEFT = Postmortem(Began("the forward pass", 2, 7), (call(1, ("a",)), call(2, ("b",)), call(0, ())))


@pytest.mark.parametrize(
    ("code", "how", "kind", "advice"),
    [
        (3, "ended with exit code 3", "ProcessExit", "try"),
        (-11, "was killed by SIGSEGV", "SIGSEGV", "try"),
        (-9, "was killed by SIGKILL", "SIGKILL", "the system may have run out of memory; try"),
        (None, "closed its connection", "EngineClosed", "try"),
    ],
)
def test_an_exit_in_words(code: int | None, how: str, kind: str, advice: str) -> None:
    ending = explain_exit(code, Postmortem(), "try")
    assert (ending.how, ending.kind, ending.advice) == (how, kind, advice)


def test_somebody_elses_process_in_words() -> None:
    assert explain_lost_connection("").what == "the process that has the model ended the connection"
    assert explain_lost_connection("during the forward pass").what.endswith("connection during the forward pass")


def test_the_pass_it_died_in_is_told_as_one_that_failed() -> None:
    problem = Problem("gone")
    calls, ended = replay(LEFT, problem)
    assert (calls.generation, calls.number, calls.total) == (2, 7, 3)
    assert [row.module for row in calls.rows] == [1, 2, 0]
    assert (ended.summary.number, ended.summary.problem) == (7, problem)


def test_calls_are_answered_from_what_it_left() -> None:
    whole = answer(LEFT, GetTrace(2, 1, 9))
    assert whole is not None and [detail.path for detail in whole.calls] == [("b",), ()] and whole.path is None
    one = answer(LEFT, GetCalls(2, ("a",)))
    assert one is not None and (one.total, one.number, one.path) == (1, 7, ("a",))
    assert answer(LEFT, GetHooks(2, ())) is None


@pytest.mark.parametrize("left", [Postmortem(), Postmortem(Began("guessing an input", 2, 0), LEFT.calls)])
def test_a_pass_that_nobody_waited_for_is_not_told(left: Postmortem) -> None:
    assert replay(left, Problem("gone")) == () and answer(left, GetTrace(2, 0, 9)) is None
