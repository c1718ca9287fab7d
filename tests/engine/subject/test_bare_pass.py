"""A pass with hooks of ours, against the last one without any."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest
import torch
from torch import nn

from inspector.engine.session import Session
from inspector.records import MeasureCosts, PassSummary, Run


class Sleeps(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.fc = nn.Linear(4, 4)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        time.sleep(0.02)
        return self.fc(x)


@pytest.fixture
def session() -> Iterator[Session]:
    session = Session(lambda event: None)
    session.adopt(Sleeps(), (torch.ones(2, 4),), {}, "net")
    yield session
    session.close()


def observe(session: Session, on: bool) -> None:
    session.observe(((),), True, on)


def run(session: Session, **how: object) -> PassSummary:
    return session.run(Run(session.generation, **how))  # type: ignore[arg-type]


def test_the_first_pass_is_cold_and_none_is_compared_with_it(session: Session) -> None:
    observe(session, False)
    run(session)
    observe(session, True)
    assert run(session).bare_ms is None


def test_a_pass_is_compared_with_the_last_bare_one_of_the_same_input(session: Session) -> None:
    assert run(session).bare_ms is None
    observe(session, False)
    bare = run(session)
    assert bare.bare_ms is None and bare.against_bare is None
    observe(session, True)
    observed = run(session)
    assert observed.bare_ms == bare.ms and observed.against_bare == observed.ms / bare.ms - 1
    assert run(session, backward=True).bare_ms is None
    assert run(session).bare_ms == bare.ms
    session.edit_parameters("fc", "zero()")
    assert run(session).bare_ms is None
    session.change(lambda log: log.undo())
    assert run(session).bare_ms == bare.ms
    session.set_input(("2x4",))
    assert run(session).bare_ms is None


def test_a_pass_with_hooks_that_were_added_is_not_bare_and_is_compared(session: Session) -> None:
    run(session)
    observe(session, False)
    session.add_hook("fc", "scale(2)")
    run(session)
    session.change(lambda log: log.undo())
    observe(session, True)
    assert run(session).bare_ms is None
    observe(session, False)
    bare = run(session)
    session.add_hook("fc", "scale(2)")
    observe(session, True)
    assert run(session).bare_ms == bare.ms


def test_costs_time_passes_that_are_almost_bare(session: Session) -> None:
    run(session)
    costs = session.tasks.costs.measure(MeasureCosts(session.generation, 3))
    observed = run(session)
    assert observed.bare_ms is not None and costs.ms <= observed.bare_ms < 2 * costs.ms
