"""Tracebacks as records."""

from __future__ import annotations

import traceback

from inspector.errors import BUG
from inspector.postmortem.frames import explain_bug, trace_lines
from inspector.records import TraceLine


def test_the_lines_that_name_a_place_are_told_from_those_that_run_there() -> None:
    try:
        int("no number")
    except ValueError as error:
        found = trace_lines(traceback.format_exc().splitlines())
        of_ours = explain_bug(error)
    assert [line.place for line in found] == [False, True, *[False] * (len(found) - 2)]
    assert f'File "{__file__}"' in found[1].text and "ValueError" in found[-1].text
    assert of_ours.exit_code == BUG
    assert of_ours.what.endswith(found[-1].text) and any(line.place for line in of_ours.traceback)


def test_other_ways_to_name_a_place() -> None:
    lines = ['File "net.py", line 3, in forward', "net.py:3 in forward", "  at c10::throw", "  return x / 0", ""]
    assert [line.place for line in trace_lines(lines)] == [True, True, True, False, False]
    assert trace_lines(["x" * 50], 10) == (TraceLine("x" * 9 + "…"),)
