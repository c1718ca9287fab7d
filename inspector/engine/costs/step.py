"""One step of a model as training runs it, with what it holds counted."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

from ..inputs.sample import Sample
from ..modules.holdings import list_own
from ..modules.tree import ModuleTree
from ..values import nested
from .storages import StorageTracker

Loss = Callable[[Any, Sample], Tensor]
TOGETHER = ("cuda", "xpu")
"""Devices whose parameters torch's optimizers step all at once, unless they are told otherwise."""
MakeOptimizer = Callable[[nn.Module], torch.optim.Optimizer | None]


def run_step(
    tree: ModuleTree, sample: Sample, tracker: StorageTracker, loss: Loss | None, make_optimizer: MakeOptimizer
) -> None:
    """Run it: forward, with a `loss` backward, and the optimizer's step where there is one. Gradients are let go before
    the forward; an optimizer that keeps a state has it from its first step on, so that two are run.

    Raises:
        BaseException: Whatever the model, the loss or the optimizer raises.
    """
    parameters = list_own(tree, "_parameters")
    optimizer = make_optimizer(tree.root) if loss is not None else None
    _hold_all(tree, sample, tracker)
    with tracker:
        for _ in range(1 if optimizer is None else 2):
            for parameter in parameters:
                parameter.grad = None
            tracker.phase = "forward"
            output = tree.root(*sample.args, **sample.kwargs)
            if loss is not None:
                _train(output, sample, tracker, loss, parameters, optimizer)
            del output


def step_together(optimizer: torch.optim.Optimizer) -> None:
    """Let it step all parameters at once where it would with real ones: of fake ones it takes one after the other, and
    that needs less."""
    for group in optimizer.param_groups:
        undecided = group.get("foreach", False) is None and not group.get("fused")
        if undecided and all(parameter.device.type in TOGETHER for parameter in group["params"]):
            group["foreach"] = True


def _hold_all(tree: ModuleTree, sample: Sample, tracker: StorageTracker) -> None:
    for buffer in list_own(tree, "_buffers"):
        tracker.hold(buffer, "buffers")
    for parameter in list_own(tree, "_parameters"):
        tracker.hold(parameter, "parameters")
    for tensor in nested.tensors_in((sample.args, sample.kwargs, sample.target)):
        tracker.hold(tensor, "input")


def _train(
    output: Any,
    sample: Sample,
    tracker: StorageTracker,
    loss: Loss,
    parameters: list[Tensor],
    optimizer: torch.optim.Optimizer | None,
) -> None:
    tracker.phase = "loss"
    value = loss(output, sample)
    tracker.phase = "backward"
    value.backward()  # type: ignore[no-untyped-call]
    for parameter in parameters:
        if parameter.grad is not None:
            tracker.hold(parameter.grad, "gradients")
    if optimizer is None:
        return
    tracker.phase = "optimizer"
    optimizer.step()
    for state in optimizer.state.values():
        for tensor in nested.tensors_in(state):
            tracker.hold(tensor, "optimizer")
