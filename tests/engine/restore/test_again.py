"""In a process of its own a model is looked through once for many passes, and anew once something may have changed."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import nn

from inspector.engine.answers import answer
from inspector.engine.restore import guard
from inspector.engine.session import Session
from inspector.records import (
    AddHook,
    AnyEvent,
    AnyRequest,
    EditParameters,
    GetCalls,
    GetHooks,
    HookSpec,
    Observe,
    Run,
    SetHook,
    Undo,
)
from tests.fingerprint import fingerprint


class Looking:
    """A session on a model, and how often that was looked through."""

    def __init__(self, model: nn.Module, monkeypatch: pytest.MonkeyPatch, alone: bool = True) -> None:
        self.times = 0
        reach = guard.Reach

        def look(*args: Any) -> Any:
            self.times += 1
            return reach(*args)

        monkeypatch.setattr(guard, "Reach", look)
        self.model = model
        self.session = Session(lambda event: None, alone=alone)
        self.session.adopt(model, (torch.ones(1, 2),), {}, "model")
        self.run()  # the first one may look at what runs where nothing is observed
        self.run()

    def ask(self, request: AnyRequest) -> AnyEvent:
        return answer(self.session, request)

    def run(self, seed: int = 0) -> int:
        """A pass puts the model back, whether that was looked through or not. How often it was."""
        before, times = fingerprint(self.model), self.times
        reply = self.ask(Run(1, seed=seed))
        assert reply.summary.problem is None and fingerprint(self.model) == before
        return self.times - times


def mlp() -> nn.Sequential:
    return nn.Sequential(nn.Linear(2, 2), nn.ReLU(), nn.BatchNorm1d(2)).eval()


def test_a_model_that_stays_as_it_is_is_looked_through_once(monkeypatch: pytest.MonkeyPatch) -> None:
    looking = Looking(mlp(), monkeypatch)
    assert [looking.run() for _ in range(3)] == [0, 0, 0]
    looking.ask(GetCalls(1, ("0",), values=True, force=True))
    looking.ask(GetHooks(1, ("0",)))
    assert looking.run() == 0
    looking.session.close()


def test_beside_a_person_who_may_change_it_it_is_looked_through_each_time(monkeypatch: pytest.MonkeyPatch) -> None:
    looking = Looking(mlp(), monkeypatch, alone=False)
    assert [looking.run() for _ in range(3)] == [1, 1, 1]
    looking.session.close()


CHANGES: dict[str, AnyRequest] = {
    "a hook": AddHook(1, "0", HookSpec("scale", {"factor": 2.0})),
    "an edit": EditParameters(1, "0", HookSpec("scale", {"factor": 2.0})),
    "an undo": Undo(1),
    "an observer": Observe(1, (("0",),), False, False),
}


@pytest.mark.parametrize("request_of", CHANGES)
def test_a_change_is_found(request_of: str, monkeypatch: pytest.MonkeyPatch) -> None:
    looking = Looking(mlp(), monkeypatch)
    if request_of == "an undo":
        looking.ask(CHANGES["a hook"])
        looking.run()
    looking.ask(CHANGES[request_of])
    assert looking.run() >= 1
    assert looking.run() + looking.run() <= 2
    looking.session.close()
    assert not looking.model[0]._forward_hooks


class Counting(nn.Module):
    """A pass with an odd seed changes an attribute."""

    def __init__(self) -> None:
        super().__init__()
        self.list: list[int] = []

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        if torch.initial_seed() % 2:
            self.list.append(1)
        return x


def test_what_a_pass_changed_is_looked_at_by_the_next(monkeypatch: pytest.MonkeyPatch) -> None:
    looking = Looking(Counting(), monkeypatch)
    assert [looking.run(seed) for seed in (0, 1, 2, 4, 1, 1)] == [0, 0, 1, 0, 0, 1]
    looking.session.close()


class Training(nn.Module):
    """Each pass writes to a buffer past its version counter, and to weights, and puts a hook on itself."""

    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Linear(2, 2)
        self.norm = nn.BatchNorm1d(2)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        self.layer.weight.data.mul_(2)
        return self.norm(self.layer(torch.cat([x, x + 1])))


def test_contents_of_tensors_are_put_back_every_time(monkeypatch: pytest.MonkeyPatch) -> None:
    looking = Looking(Training(), monkeypatch)
    assert [looking.run() for _ in range(3)] == [0, 0, 0]
    assert set(looking.session.summary.restored) >= {"layer.weight: values", "norm.running_mean: values"}
    looking.session.close()


class Hooking(nn.Linear):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        self.register_forward_pre_hook(lambda module, args: None)
        self.weight.requires_grad_(not self.weight.requires_grad)
        return super().forward(x)


def test_hooks_and_flags_are_put_back_every_time(monkeypatch: pytest.MonkeyPatch) -> None:
    looking = Looking(Hooking(2, 2), monkeypatch)
    assert [looking.run() for _ in range(3)] == [1, 1, 1]
    looking.session.close()


def test_while_another_thread_may_write_it_is_looked_through(monkeypatch: pytest.MonkeyPatch) -> None:
    looking = Looking(mlp(), monkeypatch)
    stop = threading.Event()
    thread = threading.Thread(target=_wait_beside, args=(looking.model, stop.wait))
    thread.start()
    try:
        time.sleep(0.01)
        assert looking.run() == 1 and looking.run() == 1
    finally:
        stop.set()
        thread.join()
    assert looking.run() == 1  # what it did is not known
    looking.session.close()


def _wait_beside(model: nn.Module, wait: Callable[[], bool]) -> None:
    wait()


def test_other_peoples_hooks_are_counted_in_every_pass(monkeypatch: pytest.MonkeyPatch) -> None:
    model = mlp()
    handle = model[0].register_forward_hook(lambda module, args, output: None)
    hook = model[0]._forward_hooks[handle.id]
    looking = Looking(model, monkeypatch)

    def fired() -> list[int]:
        return [row.fired for row in looking.session.queries.hooks(("0",)).rows if row.id == handle.id]

    assert looking.run() == 0 and fired() == [1] and model[0]._forward_hooks[handle.id] is hook
    looking.ask(SetHook(1, ("0",), "forward", handle.id, False))
    assert looking.run() >= 1 and fired() == [0]
    looking.ask(SetHook(1, ("0",), "forward", handle.id, True))
    assert looking.run() == 1 and fired() == [1] and looking.run() == 0 and fired() == [1]
    looking.session.close()
