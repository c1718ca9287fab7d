"""What modules cost, beside what plain PyTorch says of the same model."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
import torchvision
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode

from inspector.engine.answers import answer
from inspector.engine.session import Session
from inspector.errors import InspectorError
from inspector.records import AddHook, AnyEvent, Cancel, Cost, Costs, MeasureCosts, Work
from tests.fingerprint import fingerprint


def opened(model: nn.Module, *args: Tensor, emit: Callable[[AnyEvent], None] = lambda event: None) -> Session:
    session = Session(emit)
    session.adopt(model, args, {}, "net")
    return session


def measure(session: Session, passes: int = 1) -> Costs:
    reply = answer(session, MeasureCosts(session.generation, passes))
    assert isinstance(reply, Costs)
    return reply


def by_path(session: Session, costs: Costs) -> dict[str, Cost]:
    return {".".join(session.subject.tree.paths[row.module]): row.cost for row in costs.rows}


def count(model: nn.Module, *args: Tensor) -> int:
    with torch.no_grad(), FlopCounterMode(display=False) as counter:
        model(*args)
    return counter.get_total_flops()


class Attention(nn.Module):
    """Two calls of one projection, which is also shared under a second name."""

    def __init__(self) -> None:
        super().__init__()
        self.project = nn.Linear(8, 8)
        self.again = self.project
        self.unused = nn.Linear(8, 8)

    def forward(self, x: Tensor) -> Tensor:
        keys, queries = self.project(x), self.again(x * 2)
        return torch.softmax(queries @ keys.transpose(1, 2), -1) @ x


class Slow(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        time.sleep(0.03)
        return x + 1


class Recursive(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Linear(4, 4)

    def forward(self, x: Tensor, depth: int = 2) -> Tensor:
        x = self.layer(x)
        return self(x, depth - 1) if depth else x


def test_flops_of_a_network_are_torchs_and_add_up() -> None:
    model, x = torchvision.models.resnet18().eval(), torch.randn(1, 3, 64, 64)
    session = opened(model, x)
    costs = measure(session)
    found = by_path(session, costs)
    assert found[""].flops == count(model, x) == sum(row.cost.own_flops or 0 for row in costs.rows)
    assert found["conv1"].flops == count(model.conv1, x)
    assert found["layer1"].own_flops == 0 and found["layer1"].flops
    assert "aten.relu_" in costs.uncounted and not costs.flops_problem


def test_flops_of_a_shared_module_are_those_of_all_its_calls() -> None:
    model, x = Attention(), torch.randn(2, 5, 8)
    session = opened(model, x)
    costs = measure(session)
    found = by_path(session, costs)
    assert found[""].flops == count(model, x)
    assert found["project"].flops == 2 * count(model.project, x) and "again" not in found
    assert found[""].own_flops == 2 * 2 * (2 * 5 * 5 * 8)  # two products of its own
    assert [row.calls for row in costs.rows] == [1, 2] and "unused" not in found


def test_times_add_up_and_a_sleep_is_the_modules_own() -> None:
    model = nn.Sequential(nn.Linear(4, 4), nn.Sequential(Slow(), nn.ReLU()))
    session = opened(model, torch.randn(2, 4))
    costs = measure(session, 3)
    found = by_path(session, costs)
    own = sum(row.cost.own_ms for row in costs.rows)
    assert found[""].ms == pytest.approx(own) == pytest.approx(costs.ms)
    assert found["1.0"].own_ms > 0.8 * own and found["1"].ms > 0.8 * own > found["1"].own_ms
    assert sum(row.cost.own_ms for row in costs.calls) == pytest.approx(own)


def test_a_cold_start_is_in_no_time(tmp_path: Path) -> None:
    class Warming(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            passes = len(list(tmp_path.iterdir()))  # the guard puts everything else back
            (tmp_path / str(passes)).touch()
            time.sleep(0.0 if passes else 0.2)
            return x

    session = opened(nn.Sequential(Slow(), Warming()), torch.randn(2, 4))
    found = by_path(session, measure(session, 3))
    assert len(list(tmp_path.iterdir())) == 5 and found["1"].own_ms < 0.5 * found["0"].own_ms


def test_activations_are_counted_once_for_each_piece_of_memory() -> None:
    model = nn.Sequential(nn.Linear(4, 8), nn.ReLU(inplace=True), nn.Identity(), nn.Flatten(0), nn.Linear(16, 2))
    session = opened(model, torch.randn(2, 4))
    found = by_path(session, measure(session))
    assert found["0"].activations == 2 * 8 * 4 and found["4"].activations == 2 * 4
    assert [found[path].activations for path in ("1", "2", "3")] == [0, 0, 0]  # they give what they were given
    assert found[""].activations == 72 and found[""].own_activations == 0


def test_elements_that_are_repeated_are_in_memory_once() -> None:
    class Repeating(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            return (x.sum() + 0).expand(1 << 20, 1 << 21, 1 << 21)

    session = opened(Repeating(), torch.randn(2, 4))
    assert by_path(session, measure(session))[""].activations == 4


def test_a_module_that_calls_itself_took_its_time_once() -> None:
    session = opened(Recursive(), torch.randn(2, 4))
    costs = measure(session)
    found = by_path(session, costs)
    assert found[""].ms == pytest.approx(costs.ms) and [row.calls for row in costs.rows] == [3, 3]
    assert found[""].flops == found["layer"].flops == 3 * count(nn.Linear(4, 4), torch.randn(2, 4))


def test_model_inputs_and_process_are_left_as_they_were() -> None:
    model = nn.Sequential(nn.Linear(4, 4), nn.BatchNorm1d(4), nn.Dropout()).train()
    x = torch.randn(3, 4)
    before, state, given = fingerprint(model), torch.get_rng_state(), x.clone()
    session = opened(model, x)
    session.subject.observers.add(session.subject.tree.nodes[1])
    measure(session, 2)
    assert session.subject.observers.count() == len(list(model.modules()))
    session.close()
    assert fingerprint(model) == before and torch.equal(torch.get_rng_state(), state) and torch.equal(x, given)


def test_hooks_in_force_are_measured_too() -> None:
    model = nn.Sequential(nn.Linear(4, 4), nn.ReLU())
    session = opened(model, torch.randn(2, 4))
    answer(session, AddHook(1, "0", "scale(2)"))
    costs = measure(session)
    assert "aten.mul" in " ".join(costs.uncounted)
    session.close()


def test_half_meta_and_scripted_models_have_costs() -> None:
    half = opened(nn.Sequential(nn.Linear(4, 4)).bfloat16(), torch.randn(2, 4).bfloat16())
    assert by_path(half, measure(half))["0"].activations == 2 * 4 * 2
    meta = opened(nn.Sequential(nn.Linear(4, 4, device="meta")), torch.randn(2, 4, device="meta"))
    assert by_path(meta, measure(meta))["0"].flops == 2 * 2 * 4 * 4
    scripted = opened(torch.jit.script(nn.Sequential(nn.Linear(4, 4))), torch.randn(2, 4))
    assert by_path(scripted, measure(scripted))[""].flops == 2 * 2 * 4 * 4


def test_a_fused_path_is_measured_as_it_is() -> None:
    layer = nn.TransformerEncoderLayer(8, 2, 16, batch_first=True).eval()
    with torch.no_grad():
        session = opened(layer, torch.randn(1, 3, 8))
    costs = measure(session)
    assert list(by_path(session, costs)) == [""]


def test_a_model_that_raises_says_so() -> None:
    class Raising(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            raise ValueError("on purpose")

    session = opened(nn.Sequential(Raising()), torch.randn(2, 4))
    with pytest.raises(InspectorError, match="on purpose"):
        measure(session)


def test_what_a_model_does_not_take_under_the_counter_leaves_the_times() -> None:
    class Picky(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            if torch._C._len_torch_dispatch_stack():
                raise RuntimeError("not under a mode")
            return x + 1

    session = opened(Picky(), torch.randn(2, 4))
    costs = measure(session)
    assert "not under a mode" in costs.flops_problem and costs.rows[0].cost.flops is None and costs.ms > 0


def test_without_an_input_there_is_nothing_to_measure() -> None:
    session = Session(lambda event: None)
    session.adopt(nn.Linear(4, 4), (), {}, "net")
    session.subject.sample = None
    with pytest.raises(InspectorError, match="no sample input"):
        measure(session)


def test_measuring_tells_how_far_it_is_and_can_be_stopped() -> None:
    events: list[AnyEvent] = []
    session = opened(nn.Sequential(nn.Linear(4, 4)), torch.randn(2, 4), emit=events.append)
    measure(session, 2)
    assert [event.done for event in events if isinstance(event, Work) and event.unit == "passes"] == [0, 1, 2, 3]

    class Stopping(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            thread = threading.Thread(target=answer, args=(session, Cancel()))
            thread.start()
            thread.join()
            return x

    session = opened(nn.Sequential(Stopping(), nn.Linear(4, 4)), torch.randn(2, 4))
    with pytest.raises(InspectorError, match="stopped"):
        measure(session)
