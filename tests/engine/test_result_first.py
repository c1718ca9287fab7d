"""A result is told the moment a pass is over; then the model and the process are put back, and the reply says so."""

from __future__ import annotations

import os
import random
import signal

import pytest
import torch
from torch import nn

from inspector.engine.restore import backup as backup_module
from inspector.engine.session import Session
from inspector.records import AnyEvent, CallRows, Note, PassEnded, PassSummary, Run, Work
from tests.models import build

TIMER = 30.0  # seconds


class Writes(nn.Module):
    """A pass writes to a parameter past its version counter, to an attribute and to the process. It leaves modes on,
    and a timer whose handler would run in whatever comes next."""

    def __init__(self) -> None:
        super().__init__()
        self.count = nn.Parameter(torch.zeros(2))
        self.calls = 0

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        self.count.data += 1
        self.calls += 1
        random.seed(7)
        os.environ["WRITES"] = "1"
        torch.set_default_device("meta")
        signal.signal(signal.SIGVTALRM, lambda number, frame: 1 / 0)
        signal.setitimer(signal.ITIMER_VIRTUAL, TIMER)
        return x


class Heard:
    """What a session on a model tells, and what `look` finds each time that a pass ended."""

    def __init__(self, model: nn.Module, args: tuple[object, ...], look: object = None) -> None:
        self.told: list[AnyEvent] = []
        self.found: list[object] = []
        self._look = look
        self.session = Session(self._hear)
        self.session.adopt(model, args, {}, "model")
        self.session.run()  # the first one looks at what runs where nothing is observed
        self.told.clear(), self.found.clear()

    def _hear(self, event: AnyEvent) -> None:
        self.told.append(event)
        if isinstance(event, PassEnded) and callable(self._look):
            self.found.append(self._look())

    def early(self) -> list[PassSummary]:
        ends = [event for event in self.told if isinstance(event, PassEnded)]
        assert not any(event.settled for event in ends)
        return [event.summary for event in ends]

    def kinds(self) -> list[type]:
        return [type(event) for event in self.told if isinstance(event, (CallRows, PassEnded, Note, Work))]


def modes() -> tuple[object, ...]:
    """What code of ours would trip over."""
    handler, timer = signal.getsignal(signal.SIGVTALRM), signal.getitimer(signal.ITIMER_VIRTUAL)
    return torch.is_grad_enabled(), torch.get_default_device().type, handler, timer


def test_it_is_told_before_the_model_and_the_process_are_put_back() -> None:
    model = Writes()
    heard = Heard(model, (torch.ones(1),), lambda: (modes(), model.count.tolist(), model.calls, "WRITES" in os.environ))
    before, state = modes(), random.getstate()
    summary = heard.session.run()
    (early,) = heard.early()
    assert heard.found == [(before, [1, 1], 1, True)]
    assert (modes(), model.count.tolist(), model.calls, "WRITES" in os.environ) == (before, [0, 0], 0, False)
    assert random.getstate() == state
    assert early.restored == () and early.not_restored == () and summary.not_restored == ()
    found = {"count: values", "(root): calls", "environment: WRITES", "default device", "timers: virtual"}
    assert found <= set(summary.restored), summary.restored
    assert early.calls == summary.calls == 1 and early.output == summary.output
    heard.session.close()


def test_what_a_pass_changed_comes_after_its_result() -> None:
    heard = Heard(Writes(), (torch.ones(1),))
    heard.session.run(Run(1, seed=3))
    assert heard.kinds() == [CallRows, PassEnded]  # the same was said of the pass before
    heard.session.close()


def test_of_a_large_model_it_is_said_that_weights_are_compared(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(backup_module, "LARGE", 0)
    model, args, _ = build("mlp")
    heard = Heard(model, args)
    heard.session.run()
    assert heard.kinds() == [CallRows, PassEnded, Work]
    heard.session.close()


def test_other_peoples_hooks_are_the_very_ones_and_were_counted() -> None:
    model, args, _ = build("mlp")
    fired: list[object] = []
    handle = model.register_forward_hook(lambda module, args, output: fired.append(output))
    hook = model._forward_hooks[handle.id]
    heard = Heard(model, args)
    fired.clear()
    heard.session.run()
    assert len(fired) == 1 and model._forward_hooks[handle.id] is hook and heard.early()
    rows = heard.session.queries.hooks(())
    assert [row.fired for row in rows.rows if row.id == handle.id] == [1]
    heard.session.close()


def test_a_pass_that_raised_is_told_once() -> None:
    model, args, kwargs = build("raises_midway")
    told: list[AnyEvent] = []
    session = Session(told.append)
    session.adopt(model, args, kwargs, "raises")
    assert session.run().problem is not None
    assert not any(isinstance(event, PassEnded) for event in told)
    session.close()


class Opens(nn.Module):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        os.dup(0)
        return x


def test_a_file_that_is_opened_to_show_the_result_is_none_that_the_pass_left() -> None:
    opened: list[int] = []
    heard = Heard(Opens(), (torch.ones(1),), lambda: opened.append(os.dup(0)))
    try:
        lost = heard.session.run().not_restored
        assert len([words for words in lost if words.startswith("an open file is left")]) == 1
    finally:
        for descriptor in opened:
            os.close(descriptor)
        heard.session.close()
