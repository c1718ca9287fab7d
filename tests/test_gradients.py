"""What is called vanishing and exploding, on real models; the gradients are computed beside it by plain PyTorch."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import pytest
import torch
import torchvision
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor, nn

from inspector import gradients
from inspector.engine.session import Session
from inspector.gradients import (
    EXPLODING,
    FAR,
    NAN,
    VANISHING,
    ZERO,
    Limits,
    Trend,
    find_trend,
    say_factor,
    say_times,
)
from inspector.records import Brief, CallRow, Run


def backward(model: nn.Module, *args: Tensor, loss: str = "mean", **kwargs: Any) -> tuple[list[CallRow], set[int]]:
    """The calls of a forward and a backward pass, and which modules have parameters."""
    session = Session(lambda event: None)
    session.adopt(model, args, kwargs, "net")
    summary = session.run(Run(1, backward=True, loss=loss))
    assert summary.problem is None
    layers = {row.index for row in session.subject.rows if row.own_parameters}
    calls = [row for told in session.runner.last.list_calls(1) for row in told.rows]
    session.close()
    return calls, layers


def judge(call: CallRow, *more: Any) -> gradients.Verdict:
    return gradients.judge(call.gradient_norm, call.weight_ratio, *more)


def stack(depth: int, act: Callable[[], nn.Module], scale: float = 1.0, width: int = 64) -> nn.Sequential:
    torch.manual_seed(0)
    model = nn.Sequential(*(part for _ in range(depth) for part in (nn.Linear(width, width), act())))
    with torch.no_grad():
        for linear in model[::2]:
            linear.weight.mul_(scale)
    return model


def by_hand(model: nn.Sequential, x: Tensor) -> list[float]:
    """The norms of the gradients of a mean loss at the outputs of the linear layers."""
    outputs: list[Tensor] = []
    for module in model:
        x = module(x)
        if isinstance(module, nn.Linear):
            outputs.append(x)
    return [float(gradient.norm()) for gradient in torch.autograd.grad(x.mean(), outputs)]


X = torch.randn(8, 64, generator=torch.Generator().manual_seed(1))


def test_a_deep_tanh_network_vanishes() -> None:
    model = stack(30, nn.Tanh)
    calls, layers = backward(model, X)
    norms = by_hand(model, X)
    linear = [call for call in calls if call.module in layers]
    assert [call.gradient_norm for call in linear] == pytest.approx(norms, rel=1e-4)
    trend = find_trend(calls, layers)
    assert trend.mark == VANISHING and trend.layers == 30
    assert trend.whole == pytest.approx(norms[0] / norms[-1], rel=2), "within its order of magnitude"
    assert trend.factor == pytest.approx((norms[0] / norms[-1]) ** (1 / 29), rel=0.05)
    marks = [judge(call, trend).mark for call in linear]
    assert marks == [VANISHING if norm < trend.last / FAR else "" for norm in norms] and marks[0] == VANISHING
    assert marks[-1] == "" and 10 < marks.count(VANISHING) < 30


def test_a_deep_network_with_large_weights_explodes() -> None:
    model = stack(30, nn.Identity, scale=3)
    calls, layers = backward(model, X)
    norms = by_hand(model, X)
    trend = find_trend(calls, layers)
    assert trend.mark == EXPLODING and trend.factor == pytest.approx((norms[0] / norms[-1]) ** (1 / 29), rel=0.05)
    first = next(call for call in calls if call.module in layers)
    assert judge(first, trend).mark == EXPLODING and "times" in judge(first, trend).why


def test_the_ratio_to_the_weights_is_that_of_the_norms() -> None:
    model = stack(3, nn.Tanh, scale=40)
    calls, layers = backward(model, X, loss="sum")
    model(X).sum().backward()
    ratios = [(linear.weight.grad.norm() / linear.weight.norm()).item() for linear in model[::2]]
    found = [call.weight_ratio for call in calls if call.module in layers]
    assert found == pytest.approx(ratios, rel=1e-4)
    assert all(call.weight_ratio is None for call in calls if call.module not in layers)


def test_gradients_that_were_there_before_are_not_counted_in_and_come_back() -> None:
    model = stack(3, nn.Tanh)
    fresh = [call.weight_ratio for call in backward(model, X)[0]]
    model(X).sum().mul(1e6).backward()
    before = [linear.weight.grad for linear in model[::2]]
    copies = [gradient.clone() for gradient in before]
    assert [call.weight_ratio for call in backward(model, X)[0]] == pytest.approx(fresh)
    for linear, gradient, copy in zip(model[::2], before, copies, strict=True):
        assert linear.weight.grad is gradient and torch.equal(gradient, copy)


def test_a_gradient_a_thousand_times_its_weight_explodes_wherever_it_is() -> None:
    model = nn.Sequential(nn.Linear(4, 4), nn.Linear(4, 1))
    with torch.no_grad():
        model[0].weight.mul_(1e-6)
        model[1].weight.mul_(100)
    calls, layers = backward(model, torch.ones(2, 4) * 10)
    trend = find_trend(calls, layers)
    assert trend.mark == "", "two layers have no depth"
    verdicts = {call.module: judge(call, trend) for call in calls}
    assert verdicts[1].mark == EXPLODING and "times the weights" in verdicts[1].why and verdicts[2].mark == ""


def image(*sizes: int) -> Tensor:
    return torch.randn(*sizes, generator=torch.Generator().manual_seed(2))


def block(**options: Any) -> nn.Module:
    return nn.TransformerEncoderLayer(64, 4, 128, batch_first=True, **options)


HEALTHY: dict[str, tuple[Callable[[], nn.Module], Tensor]] = {
    "resnet18": (torchvision.models.resnet18, image(2, 3, 64, 64)),
    "resnet18 in training": (lambda: torchvision.models.resnet18().train(), image(4, 3, 64, 64)),
    "densenet": (torchvision.models.densenet121, image(1, 3, 64, 64)),
    "convnext, with layer scales of 1e-6": (torchvision.models.convnext_tiny, image(1, 3, 64, 64)),
    "a transformer block": (block, image(2, 10, 64)),
    "a block with its norm first": (lambda: block(norm_first=True), image(2, 10, 64)),
    "six blocks": (lambda: nn.TransformerEncoder(block(), 6, enable_nested_tensor=False), image(2, 10, 64)),
    "six blocks, norm first": (
        lambda: nn.TransformerEncoder(block(norm_first=True), 6, enable_nested_tensor=False), image(2, 10, 64)
    ),
    "four layers": (lambda: stack(4, nn.ReLU), X),
}  # fmt: skip


@pytest.mark.parametrize("name", HEALTHY)
def test_a_healthy_model_is_not_called_anything_however_small_its_gradients_are(name: str) -> None:
    torch.manual_seed(0)
    make, x = HEALTHY[name]
    model = make()
    model.train("training" in name)
    calls, layers = backward(model, x)
    trend = find_trend(calls, layers)
    assert str(trend) == "" and trend.mark == ""
    assert not {judge(call, trend).mark for call in calls} & {VANISHING, EXPLODING}
    if name == "resnet18":
        assert any(call.gradient is not None and call.gradient < 1e-4 for call in calls)


def test_a_healthy_model_of_transformers() -> None:
    transformers = pytest.importorskip("transformers")
    torch.manual_seed(0)
    config = transformers.LlamaConfig(
        num_hidden_layers=8, hidden_size=64, num_attention_heads=4, intermediate_size=128, vocab_size=200
    )
    calls, layers = backward(transformers.LlamaForCausalLM(config), torch.arange(16).reshape(1, 16))
    trend = find_trend(calls, layers)
    assert trend.mark == "" and trend.layers > 50


class Cell(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.cell = nn.RNNCell(16, 16)

    def forward(self, x: Tensor) -> Tensor:
        state = torch.zeros(len(x), 16)
        for step in x.unbind(1):
            state = self.cell(step, state)
        return state


def test_it_vanishes_through_time_too() -> None:
    calls, layers = backward(Cell(), image(2, 40, 16))
    trend = find_trend(calls, layers)
    assert trend.mark == VANISHING and trend.layers == 40, "one module, called 40 times"


def row(number: int, size: float | None, ratio: float | None = None) -> CallRow:
    return CallRow(number, 0, 2 * number, 2 * number + 1, 0, 0.0, "ok", Brief(), gradient_norm=size, weight_ratio=ratio)


def trend_of(sizes: list[float], far: float = FAR) -> Trend:
    return find_trend([row(n, size) for n, size in enumerate(sizes)], range(len(sizes)), Limits(far, far))


def test_a_change_has_to_be_steady() -> None:
    assert trend_of([10.0**-n for n in range(12, 0, -1)]).mark == VANISHING
    assert trend_of([10.0**n for n in range(12, 0, -1)]).mark == EXPLODING
    assert trend_of([1e-9] * 11 + [1.0]).mark == "", "all of it at the end"
    assert trend_of([1e-9] * 6 + [1.0] * 6).mark == "", "all of it in the middle"
    assert trend_of([1e-9, 1, 1e-9, 1] * 3).mark == "", "to and fro"
    assert trend_of([1e-8] * 4 + [1.0] * 4 + [1e-4] * 4 + [1.0] * 4).mark == ""
    assert trend_of([1e-9, 1e-6, 1e-3]).mark == "" and trend_of([]).layers == 0
    assert trend_of([0.0, math.nan, math.inf, *(10.0**-n for n in range(12, 0, -1))]).layers == 12


def test_the_threshold_decides() -> None:
    sizes = [2.0**n for n in range(12)]  # 2048 times
    assert trend_of(sizes, 1e3).mark == VANISHING and trend_of(sizes, 1e4).mark == ""
    assert (
        judge(row(0, 1.0, 500.0), Trend(), Limits(1e2)).mark == EXPLODING
        and judge(row(0, 1.0, 500.0), Trend()).mark == ""
    )


@given(st.lists(st.floats(0) | st.just(math.nan), max_size=20))
def test_every_gradient_is_judged(sizes: list[float]) -> None:
    calls = [row(n, size) for n, size in enumerate(sizes)]
    trend = find_trend(calls, range(len(sizes)))
    assert math.isfinite(trend.whole) and trend.whole > 0
    for size, call in zip(sizes, calls, strict=True):
        verdict = judge(call, trend)
        assert (verdict.mark == NAN) == math.isnan(size)
        assert (verdict.mark == ZERO) == (size == 0)
        assert not math.isinf(size) or verdict.mark == EXPLODING
        assert bool(verdict.mark) == bool(verdict.why)


def test_words() -> None:
    assert say_times(1 / 4_012, "x") == "1/4,000 of x" and say_times(54_321, "x") == "54,000 times x"
    assert say_times(1.4e-7, "x") == "1/7e6 of x" and say_times(3e12, "x") == "3e12 times x"
    assert say_factor(0.5772) == "shrinking ×0.58 a layer" and say_factor(1.034) == "growing ×1.03 a layer"
