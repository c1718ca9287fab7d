"""A pass that stands still in a server: what is asked of it is answered meanwhile, and nobody waits for it to end."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import torch
from torch import nn

from inspector.records import (
    Cancel,
    CompleteLine,
    Done,
    Evaluate,
    Failed,
    GetAttributes,
    GetParameters,
    GoOnWith,
    Paused,
    Resumed,
    Run,
    SetStops,
    Stop,
    Stops,
)
from tests.fingerprint import fingerprint

from ..test_server import Running


@pytest.fixture
def model() -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(4, 4), nn.ReLU(), nn.Dropout(0.5))


@pytest.fixture
def running(model: nn.Module) -> Iterator[Running]:
    server = Running(model, (torch.ones(2, 4),))
    yield server
    if server.thread.is_alive():
        server.stop()


def stopped(running: Running, *stops: Stop) -> int:
    """The number of the request for the pass that stands still now."""
    client = running.client
    assert isinstance(client.ask(SetStops(1, stops)), Stops)
    number = client.send(Run(1))
    client.until(Paused)
    return number


def test_what_is_asked_meanwhile_is_answered(running: Running) -> None:
    client = running.client
    number = stopped(running, Stop(1, "before", ("1",)))
    assert client.ask(GetParameters(1, ("0",))).total == 2 and client.ask(GetAttributes(1, ("0",))).class_name
    assert client.ask(Evaluate(1, "input.shape[0] * 3")).value.value == 6
    assert client.ask(CompleteLine(1, "kw")).lines == ("kwargs",)
    assert isinstance(client.ask(SetStops(1, (Stop(1, "before", ("1",)), Stop(2, "after", ("2",))))), Stops)
    client.events.clear()
    assert client.ask(GoOnWith(1)) == Done()
    client.until(Paused)
    assert client.ask(GoOnWith(1)) == Done()
    summary = client.reply(number).summary
    assert summary.problem is None and summary.calls == 4
    assert isinstance(client.ask(Evaluate(1, "1")), Failed) and isinstance(client.ask(GoOnWith(1)), Failed)


def test_it_is_cancelled_where_it_stands(running: Running, model: nn.Module) -> None:
    before = fingerprint(model)
    number = stopped(running, Stop(1, "after", ("0",)))
    assert running.client.ask(Evaluate(1, "module.weight.data.zero_() is None")).problem is None
    assert running.client.ask(Cancel()) == Done()
    assert running.client.reply(number).summary.cancelled
    assert any(isinstance(event, Resumed) for event in running.client.events)
    assert fingerprint(model) == before


@pytest.mark.parametrize("line", ["", "while_it_runs"])
def test_a_client_that_goes_leaves_the_program_to_go_on(model: nn.Module, line: str) -> None:
    before = fingerprint(model)
    running = Running(model, (torch.ones(2, 4),))
    stopped(running, Stop(1, "before", ("2",)))
    if line:
        running.client.send(Evaluate(1, "[module(input) for _ in range(200)]"))
    running.stop()
    running.server.session.close()  # type: ignore[union-attr]
    assert fingerprint(model) == before
