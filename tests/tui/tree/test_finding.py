"""The nearest of very many names, and how little is looked through for each key."""

from __future__ import annotations

import pytest

from inspector.tui.tree.finding import Finder

PATHS = ("", "fc", "body", "body.fc", "body.fc_out", "fcs.norm", "f.c", "layer1.0.conv1", "layer1.0.conv12", "a[b].x+")


@pytest.mark.parametrize(
    ("typed", "expected"),
    [
        ("fc", ["fc", "body.fc", "body.fc_out", "fcs.norm", "f.c"]),
        ("FC", ["fc", "body.fc", "body.fc_out", "fcs.norm", "f.c"]),
        ("conv1", ["layer1.0.conv1", "layer1.0.conv12"]),
        ("l10c12", ["layer1.0.conv12"]),
        ("layer conv12", ["layer1.0.conv12"]),
        ("body.fc", ["body.fc", "body.fc_out"]),
        ("[b].x+", ["a[b].x+"]),
        ("]+", ["a[b].x+"]),
        ("^", []),
        ("zzz", []),
    ],
)
def test_the_name_itself_is_first_then_what_has_it_then_its_letters(typed: str, expected: list[str]) -> None:
    assert [PATHS[row] for row in Finder(PATHS).find(typed, 9)] == expected


def test_there_are_no_more_than_are_asked_for() -> None:
    finder = Finder([f"a{number}" for number in range(1000)])
    assert finder.find("a", 3) == [0, 1, 2] and finder.find("", 2) == [0, 1]
    assert Finder(()).find("a", 3) == []


def test_of_a_paste_no_expression_is_made(monkeypatch: pytest.MonkeyPatch) -> None:
    finder = Finder(PATHS)
    monkeypatch.setattr("inspector.tui.tree.finding.re", None)
    assert finder.find("a" * 100_000, 9) == [] and finder.find("a b " * 100_000, 9) == []
