"""Every way to fail, in every form that something is printed in: exit code, one clear line, nothing else."""

from __future__ import annotations

import argparse
import csv
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from inspector.cli import first_bad, parser, sweep
from inspector.cli.verbs import VERBS
from tests.documents import read_document

from .error_matrix import FAILURES, FINE, Failure
from .test_headless import ROOT, command

PARSERS: dict[str, argparse.ArgumentParser] = {
    "open": parser.make_parser(),
    "sweep": sweep.make_parser(),
    "first-bad": first_bad.make_parser(),
}
"""Of the verbs that print what an engine found."""


NO_ENGINE = ("schema", "config", "completion", "doctor", "tour", "run")


def forms(verb: str) -> list[str]:
    """What `--print` takes there."""
    (action,) = [each for each in PARSERS[verb]._actions if "--print" in each.option_strings]
    return list(action.choices or ())


FORMS = [(verb, form) for verb in PARSERS for form in forms(verb)]
QUICK = [("open", "json"), ("open", "tree"), ("sweep", "json"), ("first-bad", "json")]


def test_no_verb_and_no_form_is_left_out() -> None:
    assert {verb.name for verb in VERBS} == {*PARSERS, *NO_ENGINE}
    assert set(FAILURES) == set(PARSERS)


def problems(failure: Failure, form: str, code: Any, out: str, err: str) -> list[str]:
    """What is not as promised, in words."""
    last = [line for line in err.splitlines() if line.startswith("inspector:") or ": error: " in line][-1:]
    found = {
        f"exit code {code!r} in place of {failure.code}": code != failure.code,
        f"{failure.words!r} is not said": failure.words not in err + (out if failure.reported else ""),
        f"no line that says it, but {err[-200:]!r}": not last and form in ("json", "csv"),
        "a line of ours in a traceback": f'File "{ROOT / "inspector"}' in err + out or "itself failed" in err + out,
        "nothing to type": failure.code == 2 and not any(word in err for word in ("try: ", "usage: ", "  inspector ")),
        "an escape": "\x1b" in err + out,
    }
    return [words for words, wrong in found.items() if wrong] + check_output(failure, form, out)


def check_output(failure: Failure, form: str, out: str) -> list[str]:
    if form == "json":
        document = read_document(out)
        has_report = "model" in document or "sweep" in document
        silent = document["error"] is None and not failure.reported
        return ["an error is missing in the document"] * silent + ["no report"] * (failure.reported and not has_report)
    if form == "csv" and out:
        (head, *rows) = csv.reader(out.splitlines())
        return [] if all(len(row) == len(head) for row in rows) else ["not all rows are as long as the head"]
    return [f"it prints {out[:100]!r}"] * (bool(out) and not failure.reported)


@pytest.mark.parametrize(
    ("verb", "form"), [pytest.param(*each, marks=[pytest.mark.slow] * (each not in QUICK)) for each in FORMS]
)
def test_every_failure_is_said_as_promised(verb: str, form: str, tmp_path: Path) -> None:
    ran = subprocess.run(
        [sys.executable, "-m", "tests.cli.error_matrix", verb, form], cwd=tmp_path, capture_output=True, text=True,
        timeout=250, env={**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}, stdin=subprocess.DEVNULL,
    )  # fmt: skip
    assert ran.returncode == 0, ran.stderr
    outcomes = {name: rest for name, *rest in map(json.loads, ran.stdout.splitlines())}
    assert set(outcomes) == set(FAILURES[verb])
    wrong = {name: problems(FAILURES[verb][name], form, *rest) for name, rest in outcomes.items()}
    assert {name: words for name, words in wrong.items() if words} == {}


PRINTING = [(FINE, "--print", "json"), ("schema",), ("--help",), ("--version",), ("sweep", "--help")]


@pytest.mark.parametrize("arguments", PRINTING, ids=" ".join)
def test_what_cannot_be_printed_is_said(arguments: tuple[str, ...]) -> None:
    with open("/dev/full", "w") as full:
        ran = subprocess.run(command(*arguments), stdout=full, stderr=subprocess.PIPE, text=True, cwd=ROOT, timeout=100)
    assert ran.returncode == 1
    told, hint = ran.stderr.splitlines()
    assert told == "inspector: what was to be printed cannot be written: No space left on device" and "try: " in hint


@pytest.mark.parametrize("closed", ["<&-", ">&-", "2>&-", "<&- >&- 2>&-", "2>/dev/full"])
@pytest.mark.parametrize(("arguments", "code"), [((FINE, "--print", "json"), 0), (("none.pt",), 2), (("--no",), 2)])
def test_a_stream_that_is_closed_changes_nothing(closed: str, arguments: tuple[str, ...], code: int) -> None:
    shell = ["bash", "-c", f'"$@" {closed}', "bash", *command(*arguments)]
    ran = subprocess.run(shell, capture_output=True, text=True, cwd=ROOT, timeout=100)
    assert ran.returncode == code and "Traceback" not in ran.stderr
    if code == 0 and ">&-" not in closed.replace("2>&-", ""):
        assert read_document(ran.stdout)["error"] is None
    if code == 2 and "2>" not in closed:
        assert "inspector:" in ran.stderr


def test_a_stream_of_few_characters_gets_escapes_for_the_others() -> None:
    environment = {**os.environ, "PYTHONIOENCODING": "ascii"}
    ran = subprocess.run(command(FINE), capture_output=True, cwd=ROOT, timeout=100, env=environment)
    assert ran.returncode == 0 and rb"2\xd74" in ran.stdout and ran.stderr == b""
