"""Records as plain text: the tree, the calls, a problem."""

from __future__ import annotations

import time

from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace
from rich.cells import cell_len

from inspector.records import (
    Brief,
    CallRow,
    HookCounts,
    HookOutcome,
    MappingValue,
    ModelInfo,
    ModuleRow,
    NoneValue,
    OtherValue,
    PassSummary,
    Problem,
    ScalarValue,
    SequenceValue,
    TraceLine,
)
from inspector.records.badges import Badge
from inspector.report.calls import render_calls
from inspector.report.footer import render_footer
from inspector.report.json_report import render_json
from inspector.report.model import Report
from inspector.report.problem import render_problem
from inspector.report.tree import render_tree
from tests.documents import read_document

INFO = ModelInfo("net", "your model", "Net", 4, 5, 1234567, 1000, 2, 4_938_268, False, "cpu", "2.15.0", "1×3", "given")
ROWS = (
    ModuleRow(0, -1, "", "Net", 1234567, 0, 0),
    ModuleRow(1, 0, "a", "Linear", 1234567, 1234567, 0),
    ModuleRow(2, 0, "relu", "ReLU", 0, 0, 0),
    ModuleRow(3, 0, "again", "ReLU", 0, 0, 0, alias_of=2, badges=(Badge("tied"),)),
    ModuleRow(4, 0, "aux", "Linear", 0, 0, 0),
)
CALLS = (
    CallRow(1, 0, 1, 2, 1, 1.5, "ok", Brief((1, 8))),
    CallRow(2, 0, 3, 4, 1, 0.1, "ok", Brief((1, 8))),
    CallRow(2, 1, 5, 6, 1, 0.1, "raised", Brief(), in_step=1),
    CallRow(0, 0, 0, 7, 0, 2.0, "unfinished", Brief()),
)
REPORT = Report(INFO, ROWS, CALLS, summary=PassSummary(1, 2.0, 4, seed=3))


def test_the_tree() -> None:
    lines = [line.split() for line in render_tree(REPORT).splitlines()]
    assert lines[2] == ["a", "Linear", "1,234,567", "1×8"]
    assert lines[3][:2] == ["relu", "ReLU"] and lines[3][-1] == "×2"
    assert lines[5] == ["aux", "Linear", "–", "not", "called"]
    assert "4 modules, 1,234,567 parameters (1,000 trainable), 4.9 MB, eval, cpu" in render_tree(REPORT)
    assert "4 calls in 2.0 ms, seed 3" in render_tree(REPORT)


def test_the_calls() -> None:
    lines = [" ".join(line.split()) for line in render_calls(REPORT).splitlines()]
    assert lines[1] == "0 a Linear 1×8 1.50"
    assert lines[3] == "2 relu #1 ReLU raised 0.10" and lines[4] == "3 (root) Net unfinished 2.00"


def test_a_problem_says_what_where_and_what_to_try() -> None:
    text = render_problem(
        Problem("it broke", "net.py:3 in forward", "press r", path=(), traceback=(TraceLine("File x"),))
    )
    assert text == ("File x\ninspector: it broke\n  where: net.py:3 in forward\n  module: (root)\n  try: press r\n")


def test_text_never_carries_instructions_to_a_terminal() -> None:
    hostile = "\x1b[2J[/]\x07\r\n\x9b\u202e"
    info = ModelInfo(hostile, hostile, hostile, 1, 1, 0, 0, 0, 0, False, hostile, "2", notes=(hostile,))
    report = Report(
        info,
        (
            ModuleRow(0, -1, "", hostile, 0, 0, 0, badges=(Badge(hostile), Badge("device", hostile))),
            ModuleRow(1, 0, hostile, hostile, 0, 0, 0),
        ),
        (CallRow(1, 0, 0, 1, 0, 0.0, "ok", Brief(text=hostile), file=hostile),),
    )
    problem = Problem(hostile, hostile, hostile, hostile, (hostile,), (TraceLine(hostile),))
    for text in (render_tree(report), render_calls(report), render_problem(problem)):
        assert not set(text) & {"\x1b", "\x07", "\r", "\x9b", "\u202e"}
        assert "[/]" in text


