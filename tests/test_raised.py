"""Errors of other people's classes: told of, and none of their code does any harm."""

from __future__ import annotations

import warnings
from typing import Any

import pytest
import torch
from torch import nn

import inspector
from inspector.errors import InspectorError
from inspector.raised import errors_before, kind_of, message_of, say, tame, tell, traceback_of
from tests.hostile_errors import HOSTILE

SAYS = {"Lying": "lies", "Nameless": "said", "Untouchable": "said"}
"""Of the others nothing can be read."""

names = pytest.mark.parametrize("name", HOSTILE)


class Raising(nn.Module):
    def __init__(self, error: type[BaseException]) -> None:
        super().__init__()
        self.lin = nn.Linear(2, 2)
        self.error = error

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        self.lin(x)
        raise self.error("said")


def caught(name: str) -> BaseException:
    try:
        Raising(HOSTILE[name])(torch.ones(1, 2))
    except BaseException as error:
        return error
    raise AssertionError


@names
def test_what_it_is_and_says_is_read(name: str) -> None:
    error = caught(name)
    assert kind_of(error) == name and traceback_of(error) is not None and errors_before(error) == []
    message = message_of(error)
    assert type(message) is str and message == SAYS.get(name, message)
    assert say(error) == f"{name}: {message}"
    assert name in SAYS or message.startswith("(its message cannot be read: ")


@names
def test_python_tells_of_it_or_of_one_like_it(name: str) -> None:
    told = list(tell(caught(name)).format())
    assert name in told[-1] and any("raise self.error" in line for line in told)


@names
def test_one_that_came_of_it_is_told_of_too(name: str) -> None:
    try:
        raise ValueError("behind it") from caught(name)
    except ValueError as error:
        assert "ValueError: behind it" in "".join(tell(error).format())


def test_only_what_cannot_be_touched_is_replaced() -> None:
    replaced = {name for name in HOSTILE if tame(error := caught(name)) is not error}
    assert replaced == {"Nameless", "Untouchable"}
    assert str(tame(caught("Untouchable"))) == "said" and tame(plain := KeyError("x")) is plain


@names
def test_a_pass_that_raises_it_is_one_that_failed(name: str) -> None:
    with pytest.raises(InspectorError, match=name):
        inspector.summary(Raising(HOSTILE[name]), torch.ones(1, 2))


@names
def test_a_hook_that_raises_it_is_one_that_failed(name: str) -> None:
    if not issubclass(HOSTILE[name], Exception):
        pytest.skip("the model's own call ends with it, as it would with any hook")

    def fail(*values: Any) -> None:
        raise HOSTILE[name]("said")

    model = nn.Sequential(nn.Linear(2, 2))
    with warnings.catch_warnings(record=True) as told, inspector.hooks(model, {"0": inspector.python(fail)}) as on:
        warnings.simplefilter("always")
        model(torch.ones(1, 2))
    assert [kind_of(fault) for fault in on.faults] == [name]
    assert f"failed: {name}" in "".join(str(each.message) for each in told)


@names
def test_an_input_that_raises_it_when_it_is_copied_is_one_that_is_not_copied(name: str) -> None:
    class Uncopied:
        def __deepcopy__(self, memo: Any) -> Any:
            raise HOSTILE[name]("said")

    class Net(nn.Linear):
        def forward(self, x: torch.Tensor, other: object = None) -> torch.Tensor:
            return super().forward(x)

    if issubclass(HOSTILE[name], Exception):
        assert name in inspector.summary(Net(2, 2), torch.ones(1, 2), Uncopied())
    else:
        with pytest.raises(BaseException) as raised:
            inspector.summary(Net(2, 2), torch.ones(1, 2), Uncopied())
        assert kind_of(raised.value) == name
