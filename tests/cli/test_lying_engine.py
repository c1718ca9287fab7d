"""What the command line makes of an engine that lies: a report, or one line; never a traceback, and never nothing."""

from __future__ import annotations

from collections.abc import Callable
from random import Random
from typing import Any

import pytest
from msgspec.structs import replace

from inspector.cli import reading
from inspector.cli.headless import print_report
from inspector.records import (
    CallColumns,
    CallRows,
    Calls,
    Gradients,
    HookMarks,
    ModuleRows,
    Opened,
    PassEnded,
    Problem,
    Run,
    Told,
)
from tests.client.retold import TARGET, Answers, Lie, RetoldEngine, hear_out, lie_at_random, tell_truth
from tests.client.trails import leave_behind, overwrite
from tests.documents import read_document

FORMS = ("json", "tree", "calls")
FINE = Problem("x", exit_code=0)


@pytest.fixture(scope="module")
def answers() -> Answers:
    return hear_out()


Printed = tuple[int, str, str]
"""The exit code, the report, and what was said beside it."""


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Callable[[Answers, Lie, str], Printed]:
    """Print a report of what an engine with these answers says."""

    def print_one(answers: Answers, lie: Lie, form: str) -> Printed:
        monkeypatch.setattr(reading, "start_engine", RetoldEngine(answers, lie).start)
        monkeypatch.setattr(reading, "PATIENCE", 0.2)
        out: list[str] = []
        return print_report(TARGET, form, out.append), "".join(out), capsys.readouterr().err

    return print_one


def assert_clear(printed: Printed, form: str) -> None:
    code, out, err = printed
    assert code in (0, 1, 2) and "Traceback" not in err and "itself failed" not in err
    assert code == 0 or err.strip()
    if "the engine sent" in err:
        assert code == 1 and sum("the engine sent" in line for line in err.splitlines()) == 1
    if form == "json":
        read_document(out)


@pytest.mark.parametrize("form", FORMS)
def test_an_engine_that_tells_the_truth(form: str, answers: Answers, run: Any) -> None:
    printed = run(answers, tell_truth, form)
    assert printed[0] == 0
    assert_clear(printed, form)


@pytest.mark.parametrize("seed", range(90))
def test_random_lies(seed: int, answers: Answers, run: Any) -> None:
    form = FORMS[seed % len(FORMS)]
    assert_clear(run(answers, lie_at_random(Random(seed)), form), form)


@pytest.mark.parametrize("seed", range(30))
def test_a_trail_that_was_written_over(
    seed: int, answers: Answers, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    call_log, form = leave_behind(), FORMS[seed % len(FORMS)]
    overwrite(call_log, Random(seed))
    engine = RetoldEngine(answers, dies_at=(Run,))
    monkeypatch.setattr(reading, "start_engine", lambda: engine.start(call_log))
    out: list[str] = []
    code = print_report(TARGET, form, out.append)
    err = capsys.readouterr().err
    assert code == 1 and err.startswith("inspector: the engine was killed by SIGSEGV during the forward pass")
    assert_clear((code, "".join(out), err), form)


def far(rows: CallColumns) -> CallColumns:
    return CallColumns.of(replace(row, module=999) for row in rows)


def say_another_model(told: Told) -> list[Told]:
    """After which calls of the first one are not of any module."""
    if isinstance(told.body, CallRows):
        return [told, Told(0, replace(told.body, rows=far(told.body.rows)))]
    info = told.body.info
    return [told, Told(0, replace(told.body, generation=2)), Told(0, replace(told.body, generation=2, info=info))]


LIES: dict[str, tuple[Callable[[Told], bool], Callable[[Told], list[Told]]]] = {
    "no calls where there were some": (
        lambda told: isinstance(told.body, Calls),
        lambda told: [Told(told.id, replace(told.body, calls=(), total=0))],
    ),
    "the same gradients for ever": (
        lambda told: isinstance(told.body, Gradients),
        lambda told: [Told(told.id, replace(told.body, total=1_000))],
    ),
    "another model": (lambda told: isinstance(told.body, Opened | CallRows), say_another_model),
    "no modules": (lambda told: isinstance(told.body, ModuleRows), lambda told: []),
    "steps without end": (
        lambda told: isinstance(told.body, PassEnded),
        lambda told: [Told(told.id, replace(told.body, summary=replace(told.body.summary, steps=1 << 50)))],
    ),
    "a failure that is none": (
        lambda told: isinstance(told.body, PassEnded),
        lambda told: [Told(told.id, replace(told.body, summary=replace(told.body.summary, problem=FINE)))],
    ),
    "hook marks of nothing": (
        lambda told: isinstance(told.body, HookMarks),
        lambda told: [Told(0, replace(told.body, observed=b"\7"))],
    ),
}


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("name", LIES)
def test_lies_that_are_well_made(name: str, form: str, answers: Answers, run: Any) -> None:
    is_meant, change = LIES[name]
    lies = {
        kind: [one for told in said for one in (change(told) if is_meant(told) else [told])]
        for kind, said in answers.items()
    }
    printed = run(lies, tell_truth, form)
    assert_clear(printed, form)
    asked = form == "json" or name not in ("no calls where there were some", "the same gradients for ever")
    assert not asked or printed[0] == (0 if name == "the same gradients for ever" else 1)
