"""A model that another thread trains while passes of it are put back loses none of its updates."""

from __future__ import annotations

import copy
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch._higher_order_ops.cond import cond_op

import inspector
from inspector.engine.session import Session
from inspector.records import Note

from .meanwhile import at_the_call_of

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


def test_what_a_thread_wrote_between_two_passes_and_ended_stays() -> None:
    model = _model()
    session = Session(lambda event: None)
    with _trained(lambda number: None):
        session.adopt(model, (X.double(),), {}, "net")
        session.run()
        model[0].weight.data.zero_()
    session.run()
    assert not model[0].weight.any()
    model[2].weight.data.zero_()
    session.close()
    assert not model[0].weight.any() and not model[2].weight.any()


def test_a_thread_that_is_busy_with_something_else_changes_nothing_of_what_is_put_back() -> None:
    model = nn.Sequential(nn.Linear(6, 6), nn.BatchNorm1d(6))
    before = copy.deepcopy(model.state_dict())
    with _trained(lambda number: None):
        inspector.summary(model, X)
    assert all(torch.equal(value, before[key]) for key, value in model.state_dict().items())


@pytest.mark.parametrize("look", WAYS, ids=["summary", "sweep"])
def test_one_write_of_a_thread_that_slept_until_then_stays(look: Callable[[nn.Module], Any]) -> None:
    model = _model()
    weight = model[2].weight.data
    with at_the_call_of(model[0], weight.zero_):
        look(model)
    assert not weight.any()


@pytest.mark.parametrize("look", WAYS, ids=["summary", "sweep"])
def test_a_gradient_that_another_thread_sets_stays(look: Callable[[nn.Module], Any]) -> None:
    model = _model()
    with at_the_call_of(model[0], lambda: setattr(model[2].weight, "grad", torch.ones(3, 6).double())):
        look(model)
    assert model[2].weight.grad is not None


def test_hooks_of_a_sweep_leave_calls_of_threads_that_were_there_alone() -> None:
    model, outputs = _model(), list[Tensor]()
    plain, here = model(X.double()), threading.current_thread()
    with ThreadPoolExecutor(1) as pool:
        pool.submit(int).result()

        def call_there(*values: object) -> None:
            if threading.current_thread() is here:
                outputs.append(pool.submit(model, X.double()).result(60))

        model[1].register_forward_hook(call_there)
        inspector.sweep(model, X.double(), over="*", hook=inspector.zero(), metric="mean")
    assert len(outputs) > 3 and all(torch.equal(output, plain) for output in outputs)


def test_parameters_of_a_model_with_batch_norm_are_trained_as_ever() -> None:
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(6, 6), nn.BatchNorm1d(6), nn.Linear(6, 3)).double()
    alone = copy.deepcopy(model)
    with _trained(_by_optimizer(model)) as done:
        for _ in range(10):
            inspector.summary(model, X.double())
    step = _by_optimizer(alone)
    for number in range(done[0]):
        step(number)
    assert all(torch.equal(a, b) for a, b in zip(model.parameters(), alone.parameters(), strict=True))


class Branches(nn.Module):
    """What an exported program is made of: an operator that runs functions."""

    def forward(self, x: Tensor) -> Tensor:
        found: Tensor = cond_op(x.sum() > 0, torch.sin, torch.cos, (x,))
        return found


def test_a_model_with_higher_order_operators_runs_beside_another_thread() -> None:
    asleep = threading.Event()
    other = threading.Thread(target=lambda: asleep.wait())  # code of a file that has torch at hand
    other.start()
    try:
        assert "Branches" in inspector.summary(Branches(), torch.ones(2, 3))
    finally:
        asleep.set()
        other.join()
