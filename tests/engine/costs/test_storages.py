"""What is held while operations run, against sums by hand and torch's own tracker."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.distributed._tools.mem_tracker import MemTracker

from inspector.engine.costs.running import RunningModule
from inspector.engine.costs.step import run_step
from inspector.engine.costs.storages import Peak, StorageTracker
from inspector.engine.inputs.sample import sample_from_values
from inspector.engine.modules.tree import walk
from inspector.engine.passes.training import loss_of

IN, WIDTH, OUT, BATCH = 300, 200, 10, 7
FLOAT = 4


def make_mlp() -> nn.Sequential:
    return nn.Sequential(nn.Linear(IN, WIDTH, bias=False), nn.ReLU(), nn.Linear(WIDTH, OUT, bias=False))


WEIGHTS = FLOAT * (IN * WIDTH + WIDTH * OUT)


def measure(model: nn.Module, x: Tensor, train: bool = False, optimizer: str = "") -> Peak:
    from inspector.engine.passes.training import optimizer_of

    tree = walk(model)
    tracker = StorageTracker(RunningModule(tree).find, lambda: None)
    loss = loss_of("sum") if train else None
    with torch.set_grad_enabled(train):
        run_step(tree, sample_from_values((x,), {}), tracker, loss, lambda model: optimizer_of(optimizer, model))
    (peak,) = tracker.peaks.values()
    assert sum(peak.sizes.values()) == peak.total
    return peak


def test_without_gradients_two_activations_of_neighbours_are_the_most() -> None:
    peak = measure(make_mlp(), torch.zeros(BATCH, IN))
    hidden = FLOAT * BATCH * WIDTH
    assert peak.sizes["parameters"] == WEIGHTS and peak.sizes["input"] == FLOAT * BATCH * IN
    assert peak.sizes["activations"] == 2 * hidden and (peak.phase, peak.module) == ("forward", 2)
    assert not peak.sizes["gradients"] and not peak.sizes["temporary"]


def test_what_is_in_place_or_a_view_takes_nothing() -> None:
    model = nn.Sequential(nn.Linear(IN, WIDTH, bias=False), nn.ReLU(inplace=True), nn.Flatten(), nn.Identity())
    assert measure(model, torch.zeros(BATCH, IN)).sizes["activations"] == FLOAT * BATCH * WIDTH


def test_a_step_of_sgd_with_momentum_is_the_sum_by_hand() -> None:
    """Most is held when the first layer's gradient is there: all weights three times, and the gradient of the hidden
    activation that it was made of; the graph holds no activation any more but the output and the loss."""
    peak = measure(make_mlp(), torch.zeros(BATCH, IN), train=True, optimizer="SGD(lr=0.1, momentum=0.9)")
    assert peak.sizes["parameters"] == peak.sizes["gradients"] == peak.sizes["optimizer"] == WEIGHTS
    assert (peak.phase, peak.module) == ("backward", 1)
    assert peak.sizes["input"] == FLOAT * BATCH * IN
    scalars = 3 * FLOAT  # the sum, its stack, and the loss
    assert abs(peak.sizes["activations"] - FLOAT * BATCH * OUT - scalars) <= 2 * FLOAT
    assert abs(peak.sizes["temporary"] - FLOAT * BATCH * WIDTH) <= 2 * FLOAT


def test_a_step_of_adam_has_two_states_and_two_temporaries_of_the_largest_weight() -> None:
    peak = measure(make_mlp(), torch.zeros(1, IN), train=True, optimizer="Adam(lr=0.1, foreach=False)")
    counters = 2 * FLOAT
    assert peak.sizes["optimizer"] == 2 * WEIGHTS + counters and peak.phase == "optimizer"
    assert peak.sizes["gradients"] == WEIGHTS and peak.sizes["temporary"] == 2 * FLOAT * IN * WIDTH


def test_a_parameter_that_two_modules_share_counts_once() -> None:
    layer = nn.Linear(WIDTH, WIDTH, bias=False)
    peak = measure(nn.Sequential(layer, nn.ReLU(), layer), torch.zeros(1, WIDTH), train=True, optimizer="SGD(lr=0.1)")
    assert peak.sizes["parameters"] == FLOAT * WIDTH * WIDTH


def test_the_module_of_a_backward_pass_is_that_which_made_the_node() -> None:
    model = nn.Sequential(nn.Linear(4, 4), nn.ReLU(), nn.Linear(4, 1_000), nn.Linear(1_000, 1))
    peak = measure(model, torch.zeros(2, 4), train=True)
    assert peak.phase == "backward" and peak.module == 3  # the weight of 4 000 numbers gets its gradient


def test_torchs_own_tracker_says_the_same() -> None:
    for train in (False, True):
        model, x = make_mlp(), torch.zeros(BATCH, IN)
        ours = measure(model, x, train)
        tracker = MemTracker()
        tracker.track_external(model, x)
        for parameter in model.parameters():
            parameter.grad = None
        with torch.set_grad_enabled(train), tracker:
            output = model(x)
            if train:
                loss_of("sum")(output, sample_from_values((x,), {})).backward()
        theirs = tracker.get_tracker_snapshot("peak")[torch.device("cpu")]
        assert ours.total == theirs["Total"]


def test_memory_that_is_held_by_nobody_is_counted_no_more() -> None:
    tracker = StorageTracker(lambda: None, lambda: None)
    with tracker:
        for _ in range(10):
            torch.zeros(1_000)
    (peak,) = tracker.peaks.values()
    assert peak.total == 1_000 * FLOAT