@given(st.floats() | st.integers() | st.text() | st.booleans())
def test_any_scalar_is_json(value: object) -> None:
    info = ModelInfo("t", "k", "C", 1, 1, 0, 0, 0, 0, False, "cpu", "2")
    summary = PassSummary(1, 0.0, 0, output=ScalarValue("x", value))  # type: ignore[arg-type]
    found = read_document(render_json(Report(info, ROWS[:1], summary=summary)))["output"]
    assert found["kind"] == "scalar" and (found["value"] == value or found["value"] is None)


def test_keys_that_became_equal_are_kept_apart() -> None:
    one, two = ScalarValue("int", 1), ScalarValue("int", 2)
    value = MappingValue("dict", ("3", "3", "3"), (one, two, NoneValue()), 5)
    summary = PassSummary(1, 0.0, 0, output=SequenceValue("tuple", (value, OtherValue("A", "b")), 2, is_tuple=True))
    output = read_document(render_json(Report(INFO, ROWS, summary=summary)))["output"]
    assert list(output["items"][0]["items"]) == ["3", "3'", "3''", "…"]
    assert output["items"][0]["items"]["…"] == {"kind": "other", "type": "…", "text": "2 more"}


def test_columns_give_way_and_deep_rows_keep_their_class() -> None:
    rows = [ModuleRow(0, -1, "", "Net", 0, 0, 0)]
    rows += [ModuleRow(i, i - 1, "c" * (1 + i % 3), "Identity", 0, 0, 0) for i in range(1, 300)]
    rows.append(ModuleRow(300, 0, "漢字" * 100, "Named", 7, 7, 28))
    for width in (40, 80, 200):
        lines = render_tree(Report(INFO, rows), width).splitlines()[:302]
        assert max(map(cell_len, lines)) <= width
        assert all("Identity" in line for line in lines[2:301]) or width == 40
        assert "…" in lines[301] and lines[301].split()[-1] == "7"


def test_a_hundred_thousand_rows_take_no_minutes() -> None:
    rows = [
        ModuleRow(0, -1, "", "Net", 0, 0, 0),
        *(ModuleRow(i, 0, str(i), "ReLU", 0, 0, 0) for i in range(1, 100_001)),
    ]
    began = time.perf_counter()
    assert render_tree(Report(INFO, rows)).count("ReLU") == 100_000
    assert time.perf_counter() - began < 20


def test_a_longer_tree_shows_its_beginning_and_its_end_and_says_so() -> None:
    """Of 300,000 names a line each was printed."""
    rows = [ModuleRow(0, -1, "", "Net", 0, 0, 0)]
    rows += [ModuleRow(i, 0, f"name{i}", "float32", 0, 0, 0, shape=(2,)) for i in range(1, 300_001)]
    for info in (INFO, replace(INFO, is_model=False)):
        lines = render_tree(Report(info, rows)).splitlines()
        table = lines[: lines.index("")]
        assert len(table) == 1 + 100_000 + 1 + 1_000
        assert table[100_001] == "… 199,001 more: --print json has all"
        assert table[100_000].split()[0] == "name99999" and table[100_002].split()[0] == "name299001"
        assert table[-1].split()[0] == "name300000"


def test_a_longer_pass_shows_its_first_and_its_last_calls() -> None:
    rows = [ModuleRow(0, -1, "", "Net", 0, 0, 0)]
    calls = [CallRow(0, i, 2 * i, 2 * i + 1, 0, 0.5, "ok", Brief((2,))) for i in range(150_000)]
    lines = render_calls(Report(INFO, rows, calls=calls)).splitlines()
    assert lines[100_001] == "… 49,000 more: --print json has all"
    assert (lines[100_000].split()[0], lines[100_002].split()[0]) == ("99999", "149000")


def test_past_the_first_hooks_they_are_counted() -> None:
    idle = (HookOutcome(("a",), "zero()", unfired="it was not called"), HookOutcome((), "scale(1)", changed=False))
    summary = PassSummary(1, 1.0, 2, idle=idle, hook_counts=HookCounts(9, 0, 4, 2))
    said = render_footer(Report(INFO, ROWS, summary=summary)).splitlines()
    assert said[-3:] == [
        "hook never fired: zero() on a: it was not called",
        "hook changed nothing: scale(1) on (root)",
        "and 4 more hooks like these: --print json has all",
    ]
