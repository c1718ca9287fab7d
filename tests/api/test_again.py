"""Blocks that are opened again, and blocks around blocks: each leaves what was there before it."""

from __future__ import annotations

import warnings
from collections.abc import Iterator

import pytest
import torch
from torch import Tensor, nn

import inspector
from inspector.errors import HookWarning, InspectorError

X = torch.randn(3, 4)


def made() -> nn.Sequential:
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(4, 4), nn.ReLU(), nn.Linear(4, 2))


def prune() -> inspector.Hook:
    return inspector.prune(0.5, on="parameters")


def scale(factor: float) -> inspector.Hook:
    return inspector.scale(factor, on="parameters")


def place_another(module: nn.Module) -> None:
    weight = module.weight
    assert isinstance(weight, Tensor)
    module.weight = nn.Parameter(weight * 3)


@pytest.fixture(autouse=True)
def _no_warning() -> Iterator[None]:
    with warnings.catch_warnings():
        warnings.simplefilter("error", HookWarning)
        yield


def weights(model: nn.Module) -> list[Tensor]:
    return [parameter.detach().clone() for parameter in model.parameters()]


def equal(some: list[Tensor], others: list[Tensor]) -> bool:
    return all(torch.equal(one, other) for one, other in zip(some, others, strict=True))


@torch.no_grad()
def test_the_same_hooks_put_parameters_back_every_time_also_what_was_trained_between() -> None:
    model = made()
    on = inspector.hooks(model, {"0": prune()})
    for _ in range(3):
        before = weights(model)
        with on:
            model(X)
            assert (model[0].weight == 0).sum() == 8
        assert equal(weights(model), before)
        model[0].weight.add_(1)


def test_the_same_hooks_count_and_draw_anew_in_another_block() -> None:
    model = made()
    on = inspector.hooks(model, {"0": [inspector.scale(2, step=0), inspector.noise(1)], "2": "observe()"})
    outputs = []
    for _ in range(2):
        with on:
            outputs.append(model(X))
    assert torch.equal(*outputs)
    assert on.fired == {"0: scale(2, step=0)": 1, "0: noise(1)": 1, "2: observe()": 1}
    assert [call.step for call in on.calls] == [0]


def test_a_block_that_is_open_is_not_opened_within_itself() -> None:
    model = made()
    plain = model(X)
    for block in (inspector.hooks(model, {"0": "scale(2)"}), inspector.capture(model)):
        with block:
            with pytest.raises(InspectorError, match="open already"), block:
                pass
            inside = model(X)
        assert torch.equal(inside, plain) == isinstance(block, type(inspector.capture(model)))
        assert torch.equal(model(X), plain)
        assert not any(module._forward_hooks or module._forward_pre_hooks for module in model.modules())


@torch.no_grad()
@pytest.mark.parametrize("inner", [scale(2), inspector.python(place_another, on="parameters", at="before")])
@pytest.mark.parametrize("outer", [prune(), inspector.python(place_another, on="parameters", at="before")])
def test_blocks_within_one_another_write_to_one_parameter(outer: inspector.Hook, inner: inspector.Hook) -> None:
    model = made()
    before, kept = weights(model), model[0].weight
    with inspector.hooks(model, {"0": outer}):
        model(X)
        outside = weights(model)
        with inspector.hooks(model, {"0": inner}):
            model(X)
            model(X)
        if outer.kind.name == "prune":
            assert equal(weights(model), outside)
        model(X)
    assert equal(weights(model), before)
    assert model[0].weight is kept


@torch.no_grad()
@pytest.mark.parametrize("first_ends_first", [False, True])
@pytest.mark.parametrize("calls", [(1, 0), (0, 1), (1, 2)])
def test_blocks_end_in_any_order(first_ends_first: bool, calls: tuple[int, int]) -> None:
    """`calls` are in the first block alone, and in both."""
    model = made()
    before = weights(model)
    first = inspector.hooks(model, {"0": inspector.prune(0.5, on="parameters", when="max > -9")})
    second = inspector.hooks(model, {"0": scale(2)})
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", HookWarning)  # one may never fire
        first.__enter__()
        for _ in range(calls[0]):
            model(X)
        second.__enter__()
        for _ in range(calls[1]):
            model(X)
        for block in (first, second) if first_ends_first else (second, first):
            block.__exit__(None, None, None)
            model(X)
    assert equal(weights(model), before)


@torch.no_grad()
def test_the_later_block_may_write_first() -> None:
    model = made()
    before = weights(model)
    with inspector.hooks(model, {"0": inspector.prune(0.5, on="parameters", step="1:")}):
        with inspector.hooks(model, {"0": scale(2)}):
            model(X)
            model(X)
        model(X)
    assert equal(weights(model), before)


def test_what_an_optimizer_writes_in_nested_blocks_is_still_left_and_said() -> None:
    model = made()
    outer, inner = inspector.hooks(model, {"0": prune()}), inspector.hooks(model, {"0": scale(2)})
    with pytest.warns(HookWarning, match=r"0\.weight was also written"), outer, inner, torch.no_grad():
        model(X)
        model[0].weight.fill_(7)
        model(X)
    assert (model[0].weight != 0).any()
