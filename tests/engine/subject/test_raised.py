"""The frames of what a pass raised: kept until the next one begins, described against plain PyTorch."""

from __future__ import annotations

import gc
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from inspector.engine.session import Session
from inspector.records import GetLocals, GetStack, Locals, Run, Stack, TensorValue
from tests.fingerprint import fingerprint

WIDTH = 83  # which no model of another test has


class Head(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.out = nn.Linear(9, 3)

    def forward(self, hidden: Tensor, how: Any) -> Tensor:
        scaled = hidden * 2
        how(scaled)
        return scaled


class Net(nn.Module):
    """Fails as `how` says, which is given what the head made."""

    def __init__(self, how: Any) -> None:
        super().__init__()
        self.stem, self.head, self.how = nn.Linear(3, WIDTH), Head(), how

    def forward(self, x: Tensor) -> Tensor:
        hidden = torch.relu(self.stem(x))
        return self.head(hidden, self.how)  # type: ignore[no-any-return]


def opened(model: nn.Module) -> Session:
    session = Session(lambda event: None)
    session.adopt(model, (torch.ones(2, 3),), {}, "net")
    return session


def stack_of(session: Session) -> Stack:
    found = session.queries.answer(GetStack(session.generation))
    assert isinstance(found, Stack)
    return found


def fail(*_: object) -> None:
    raise ValueError("as asked for")


def test_the_frames_and_their_variables_are_there_until_the_next_pass() -> None:
    model = Net(fail)
    before = fingerprint(model)
    session = opened(model)
    problem = session.run().problem
    stack = stack_of(session)
    assert problem is not None and stack.raised == problem
    written = [row for row in stack.frames if row.origin == "yours"]
    assert [row.path for row in written] == [(), ("head",), ("head",)]
    assert not any("/inspector/engine/" in row.file for row in stack.frames), "none of ours"
    found = session.queries.answer(GetLocals(session.generation, written[1].number))
    assert isinstance(found, Locals)
    values = {row.name: row.value for row in found.rows}
    expected = torch.relu(model.stem(torch.ones(2, 3))) * 2
    scaled = values["scaled"]
    assert isinstance(scaled, TensorValue) and scaled.statistics is not None
    assert scaled.statistics.max == pytest.approx(expected.max().item())
    model.how = lambda scaled: None
    session.run(Run(session.generation))
    assert stack_of(session) == Stack()
    session.close()
    model.how = fail
    assert fingerprint(model) == before


def count_hidden() -> int:
    """Tensors as the model makes them that anything holds: what the graph saved of one is no other."""
    made = [each for each in gc.get_objects() if type(each) is Tensor and each.shape == (2, WIDTH)]
    return len({each.data_ptr() for each in made})


def test_nothing_of_a_failed_pass_stays_in_memory_past_the_next() -> None:
    session = opened(model := Net(fail))
    session.run()
    gc.collect()
    assert count_hidden() >= 2, "its frames are looked at"
    model.how = lambda scaled: fail() if count_hidden() > 2 else None  # those of its own forwards
    assert session.run().problem is None, "they are gone before the next pass begins"
    model.how = fail
    session.run()
    session.close()
    gc.collect()
    assert count_hidden() == 0


def test_where_memory_ran_out_no_frame_keeps_it() -> None:
    def run_out(scaled: Tensor) -> None:
        raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB")

    session = opened(Net(run_out))
    assert session.run().problem is not None
    assert stack_of(session) == Stack()
    session.close()
