"""Sweeps of a session: what is told as they go, that they can be cancelled, and that they leave nothing behind."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
import torchvision  # noqa: F401 - what is imported stays, and it changes settings of the process
from torch import nn

import inspector
from inspector.engine.answers import answer
from inspector.engine.session import Session
from inspector.errors import InspectorError
from inspector.records import (
    AnyEvent,
    Cancel,
    PassEnded,
    Run,
    RunSweep,
    SweepBegan,
    SweepEnded,
    SweepRow,
    SweepRows,
)
from tests.fingerprint import fingerprint


def make_model() -> nn.Sequential:
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(4, 4), nn.BatchNorm1d(4), nn.Dropout(), nn.Linear(4, 2)).train()


def opened(model: nn.Module, emit: Callable[[AnyEvent], None] = lambda event: None) -> Session:
    session = Session(emit)
    session.adopt(model, (torch.arange(12.0).reshape(3, 4),), {}, "net")
    return session


def rows_of(events: list[AnyEvent]) -> list[SweepRow]:
    return [row for event in events if isinstance(event, SweepRows) for row in event.rows]


def test_a_session_sweeps_as_the_library_does() -> None:
    events: list[AnyEvent] = []
    model = make_model()
    before = fingerprint(model)
    session = opened(model, events.append)
    ended = answer(session, RunSweep(1, ("0,1,3",), hook="scale(2)", metric="norm"))
    assert isinstance(ended, SweepEnded) and ended.complete and not ended.notes
    truth = inspector.sweep(
        make_model(), torch.arange(12.0).reshape(3, 4), over="0,1,3", hook="scale(2)", metric="norm"
    )
    (began,) = (event for event in events if isinstance(event, SweepBegan))
    assert began.head == truth.head and rows_of(events) == list(truth.rows)
    assert [event.done for event in events if isinstance(event, SweepRows)][-1] == 3
    passed = answer(session, Run(1))
    assert isinstance(passed, PassEnded) and passed.summary.problem is None
    session.close()
    assert fingerprint(model) == before


def test_clean_and_corrupted_inputs_are_drawn_from_seeds_of_their_own() -> None:
    events: list[AnyEvent] = []
    session = opened(make_model(), events.append)
    answer(session, RunSweep(1, ("0",), metric="mean", clean=("3x4",), corrupted=("3x4",)))
    (head,) = (event.head for event in events if isinstance(event, SweepBegan))
    assert head.clean is not None and head.clean != head.corrupted
    assert [row.recovered for row in rows_of(events)] == [1.0]


def test_a_cancelled_sweep_ends_before_its_next_place() -> None:
    events: list[AnyEvent] = []
    model = make_model()
    session = opened(model, events.append)
    model[3].register_forward_hook(lambda m, a, out: answer(session, Cancel()) and None)
    ended = answer(session, RunSweep(1, ("0,1,3",), hook="zero()", metric="mean"))
    assert isinstance(ended, SweepEnded) and not ended.complete
    assert [row.place for row in rows_of(events)] == ["0"]


@pytest.mark.parametrize(
    ("request_", "words"),
    [
        (RunSweep(1, ("nope",), hook="zero()"), "nope"),
        (RunSweep(1, ("0",)), "nothing to put in"),
        (RunSweep(1, ("0",), hook="zeor()"), "no kind of hook"),
        (RunSweep(1, ("0",), hook="zero()", metric="math:nope"), "nope"),
        (RunSweep(1, ("0",), hook="zero()", corrupted=("3x5",)), "mat1 and mat2|5"),
        (RunSweep(2, ("0",), hook="zero()"), "opened anew"),
    ],
)
def test_what_cannot_be_done_is_said_and_the_model_is_as_before(request_: RunSweep, words: str) -> None:
    model = make_model()
    before = fingerprint(model)
    session = opened(model)
    with pytest.raises(InspectorError, match=words):
        answer(session, request_)
    session.close()
    assert fingerprint(model) == before


def test_an_input_that_does_not_fit_is_told_with_the_module() -> None:
    session = opened(nn.Sequential(nn.Sequential(nn.Linear(4, 4)), nn.Linear(4, 2)))
    with pytest.raises(InspectorError) as raised:
        answer(session, RunSweep(1, ("0",), hook="zero()", corrupted=("3x5",)))
    problem = raised.value.problem
    assert problem.path == ("0", "0") and problem.why.startswith("0.0 (Linear) takes")
    session.close()


def test_what_cannot_be_swept_says_why() -> None:
    session = opened(torch.jit.script(make_model()))
    with pytest.raises(InspectorError, match="no hook can be put on 0: scripted and traced modules run compiled code"):
        answer(session, RunSweep(1, ("0",), hook="zero()", metric="mean"))
    session.close()
    session = Session(lambda event: None)
    session.adopt(make_model().to("meta"), (torch.ones(3, 4, device="meta"),), {}, "net")
    with pytest.raises(InspectorError, match="the metric gave a tensor of the meta device, which has no values"):
        answer(session, RunSweep(1, ("0",), hook="zero()", metric="mean"))
    session.close()
