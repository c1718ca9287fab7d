"""The three examples of an article on hooks, with the relations it prints, by the library and by a session."""

from __future__ import annotations

import pytest
import torch
import torchvision
from torch import nn

import inspector
from inspector.engine.answers import answer
from inspector.engine.session import Session
from inspector.records import AddHook, CallDetail, Run
from tests.fingerprint import fingerprint


def block(path: str, downsample: bool) -> list[str]:
    down = ["downsample.0", "downsample.1", "downsample"] if downsample else []
    return [f"{path}.{name}" for name in ("conv1", "bn1", "relu", "conv2", "bn2", *down, "relu")] + [path]


ORDER = ["conv1", "bn1", "relu", "maxpool"]
for number in range(1, 5):
    layer = f"layer{number}"
    ORDER += [*block(f"{layer}.0", number > 1), *block(f"{layer}.1", False), layer]
ORDER += ["avgpool", "fc"]


class M(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.l1 = nn.Linear(1, 2)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.l1(x)


def opened(model: nn.Module, *args: torch.Tensor, seen: list[object] | None = None) -> Session:
    session = Session((seen if seen is not None else []).append)
    session.adopt(model, args, {}, "article")
    return session


def mean_of(detail: CallDetail, which: str) -> float:
    value = detail.inputs[0] if which == "input" else detail.output
    return value.statistics.mean  # type: ignore[union-attr]


def test_the_input_is_doubled_at_the_hook_and_the_output_after_it() -> None:
    torch.manual_seed(0)
    model, x = M(), torch.randn(1)
    seen: list[torch.Tensor] = []

    def looking(module: nn.Module, args: tuple[torch.Tensor], kwargs: object, output: torch.Tensor) -> None:
        seen.extend((args[0], output))

    hooks = [inspector.scale(2, on="input"), inspector.python(looking, looks=True)]
    with inspector.hooks(model, {"l1": [*hooks, inspector.scale(2)]}) as on:
        output = model(x)
    assert torch.equal(seen[0], 2 * x)
    assert torch.equal(output, 2 * seen[1]) and torch.equal(seen[1], model(2 * x))
    assert on.faults == [] and not model.l1._forward_hooks and not model.l1._forward_pre_hooks


def test_the_same_in_a_session() -> None:
    torch.manual_seed(0)
    model, x = M(), torch.randn(1)
    expected = (2 * model(2 * x)).mean().item()
    session = opened(model, x)
    session.run()
    before = session.calls_of(("l1",)).calls[0]
    answer(session, AddHook(1, "l1", "scale(2, on='input')"))
    answer(session, AddHook(1, "l1", "scale(2)"))
    summary = session.run()
    after = session.calls_of(("l1",)).calls[0]
    assert mean_of(after, "input") == 2 * mean_of(before, "input") == pytest.approx(2 * x.item())
    assert mean_of(after, "output") == pytest.approx(expected)
    assert after.row.altered and summary.delta is not None and summary.delta.rel_l2 > 0
    session.close()


def test_weights_double_batch_by_batch() -> None:
    torch.manual_seed(0)
    model = M()
    first = model.l1.weight.detach().clone()
    seen: list[torch.Tensor] = []
    hooks = [inspector.python(lambda m: seen.append(m.weight.detach().clone()), on="parameters", looks=True),
             inspector.scale(2, on="parameters", at="after")]  # fmt: skip
    with torch.no_grad(), inspector.hooks(model, {"l1": hooks}, keep=True):
        for _ in range(3):
            model(torch.randn(1))
    assert [torch.equal(w, first * f) for w, f in zip(seen, (1, 2, 4), strict=True)] == [True] * 3
    assert torch.equal(model.l1.weight, first * 8)


def test_with_gradients_the_graph_keeps_the_weights_it_was_made_with() -> None:
    torch.manual_seed(0)
    model, x = M(), torch.randn(1, requires_grad=True)
    weight = model.l1.weight.detach().clone()
    with inspector.hooks(model, {"l1": "scale(2, on='parameters', at='after')"}, keep=True):
        model(x).sum().backward()
        assert torch.equal(x.grad, weight.sum().view(1))  # type: ignore[arg-type]
        model(x)
    assert torch.equal(model.l1.weight, weight * 4)


def test_the_history_of_a_session_doubles_and_the_model_is_put_back() -> None:
    torch.manual_seed(0)
    model, x = M(), torch.randn(1)
    before = fingerprint(model)
    session = opened(model, x)
    answer(session, AddHook(1, "l1", "scale(2, on='parameters')"))
    session.run(Run(1, batches=3))
    series = {each.name: each.values for each in session.queries.history(("l1",)).series}
    weight = model.l1.weight.mean().item()
    assert series["weight mean"] == pytest.approx((2 * weight, 4 * weight, 8 * weight))  # after each batch
    assert len(series["output mean"]) == 3
    session.close()
    assert fingerprint(model) == before


def test_the_order_of_a_resnet18() -> None:
    model = torchvision.models.resnet18().train()
    names: list[str] = []
    path_of = {id(module): name for name, module in model.named_modules()}
    hook = inspector.python(lambda module, *rest: names.append(path_of[id(module)]), looks=True)
    with inspector.hooks(model, {"*": hook}):
        model(torch.randn(1, 3, 64, 64))
    assert names == ORDER and len(ORDER) == 75
