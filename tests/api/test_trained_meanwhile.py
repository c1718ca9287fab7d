"""A model that another thread trains while passes of it are put back loses none of its updates."""

from __future__ import annotations

import copy
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
import torch
from torch import Tensor, nn

import inspector
from inspector.engine.session import Session
from inspector.records import Note

X = torch.randn(8, 6, generator=torch.Generator().manual_seed(1))


def _model() -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(6, 6), nn.Tanh(), nn.Linear(6, 3)).double()


def _loss(model: nn.Module, number: int) -> Tensor:
    loss: Tensor = (model(X.double() * (1 + number % 7)) ** 2).sum()
    return loss


def _by_optimizer(model: nn.Module) -> Callable[[int], None]:
    optimizer = torch.optim.SGD(model.parameters(), lr=1e-3, momentum=0.9)

    def step(number: int) -> None:
        optimizer.zero_grad()
        _loss(model, number).backward()
        optimizer.step()

    return step


def _by_data(model: nn.Module) -> Callable[[int], None]:
    """By hand, and so that no version counter moves."""

    def step(number: int) -> None:
        gradients = torch.autograd.grad(_loss(model, number), list(model.parameters()))
        for parameter, gradient in zip(model.parameters(), gradients, strict=True):
            parameter.data.add_(gradient, alpha=-1e-3)

    return step


def _by_state_dict(model: nn.Module) -> Callable[[int], None]:
    def step(number: int) -> None:
        state = {key: value * 0.999 + 1e-3 * (number % 3) for key, value in model.state_dict().items()}
        model.load_state_dict(state)

    return step


@contextmanager
def _trained(step: Callable[[int], None]) -> Iterator[list[int]]:
    """Steps are taken on another thread meanwhile; gives how many there were."""
    end, done = threading.Event(), [0]

    def train() -> None:
        while not end.is_set():
            step(done[0])
            done[0] += 1

    trainer = threading.Thread(target=train)
    trainer.start()
    try:
        yield done
    finally:
        end.set()
        trainer.join()


def _sweep(model: nn.Module) -> None:
    inspector.sweep(model, X.double(), over="*", hook=inspector.zero(), metric="mean")


WAYS = [lambda model: inspector.summary(model, X.double()), _sweep]


@pytest.mark.parametrize("trainer", [_by_optimizer, _by_data, _by_state_dict])
@pytest.mark.parametrize("look", WAYS, ids=["summary", "sweep"])
def test_what_is_trained_meanwhile_is_what_it_would_be_alone(
    trainer: Callable[[nn.Module], Callable[[int], None]], look: Callable[[nn.Module], Any]
) -> None:
    model = _model()
    alone = copy.deepcopy(model)
    with _trained(trainer(model)) as done:
        for _ in range(15):
            look(model)
    step = trainer(alone)
    for number in range(done[0]):
        step(number)
    assert done[0] > 20
    for (name, parameter), other in zip(model.named_parameters(), alone.parameters(), strict=True):
        assert torch.equal(parameter, other), f"{name} after {done[0]} steps"


def test_a_session_says_so_and_leaves_the_updates_also_at_its_end() -> None:
    model, told = _model(), list[Any]()
    alone = copy.deepcopy(model)
    session = Session(told.append)
    with _trained(_by_data(model)) as done:
        session.adopt(model, (X.double(),), {}, "net")
        for _ in range(10):
            session.run()
        session.close()
    step = _by_data(alone)
    for number in range(done[0]):
        step(number)
    assert all(torch.equal(a, b) for a, b in zip(model.parameters(), alone.parameters(), strict=True))
    notes = [event.text for event in told if isinstance(event, Note)]
    assert any("another thread writes to the model too" in text for text in notes)


def test_a_thread_that_is_busy_with_something_else_changes_nothing_of_what_is_put_back() -> None:
    model = nn.Sequential(nn.Linear(6, 6), nn.BatchNorm1d(6))
    before = copy.deepcopy(model.state_dict())
    with _trained(lambda number: None):
        inspector.summary(model, X)
    assert all(torch.equal(value, before[key]) for key, value in model.state_dict().items())
