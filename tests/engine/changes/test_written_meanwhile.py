"""An edit is taken back, and made again, only where nobody else wrote to the tensor since."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator

import pytest
import torch
from torch import nn

from inspector.engine.answers import answer
from inspector.engine.session import Session
from inspector.records import EditParameters, Note, Run, TakeBaseline, Undo


def _opened() -> tuple[nn.Module, Session, list[str]]:
    torch.manual_seed(0)
    model, told = nn.Sequential(nn.Linear(2, 2), nn.Linear(2, 2)), list[str]()
    session = Session(lambda event: told.append(event.text) if isinstance(event, Note) else None)
    session.adopt(model, (torch.ones(1, 2),), {}, "net")
    return model, session, told


@contextlib.contextmanager
def _beside_a_trainer() -> Iterator[None]:
    """A thread that has torch at hand: alone, a session puts back whatever it finds changed."""
    end = threading.Event()
    trainer = threading.Thread(target=lambda: end.wait())
    trainer.start()
    try:
        yield
    finally:
        end.set()
        trainer.join()


def _edit(session: Session, where: str) -> None:
    answer(session, EditParameters(1, where, "scale(2)"))


def test_what_was_written_since_an_edit_is_left_when_that_is_undone_and_said() -> None:
    model, session, told = _opened()
    weight, other = model[0].weight, model[0].bias.detach().clone()
    _edit(session, "0")
    weight.data.fill_(7)  # as a trainer does: no version counter moves
    answer(session, Undo(1))
    assert weight.eq(7).all() and torch.equal(model[0].bias, other)
    assert told == ["0.weight was also written by something else than the edit: it is left as it is"]


def test_what_was_written_since_an_edit_is_left_at_the_end_of_the_session() -> None:
    with _beside_a_trainer():
        model, session, told = _opened()
        _edit(session, "0, 1")
        with torch.no_grad():
            model[1].weight.add_(1)
        trained = model[1].weight.detach().clone()
        session.close()
    assert torch.equal(model[1].weight, trained)
    assert [text.partition(" ")[0] for text in told] == ["1.weight"]


def test_an_undone_edit_is_not_made_again_over_what_was_written_since() -> None:
    model, session, told = _opened()
    _edit(session, "0")
    answer(session, Undo(1))
    model[0].weight.data.fill_(7)
    answer(session, Undo(1, redo=True))
    assert model[0].weight.eq(7).all()
    assert [text.partition(" ")[0] for text in told] == ["0.weight"]


@pytest.mark.parametrize("after_baseline", [True, False])
def test_a_pass_of_the_baseline_leaves_what_was_written(after_baseline: bool) -> None:
    with _beside_a_trainer():
        model, session, told = _opened()
        if after_baseline:
            answer(session, TakeBaseline(1))
        _edit(session, "0")
        model[0].weight.data.fill_(7)
        session.run(Run(1))
        assert model[0].weight.eq(7).all()
        session.close()
    assert model[0].weight.eq(7).all() and any(text.startswith("0.weight") for text in told)


def test_edits_that_nobody_wrote_to_come_back_bit_for_bit() -> None:
    model, session, told = _opened()
    before = model[0].weight.detach().clone()
    _edit(session, "0")
    _edit(session, "0")
    twice = model[0].weight.detach().clone()
    answer(session, Undo(1))
    answer(session, Undo(1))
    assert torch.equal(model[0].weight, before)
    answer(session, Undo(1, redo=True))
    answer(session, Undo(1, redo=True))
    assert torch.equal(model[0].weight, twice) and told == []
