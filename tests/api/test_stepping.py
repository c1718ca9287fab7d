"""A program that goes on from where it stood still: where it stands still next, and that nothing is left behind."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from functools import partial
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from inspector.api.stepping import step_on, stop_stepping
from inspector.engine.frames.code_frame import frames_around
from inspector.engine.stopping.program import HeldProgram
from tests.fingerprint import fingerprint


class Net(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.first, self.last = nn.Linear(3, 3), nn.Linear(3, 2)

    def forward(self, x: Tensor) -> Tensor:
        x = double(self.first(x))
        return self.last(x)  # type: ignore[no-any-return]


def double(x: Tensor) -> Tensor:
    twice = x * 2
    return twice


class Walk:
    """Steps through a program, by these orders, and notes down where it comes to."""

    def __init__(self, model: nn.Module, *orders: Any) -> None:
        self.model, self.orders, self.places = model, list(orders), list[str]()
        self.act: Any = lambda held: None

    def begin(self) -> None:
        """Where a program has its breakpoint."""
        self.go_on(HeldProgram.at_line(frames_around(sys._getframe(1))))

    def arrive(self, held: HeldProgram) -> None:
        innermost = held.frames[-1]
        self.places.append("before" if held.module is not None else innermost.text())
        self.act(held)
        self.go_on(held)

    def go_on(self, held: HeldProgram) -> None:
        if self.orders:
            step_on(self.orders.pop(0), held, self.model, self.arrive)


@pytest.fixture(autouse=True)
def _nothing_is_left() -> Iterator[None]:
    before = sys.gettrace()
    yield
    stop_stepping()
    assert sys.gettrace() is before


def run(walk: Walk) -> Tensor:
    x = torch.ones(2, 3)
    walk.begin()
    y: Tensor = walk.model(x)
    total = y.sum()
    return total


def test_lines_are_gone_over_into_and_out_of() -> None:
    model = Net()
    before = fingerprint(model)
    walk = Walk(model, "over", "into", "into", "into", "over", "out", "over")
    run(walk)
    assert walk.places == [
        "y: Tensor = walk.model(x)",
        "x = double(self.first(x))",
        "before",
        "twice = x * 2",
        "return twice",
        "return self.last(x)  # type: ignore[no-any-return]",
        "total = y.sum()",
    ]
    stop_stepping()
    assert fingerprint(model) == before


def test_every_module_is_stopped_before_in_turn() -> None:
    walk = Walk(Net(), "module", "module", "module", "out")
    run(walk)
    assert walk.places == ["before"] * 3 + ["total = y.sum()"]


def test_what_is_put_in_the_place_of_an_input_is_what_the_module_gets() -> None:
    model = Net()
    walk = Walk(model, "module")
    walk.act = lambda held: held.scope.run("input = input * 0")
    assert run(walk).equal(model(torch.zeros(2, 3)).sum())


def test_what_is_raised_there_goes_through_the_program() -> None:
    def stop(held: HeldProgram) -> None:
        raise KeyboardInterrupt

    walk = Walk(Net(), "over")
    walk.act = stop
    with pytest.raises(KeyboardInterrupt):
        run(walk)


def test_code_that_is_called_there_can_be_traced(monkeypatch: pytest.MonkeyPatch) -> None:
    inner = Walk(Net(), "into", "into")
    walk = Walk(Net(), "over")
    walk.act = lambda held: run(inner)
    run(walk)
    assert inner.places == ["y: Tensor = walk.model(x)", "x = double(self.first(x))"]


def test_another_thread_is_not_stopped() -> None:
    from concurrent.futures import ThreadPoolExecutor

    walk = Walk(Net(), "into", "over")
    with ThreadPoolExecutor(1) as pool:
        walk.begin()
        pool.submit(partial(double, torch.ones(1))).result()
        done = True
    assert done and "twice = x * 2" not in walk.places
