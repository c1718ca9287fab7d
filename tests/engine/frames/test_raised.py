"""Errors of forwards and of backward passes, told from their frames alone."""

from __future__ import annotations

import inspect
import warnings
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from inspector.engine.frames.raised import Raised, find_raised
from inspector.engine.modules.tree import walk
from inspector.engine.passes.raised import stack_of
from inspector.records import CodeLine, Stack


class Roots(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return torch.sqrt(x * 0) * 0


class Custom(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        return x.clone()

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> Tensor:
        raise ValueError("of my own")


class Owned(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return Custom.apply(x)  # type: ignore[no-any-return]


class Net(nn.Module):
    def __init__(self, last: nn.Module) -> None:
        super().__init__()
        self.linear, self.last = nn.Linear(3, 3), last

    def forward(self, x: Tensor, twice: bool = False) -> Tensor:
        return self.last(self.linear(x))  # type: ignore[no-any-return]


@pytest.fixture
def _anomalies() -> Iterator[None]:
    with warnings.catch_warnings(), torch.autograd.set_detect_anomaly(True):
        warnings.simplefilter("ignore")
        yield


def raised_by(act: Callable[[], object]) -> Raised:
    try:
        act()
    except Exception as error:
        return find_raised(error)
    raise AssertionError("nothing was raised")


def train(model: nn.Module) -> None:
    model(torch.ones(2, 3)).sum().backward()


def line_of(function: Callable[..., object], text: str) -> CodeLine:
    lines, first = inspect.getsourcelines(function)
    return CodeLine(__file__, first + next(number for number, line in enumerate(lines) if text in line))


def told(raised: Raised) -> Stack:
    model = raised.find_model()
    assert model is not None
    return stack_of(raised, walk(model)).describe()


def test_the_model_and_what_it_was_called_with_are_found() -> None:
    model, x = Net(nn.Linear(4, 2)), torch.ones(2, 3)
    raised = raised_by(lambda: model(x, twice=True))
    assert raised.find_model() is model
    args, kwargs = raised.called_with(model)
    assert args[0] is x and kwargs == {"twice": True}
    problem = told(raised).raised
    assert problem is not None and problem.path == ("last",) and "takes" in problem.why and "again" in problem.hint


def test_an_error_that_came_of_one_in_a_model_leads_to_that() -> None:
    model = Net(nn.Linear(4, 2))

    def step() -> None:
        try:
            model(torch.ones(2, 3))
        except RuntimeError as error:
            raise ValueError("the step failed") from error

    raised = raised_by(step)
    assert isinstance(raised.error, RuntimeError) and raised.find_model() is model


def test_an_error_of_no_model_is_none() -> None:
    assert not raised_by(lambda: {}["x"]).in_model
    error = ValueError("never raised")
    assert not find_raised(error).in_model and find_raised(error).frames == []


def test_errors_that_lead_to_each_other_are_looked_through_once() -> None:
    first, second = ValueError("first"), ValueError("second")
    first.__context__, second.__context__ = second, first
    assert find_raised(first).error is first


@pytest.mark.usefixtures("_anomalies")
def test_a_backward_pass_leads_to_the_line_of_the_forward() -> None:
    model = Net(Roots())
    raised = raised_by(lambda: train(model))
    made = line_of(Roots.forward, "sqrt")
    assert raised.in_backward and raised.find_node() == ("SqrtBackward0", made)
    shown = told(raised)
    assert shown.made == made and shown.raised is not None
    assert shown.raised.path == ("last",) and f"{made.file}:{made.line}" in shown.raised.why


@pytest.mark.usefixtures("_anomalies")
def test_a_function_with_a_backward_of_its_own_is_the_node() -> None:
    raised = raised_by(lambda: train(Net(Owned())))
    assert raised.find_node() == ("CustomBackward", line_of(Owned.forward, "apply"))
    shown = told(raised)
    assert shown.frames[shown.start].text == 'raise ValueError("of my own")'
    assert shown.raised is not None and shown.raised.path == ("last",)


@pytest.mark.usefixtures("_anomalies")
def test_of_two_modules_with_the_same_forward_none_is_named() -> None:
    shown = told(raised_by(lambda: train(Net(nn.Sequential(Roots(), Roots())))))
    assert shown.raised is not None and shown.raised.path is None and shown.made is not None


def test_without_detected_anomalies_the_line_is_said_to_be_unknown() -> None:
    shown = told(raised_by(lambda: train(Net(Owned()))))
    assert shown.made is None and shown.raised is not None and shown.raised.path is None
    assert "CustomBackward" in shown.raised.why and "set_detect_anomaly(True)" in shown.raised.why


def test_what_torch_cannot_name_is_said_not_to_be_known() -> None:
    def fail() -> None:
        model = Net(nn.Sigmoid())
        y = model(torch.ones(2, 3))
        loss = (y * y).sum()
        y.add_(1)
        loss.backward()

    shown = told(raised_by(fail))
    assert shown.raised is not None and "is not known" in shown.raised.why
