"""What the backward pass of each module costs, beside what plain PyTorch says of the same model."""

from __future__ import annotations

import threading
import time
from typing import Any

import pytest
import torch
import torchvision
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint
from torch.utils.flop_counter import FlopCounterMode

from inspector.engine.answers import answer
from inspector.engine.session import Session
from inspector.errors import InspectorError
from inspector.records import Cancel, Costs, MeasureCosts, Run
from tests.fingerprint import fingerprint

from .test_measure import Attention, Recursive, by_path, count, measure, opened


class _Slowly(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:  # type: ignore[override]
        return x.clone()

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> Tensor:  # type: ignore[override]
        time.sleep(0.1)
        return gradient


class SlowBackward(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return _Slowly.apply(x)


class Checkpointed(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Linear(4, 4)

    def forward(self, x: Tensor) -> Tensor:
        return checkpoint(self.layer, x, use_reentrant=False)


def trained(model: nn.Module, *args: Tensor, loss: str = "mean", passes: int = 1) -> tuple[Session, Costs]:
    session = opened(model, *args)
    session.run(Run(session.generation, backward=True, loss=loss))
    return session, measure(session, passes)


def count_backward(model: nn.Module, *args: Tensor) -> int:
    """Of forward and backward together, as torch counts them, without those of forward."""
    with torch.enable_grad(), FlopCounterMode(display=False) as counter:
        model(*args).mean().backward()
    return counter.get_total_flops() - count(model, *args)


def test_flops_are_those_of_torchs_counter_module_by_module() -> None:
    model, x = torchvision.models.resnet18().eval(), torch.randn(1, 3, 64, 64)
    session, costs = trained(model, x)
    found = by_path(session, costs)
    with FlopCounterMode(display=False) as counter:
        model(x).mean().backward()
    of_torch = {name: sum(counts.values()) for name, counts in counter.get_flop_counts().items()}
    for path in ("layer1", "layer2.0.conv1", "layer4", "fc"):
        cost = found[path]
        assert (cost.flops or 0) + (cost.backward_flops or 0) == of_torch[f"ResNet.{path}"], path
    assert found[""].backward_flops == count_backward(model, x)
    assert found[""].backward_flops == sum(row.cost.own_backward_flops or 0 for row in costs.rows)
    assert found["conv1"].backward_flops == found["conv1"].flops  # no gradient of the input
    assert found["layer1"].own_backward_flops == found["relu"].backward_flops == 0


@pytest.mark.parametrize(("model", "x"), [(Attention(), torch.randn(2, 5, 8)), (Recursive(), torch.randn(2, 4))])
def test_flops_of_shared_modules_and_of_those_that_call_themselves(model: nn.Module, x: Tensor) -> None:
    session, costs = trained(model, x)
    assert by_path(session, costs)[""].backward_flops == count_backward(model, x)


def test_a_backward_pass_that_sleeps_is_its_modules_own() -> None:
    model = nn.Sequential(nn.Linear(4, 4), nn.Sequential(SlowBackward(), nn.ReLU()), nn.Linear(4, 4))
    session, costs = trained(model, torch.randn(2, 4), passes=3)
    found = by_path(session, costs)
    own = sum(row.cost.own_backward_ms or 0 for row in costs.rows)
    assert found[""].backward_ms == pytest.approx(own) == pytest.approx(costs.backward_ms)
    assert (found["1.0"].own_backward_ms or 0) > 0.5 * own > (found["1"].own_backward_ms or 0)
    assert (found["1"].backward_ms or 0) > 0.5 * own and found["1.0"].ms < 0.5 * own
    assert sum(call.cost.own_backward_ms or 0 for call in costs.calls) == pytest.approx(own)


def test_what_somebody_hangs_on_a_gradient_is_of_the_module_it_is_in() -> None:
    class Hooked(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            y = x * 2
            y.grad_fn.register_hook(lambda *gradients: time.sleep(0.1))
            return y

    session, costs = trained(nn.Sequential(nn.Linear(4, 4), Hooked(), nn.Linear(4, 4)), torch.randn(2, 4), passes=3)
    assert (by_path(session, costs)["1"].own_backward_ms or 0) > 0.5 * (costs.backward_ms or 0)


def test_gradients_that_are_added_up_are_of_the_module_whose_they_are() -> None:
    model = nn.Sequential(nn.Linear(4, 4), nn.Linear(4, 4))
    handle = model[0].weight.register_post_accumulate_grad_hook(lambda parameter: time.sleep(0.1))
    session, costs = trained(model, torch.randn(2, 4), passes=3)
    handle.remove()
    assert (by_path(session, costs)["0"].own_backward_ms or 0) > 0.5 * (costs.backward_ms or 0)


def test_what_is_computed_again_is_of_the_backward_pass_and_no_other_call() -> None:
    model, x = Checkpointed(), torch.randn(2, 4)
    session, costs = trained(model, x)
    assert [row.calls for row in costs.rows] == [1, 1] and costs.passes == 1 and not costs.notes
    found = by_path(session, costs)
    assert found["layer"].flops == count(model.layer, x)
    with FlopCounterMode(display=False) as counter:
        model(x).mean().backward()
    assert (found[""].flops or 0) + (found[""].backward_flops or 0) == counter.get_total_flops()


def test_without_a_backward_pass_nothing_is_known_of_one() -> None:
    session = opened(nn.Linear(4, 4), torch.randn(2, 4))
    session.run()
    costs = measure(session)
    assert costs.backward_ms is None and costs.rows[0].cost.backward_flops is None


def test_model_gradients_and_graph_are_left_as_they_were() -> None:
    model = nn.Sequential(nn.Linear(4, 4), nn.BatchNorm1d(4), nn.Linear(4, 2)).train()
    x = torch.randn(3, 4)
    model(x).sum().backward()
    before = fingerprint(model)
    session, _ = trained(model, x, loss="sum")
    session.close()
    assert fingerprint(model) == before


def test_a_loss_that_cannot_be_made_leaves_the_forward_pass() -> None:
    class Once(nn.Module):
        """What it gives has a gradient only where a pass is recorded."""

        def forward(self, x: Tensor) -> Tensor:
            return x

    session = opened(Once(), torch.randn(2, 4))
    session.run(Run(session.generation, backward=True))
    reply = answer(session, MeasureCosts(session.generation, 1))
    assert isinstance(reply, Costs) and reply.backward_ms is None and reply.rows[0].calls == 1
    assert "without a backward pass, which failed: " in reply.notes[0] and "no gradient" in reply.notes[0]


def test_measuring_can_be_stopped_in_a_backward_pass() -> None:
    stop: list[Session] = []

    class Stopping(torch.autograd.Function):
        @staticmethod
        def forward(ctx: Any, x: Tensor) -> Tensor:  # type: ignore[override]
            return x.clone()

        @staticmethod
        def backward(ctx: Any, gradient: Tensor) -> Tensor:  # type: ignore[override]
            for each in stop:
                thread = threading.Thread(target=answer, args=(each, Cancel()))
                thread.start()
                thread.join()
            return gradient

    class Stops(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            return Stopping.apply(x)

    model, x = nn.Sequential(nn.Linear(4, 4), Stops(), nn.Linear(4, 4)), torch.randn(2, 4)
    before = fingerprint(model)
    session = opened(model, x)
    session.run(Run(session.generation, backward=True))
    stop.append(session)
    with pytest.raises(InspectorError, match="stopped"):
        measure(session)
    session.close()
    assert fingerprint(model) == before
