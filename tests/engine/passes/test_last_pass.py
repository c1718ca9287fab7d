"""The calls of one module, as they are asked for, against those of the whole pass."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from inspector.engine.recording.call import Call
from inspector.engine.recording.call_store import CallStore
from inspector.engine.session import Session
from inspector.records import CallDetail, GetTrace, Run


class Deep(nn.Module):
    """Calls itself, and each time a shared module twice."""

    def __init__(self) -> None:
        super().__init__()
        self.act = nn.ReLU()

    def forward(self, x: Tensor, deeper: int = 3) -> Tensor:
        x = self.act(self.act(x))
        return self(x + 1, deeper - 1) if deeper else x


class Loop(nn.Module):
    """Calls one module very often."""

    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Identity()

    def forward(self, x: Tensor) -> Tensor:
        for _ in range(3_000):
            x = self.layer(x)
        return x


def opened(model: nn.Module) -> Session:
    session = Session(lambda event: None)
    session.adopt(model, (torch.ones(1, 2),), {}, "model")
    return session


def traced(session: Session) -> tuple[CallDetail, ...]:
    found = session.queries.answer(GetTrace(session.generation, 0, 10_000))
    return found.calls  # type: ignore[union-attr, return-value]  # `Calls`


@pytest.mark.parametrize("batches", [1, 3])
def test_calls_of_a_module_are_those_of_the_trace(batches: int) -> None:
    session = opened(Deep())
    session.run(Run(session.generation, batches=batches))
    last = session.runner.last
    for step in range(batches):
        session.show_step(step)
        for index in range(2):
            own = last.of(index)
            expected = [call.row for call in traced(session) if (call.row.module, call.row.step) == (index, step)]
            assert [call.row() for call in own] == expected and len(own) == len(expected) > 3
            assert [call.row() for call in own[1:3]] == expected[1:3]
            for number in range(len(own)):  # the first of them that begins is the last to end
                found = own.find(number)
                assert found is not None and found.in_step == number and found.step == step
            assert own.find(len(own)) is None
    session.close()


def test_of_very_many_calls_those_are_made_that_are_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    session = opened(Loop())
    session.run()
    session.run()
    made, build = [], CallStore._build

    def count(calls: CallStore, place: int) -> Call:
        made.append(place)
        return build(calls, place)

    monkeypatch.setattr(CallStore, "_build", count)
    shown = session.queries.calls_of(("layer",), call=2_500)
    assert shown.total == 3_000 and [call.row.in_step for call in shown.calls] == [*range(200), 2_500]
    assert all(call.previous == call.output for call in shown.calls) and len(made) < 600
    session.close()
