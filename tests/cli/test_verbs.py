"""The first word: a verb, or a target."""

from __future__ import annotations

import json
import sys
from importlib import import_module
from pathlib import Path

import pytest

from inspector.cli import open as open_verb
from inspector.cli.main import main
from inspector.cli.parser import make_parser
from inspector.cli.verbs import OPEN, VERBS, Verb, split_verb

ROOT = Path(__file__).parents[2]


def test_a_first_word_that_is_a_verb_takes_what_follows() -> None:
    verb, rest = split_verb(["schema", "--help"])
    assert (verb.name, rest) == ("schema", ["--help"])
    assert split_verb(["open", "resnet18", "-i", "1"]) == (OPEN, ["resnet18", "-i", "1"])


@pytest.mark.parametrize("typed", [["resnet18"], ["./schema"], ["tv:schema"], ["--print", "json", "schema"], []])
def test_all_else_is_opened_as_it_was_typed(typed: list[str]) -> None:
    assert split_verb(typed) == (OPEN, typed)


def test_a_verb_is_a_file_of_its_name() -> None:
    for verb in VERBS:
        assert callable(import_module(f"inspector.cli.{verb.file}").run)


def test_help_names_every_verb(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["--help"])
    said = " ".join(capsys.readouterr().out.split())
    assert all(f" {verb.name} {verb.meaning}" in said for verb in VERBS)


def test_help_has_sections_and_examples_and_fits_80_columns(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    with pytest.raises(SystemExit):
        main(["--help"])
    lines = capsys.readouterr().out.splitlines()
    assert max(map(len, lines)) <= 80
    sections = [line for line in lines if line.endswith(":") and not line.startswith(" ")]
    assert sections[:7] == [
        "examples:", "what to open:", "model:", "hooks:", "passes:", "view:", "this program:",
    ]  # fmt: skip
    assert any(line.startswith("  inspector sweep") for line in lines)


@pytest.mark.parametrize("verb", VERBS)
def test_each_has_a_help_of_its_own(verb: Verb, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as left:
        main([verb.name, "--help"])
    assert left.value.code == 0 and capsys.readouterr().out.startswith("usage: inspector")


def test_help_at_a_terminal_takes_no_word_for_markup(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(type(sys.stdout), "isatty", lambda stream: True)
    for verb, words in (("open", ("[@REV]", "[:ref]", "what to open:")), ("config", ("[keys]", '[targets."NAME"]'))):
        with pytest.raises(SystemExit):
            main([verb, "--help"])
        said = capsys.readouterr().out
        assert all(word in said for word in words)


def test_open_needs_no_word(monkeypatch: pytest.MonkeyPatch) -> None:
    opened: list[list[str]] = []
    monkeypatch.setattr(open_verb, "run", lambda arguments: opened.append(list(arguments)) or 0)
    assert main(["open", "resnet18"]) == main(["resnet18"]) == 0
    assert opened == [["resnet18"], ["resnet18"]]


def test_the_schema_is_printed_as_it_ships(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["schema"]) == 0
    said = capsys.readouterr().out
    assert said == (ROOT / "inspector" / "report" / "schema.json").read_text("utf-8")
    assert json.loads(said)["$schema"] == "https://json-schema.org/draft/2020-12/schema"


@pytest.mark.parametrize("columns", ["1", "3", "17"])
def test_the_help_is_made_in_a_terminal_of_any_width(columns: str, monkeypatch) -> None:
    monkeypatch.setenv("COLUMNS", columns)
    assert "doctor" in make_parser().format_help()


@pytest.mark.parametrize(("typed", "meant"), [("confg", "config"), ("doctr", "doctor"), ("completions", "completion")])
def test_a_verb_with_a_slip_is_told_at_once(typed: str, meant: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([typed]) == 2
    assert f"did you mean inspector {meant}?" in capsys.readouterr().err


@pytest.mark.parametrize(("typed", "meant"), [("--hlep", "--help"), ("--themes=x", "--theme"), ("--zzz", "")])
def test_an_option_with_a_slip_is_told(typed: str, meant: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["resnet18", typed])
    assert capsys.readouterr().err.strip().endswith(f"did you mean {meant}?" if meant else typed)
