"""Hooks in calls that activation checkpointing makes again: they act as they did the first time, or it is said."""

from __future__ import annotations

import warnings

import pytest
import torch
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint

import inspector
from inspector.errors import HookWarning

X = torch.randn(3, 4)
WAYS = [False, True]


class Checkpointed(nn.Module):
    """`reentrant` is None where nothing is computed again."""

    def __init__(self, reentrant: bool | None, calls: int = 1) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.inner = nn.Sequential(nn.Linear(4, 4), nn.Tanh())
        self.last = nn.Linear(4, 2)
        self.reentrant = reentrant
        self.calls = calls

    def forward(self, x: Tensor) -> Tensor:
        for _ in range(self.calls):
            x = self.inner(x) if self.reentrant is None else self.checkpointed(x)
        output: Tensor = self.last(x)
        return output

    def checkpointed(self, x: Tensor) -> Tensor:
        made: Tensor = checkpoint(self.inner, x, use_reentrant=self.reentrant)
        return made


def gradients(model: nn.Module) -> list[Tensor]:
    return [parameter.grad.clone() for parameter in model.parameters() if parameter.grad is not None]


def train(model: nn.Module, steps: int = 3) -> list[Tensor]:
    """Gradients of steps that are added up, with a look at the model without gradients before each."""
    for step in range(steps):
        with torch.no_grad():
            model(X)
        loss: Tensor = model((X + step).requires_grad_()).pow(2).sum()
        loss.backward()
    return gradients(model)


def equal(some: list[Tensor], others: list[Tensor]) -> bool:
    return all(torch.equal(one, other) for one, other in zip(some, others, strict=True))


HOOKS = ["scale(2)", "scale(2, call=0)", "scale(2, step='3:5')", "scale(2, every=3)"]
HOOKS += ["noise(1)", "noise(1, on='input')", "noise(1, step=3)", "dropout(0.5)", "permute()"]


@pytest.mark.parametrize("reentrant", WAYS)
@pytest.mark.parametrize("path", ["inner.0", "inner"])
@pytest.mark.parametrize("hook", HOOKS)
def test_gradients_are_those_without_checkpointing(hook: str, path: str, reentrant: bool) -> None:
    plain, model = Checkpointed(None), Checkpointed(reentrant)
    with warnings.catch_warnings():
        warnings.simplefilter("error", HookWarning)
        with inspector.hooks(plain, {path: hook}, strict=True):
            expected = train(plain)
        with inspector.hooks(model, {path: hook}, strict=True):
            assert equal(train(model), expected)


@pytest.mark.parametrize("reentrant", WAYS)
def test_a_patch_is_the_same_one_when_its_call_is_made_again(reentrant: bool) -> None:
    plain, model = Checkpointed(None), Checkpointed(reentrant)
    wanted = {"inner.0": inspector.patch(torch.ones(3, 2), where="[:, 1:3]")}
    with inspector.hooks(model, {"inner.0": ["record()", "record('g', on='grad')"]}) as on:
        model(X.clone().requires_grad_()).sum().backward()
    assert list(on.recorded["clean"]) == ["inner.0:output"]
    assert list(on.recorded["g"]) == ["inner.0:grad"]
    model.zero_grad()
    recorded = {"inner.0": inspector.patch(on.recorded["clean"], where="[:, 1:3]")}
    for hooks in (wanted, recorded):
        plain.zero_grad()
        model.zero_grad()
        with inspector.hooks(plain, hooks, strict=True):
            plain(-X.clone().requires_grad_()).pow(2).sum().backward()
        with inspector.hooks(model, hooks, strict=True):
            model(-X.clone().requires_grad_()).pow(2).sum().backward()
        assert equal(gradients(model), gradients(plain))


@pytest.mark.parametrize("reentrant", WAYS)
@pytest.mark.parametrize(("hook", "known"), [("scale(2)", True), ("noise(1)", False), ("scale(2, call=1)", False)])
def test_where_it_is_not_known_which_call_is_made_again_that_is_a_fault(
    hook: str, known: bool, reentrant: bool
) -> None:
    plain, model = Checkpointed(None, calls=2), Checkpointed(reentrant, calls=2)
    with inspector.hooks(plain, {"inner.0": hook}):
        expected = train(plain, 1)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", HookWarning)
        with inspector.hooks(model, {"inner.0": hook}) as on:
            try:
                found = train(model, 1)
            except RuntimeError as error:  # checkpointing compares what is saved
                assert "tensors was saved" in str(error)
                found = []
    assert equal(found, expected) if known else "computed again" in str(on.faults[0]), on
    assert bool(on.faults) != known


@pytest.mark.parametrize("reentrant", WAYS)
def test_looking_at_calls_that_are_made_again_is_no_fault(reentrant: bool) -> None:
    model = Checkpointed(reentrant, calls=2)
    with inspector.hooks(model, {"inner.0": ["record()", "record('g', on='grad')", "print()"]}, strict=True) as on:
        train(model, 2)
    assert sorted(on.recorded["clean"]) == sorted(
        f"inner.0{call}{step}:output" for call in ("", "#1") for step in ("", "@1", "@2", "@3")
    )
    assert on.fired["inner.0: record()"] == 8
