"""What of a reading goes to which stream, without an engine."""

from __future__ import annotations

from typing import Any

import pytest

from inspector.cli import headless
from inspector.cli.output import write_ascii
from inspector.cli.reading import Reading
from inspector.records import Choice, Choices, ModelInfo, ModuleRow, Problem, Target
from inspector.report.model import Report
from inspector.tui.ascii_locale import is_ascii_locale
from tests.documents import read_document

INFO = ModelInfo("net", "your model", "Net", 1, 1, 0, 0, 0, 0, False, "cpu", "2")
REPORT = Report(INFO, (ModuleRow(0, -1, "", "Net", 0, 0, 0),))


def print_reading(monkeypatch: pytest.MonkeyPatch, reading: Reading, out: Any, form: str = "tree") -> int:
    async def read(target: Target, **how: object) -> Reading:
        return reading

    monkeypatch.setattr(headless, "read", read)
    return headless.print_report(Target("net"), form, out)


def test_a_report_goes_out_and_its_problem_beside_it(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    written: list[str] = []
    assert print_reading(monkeypatch, Reading(REPORT, Problem("it broke", exit_code=7)), written.append) == 7
    assert len(written) == 1 and "(root)" in written[0]
    assert capsys.readouterr() == ("", "inspector: it broke\n")


def test_choices_are_listed_as_commands(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    choices = Choices("net.py has several", (Choice("net.py:A\x1b", "class", "3 lines"),))
    written: list[str] = []
    assert print_reading(monkeypatch, Reading(choices=choices), written.append) == 2
    assert not written
    assert capsys.readouterr().err == (
        "inspector: net.py has several; name one of them:\n  inspector net.py:A\\e    class 3 lines\n"
    )


def test_ctrl_c_while_nobody_reads_the_report_ends_it(monkeypatch: pytest.MonkeyPatch) -> None:
    def out(text: str) -> None:
        raise KeyboardInterrupt

    assert print_reading(monkeypatch, Reading(REPORT), out) == 130


def test_in_json_there_is_one_document_whatever_became_of_the_target(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    choices = Choices("net.py has several", (Choice("net.py:A", "class", "3 lines"),))
    for reading in (Reading(REPORT), Reading(problem=Problem("it broke", kind="SIGSEGV")), Reading(choices=choices)):
        written: list[str] = []
        print_reading(monkeypatch, reading, written.append, "json")
        found = read_document("".join(written))
        assert found["target"] == "net" and (found["error"] is None) == (reading.report is not None)
    assert found["choices"] == [{"name": "net.py:A", "kind": "class", "detail": "3 lines"}]


def test_ctrl_c_before_there_was_an_engine_is_one_document(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    async def read(target: Target, **how: object) -> Reading:
        raise KeyboardInterrupt

    written: list[str] = []
    monkeypatch.setattr(headless, "read", read)
    assert headless.print_report(Target("net"), "json", written.append) == 130
    assert read_document("".join(written))["error"]["type"] == "Interrupted"


@pytest.mark.parametrize(
    ("environment", "ascii"),
    [
        ({}, False),
        ({"LANG": "de_DE.UTF-8"}, False),
        ({"LANG": "C", "LC_CTYPE": "C.utf8"}, False),
        ({"LANG": "de_DE.UTF-8", "LC_ALL": "C"}, True),
        ({"LANG": "de_DE.ISO-8859-1"}, True),
    ],
)
def test_ascii_is_chosen_where_the_locale_is_not_utf_8(environment: dict[str, str], ascii: bool) -> None:
    assert is_ascii_locale(environment) == ascii


def test_a_report_in_ascii_keeps_its_columns(capsys: pytest.CaptureFixture[str]) -> None:
    write_ascii("conv1  1×3×72  –\nfc     ≡ 漢\n")
    assert capsys.readouterr().out == "conv1  1x3x72  -\nfc     = ??\n"
