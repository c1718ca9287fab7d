"""Memory estimated on fake tensors: against the same step on real ones, with nothing allocated and nothing changed."""

from __future__ import annotations

import tracemalloc
from collections.abc import Callable
from typing import Any

import pytest
import torch
import torchvision
from torch import Tensor, nn

from inspector.engine.answers import answer
from inspector.engine.costs import step
from inspector.engine.machine.memory import process_bytes
from inspector.engine.session import Session
from inspector.engine.subject.tasks import estimates
from inspector.errors import UsageError
from inspector.records import AnyEvent, Cancel, EstimateMemory, MemoryEstimate, MemoryPeak, Work
from tests.fingerprint import fingerprint


def estimate(
    model: nn.Module, *args: Any, emit: Callable[[AnyEvent], None] = lambda event: None, **asked: Any
) -> MemoryEstimate:
    kwargs = asked.pop("kwargs", {})
    session = Session(emit)
    session.adopt(model, args, kwargs, "net")
    reply = answer(session, EstimateMemory(1, **{"batches": (1,), **asked}))
    session.close()
    assert isinstance(reply, MemoryEstimate)
    return reply


def peaks(found: MemoryEstimate) -> list[MemoryPeak]:
    return [row.peaks[0] for row in found.rows]


ADAM = {"backward": True, "optimizer": "Adam(lr=0.001)"}


@pytest.mark.parametrize("asked", [{}, {"backward": True}, ADAM], ids=["forward", "backward", "adam"])
def test_resnet18_is_estimated_as_it_is_measured(asked: dict[str, Any]) -> None:
    model = torchvision.models.resnet18().train()
    x = torch.zeros(2, 3, 64, 64)
    fake, real = (peaks(estimate(model, x, batches=(2,), measured=m, **asked))[0] for m in (False, True))
    assert fake.total == pytest.approx(real.total, rel=0.01)
    assert fake.sizes == pytest.approx(real.sizes, rel=0.01)
    assert (fake.path, fake.phase) == (real.path, real.phase)
    assert fake.sizes["parameters"] == sum(p.nbytes for p in model.parameters())


def test_an_optimizer_steps_all_at_once_where_it_would(monkeypatch: pytest.MonkeyPatch) -> None:
    """On a GPU, which takes a temporary copy of every parameter."""
    model, x = nn.Sequential(*(nn.Linear(40, 40, bias=False) for _ in range(9))), torch.zeros(1, 40)
    asked = {"backward": True, "measured": True, "optimizer": "Adam(foreach=True)"}
    (truth,) = peaks(estimate(model, x, **asked))
    (one_by_one,) = peaks(estimate(model, x, **ADAM))
    monkeypatch.setattr(step, "TOGETHER", ("cpu",))
    (ours,) = peaks(estimate(model, x, **ADAM))
    assert ours.total == truth.total > one_by_one.total
    assert ours.sizes["temporary"] == ours.sizes["parameters"]


def test_model_and_process_stay_as_they_were() -> None:
    model = torchvision.models.resnet18().train()
    lstm = nn.LSTM(4, 3, batch_first=True)
    lstm(torch.zeros(1, 2, 4))[0].sum().backward()  # gradients of the caller's own
    before = fingerprint(model), fingerprint(lstm)
    for measured in (False, True):
        estimate(model, torch.zeros(2, 3, 32, 32), batches=(2, 4), measured=measured, **ADAM)
        estimate(lstm, torch.zeros(2, 5, 4), measured=measured, backward=True)
    assert (fingerprint(model), fingerprint(lstm)) == before


@pytest.mark.parametrize("measured", [False, True])
def test_what_a_model_writes_to_its_input_stays_out_of_it(measured: bool) -> None:
    class Notes(nn.Module):
        def forward(self, x: Tensor, seen: list[int]) -> Tensor:
            seen.append(len(x))
            return x.add_(1)

    x, seen = torch.zeros(2, 3), [7]
    found = estimate(Notes(), x, seen, batches=(2, 5), measured=measured)
    assert [row.problem for row in found.rows] == [None, None] and seen == [7] and x.sum() == 0


def test_activations_grow_with_the_batch_and_nothing_else_does() -> None:
    one, eight = peaks(estimate(nn.Sequential(nn.Linear(30, 50), nn.ReLU()), torch.zeros(2, 30), batches=(1, 8)))
    assert eight.sizes["activations"] == 8 * one.sizes["activations"] and eight.sizes["input"] == 8 * 30 * 4
    assert eight.sizes["parameters"] == one.sizes["parameters"]


@pytest.mark.parametrize("asked", [{}, ADAM], ids=["forward", "adam"])
def test_a_model_of_a_gigabyte_on_the_meta_device_takes_no_memory(asked: dict[str, Any]) -> None:
    def make(width: int) -> nn.Module:
        return nn.Sequential(*(nn.Linear(width, width, device="meta") for _ in range(4)))

    def grown(width: int) -> tuple[int, MemoryEstimate]:
        model, x = make(width), torch.zeros(1, width, device="meta")
        before = process_bytes() or 0
        tracemalloc.start()
        found = estimate(model, x, batches=(1, 8), **asked)
        _, traced = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        return max((process_bytes() or 0) - before, traced), found

    grown(8)  # imports
    size, found = grown(8_192)
    total = peaks(found)[0].total
    assert total > 1 << 30 and size < total / 20
    assert found.notes and "taken to be on" in found.notes[0]


class Looks(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Linear(4, 4)

    def forward(self, x: Tensor) -> Tensor:
        y = self.layer(x)
        if y.sum() > 0:
            return y
        return -y


class Masks(Looks):
    def forward(self, x: Tensor) -> Tensor:
        return x[x > 0]


class Leaves(Looks):
    def forward(self, x: Tensor) -> Tensor:
        return torch.from_numpy(self.layer(x).detach().numpy())


@pytest.mark.parametrize(
    ("kind", "words"), [(Looks, "looks at values"), (Masks, "depends on values"), (Leaves, "will not do")]
)
def test_a_model_that_needs_values_says_where_and_runs_on_real_tensors(kind: type[nn.Module], words: str) -> None:
    (row,) = estimate(kind(), torch.ones(2, 4)).rows
    assert row.problem is not None and words in row.problem.what and "--measure" in row.problem.hint
    assert "test_estimates.py" in row.problem.where
    (row,) = estimate(kind(), torch.ones(2, 4), measured=True).rows
    assert row.problem is None and row.peaks


def test_the_largest_batch_that_fits_is_the_largest(monkeypatch: pytest.MonkeyPatch) -> None:
    model = nn.Sequential(nn.Linear(100, 100, bias=False), nn.ReLU())
    room = 100_000  # an example takes 400 bytes of input, and twice as many of activations
    monkeypatch.setattr(estimates, "free_bytes", lambda device: room)
    for sizes in ((1, 8), (8,), (500, 1_000)):
        found = estimate(model, torch.zeros(1, 100), batches=sizes)
        assert found.largest == room // 1_200 and found.free == {"cpu": room}
        assert [peak.fits for peak in peaks(found)] == [size <= 83 for size in sizes]
    monkeypatch.setattr(estimates, "free_bytes", lambda device: 100)
    assert estimate(model, torch.zeros(1, 100)).largest == 0
    monkeypatch.setattr(estimates, "free_bytes", lambda device: None)
    found = estimate(model, torch.zeros(1, 100))
    assert found.largest is None and peaks(found)[0].fits is None


def test_it_can_be_cancelled() -> None:
    session: list[Session] = []

    class Stops(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            if len(x) == 8:
                answer(session[0], Cancel())
            return x + 1

    events: list[AnyEvent] = []
    session.append(Session(events.append))
    session[0].adopt(Stops(), (torch.zeros(2, 2),), {}, "net")
    found = answer(session[0], EstimateMemory(1, (1, 8, 16)))
    assert isinstance(found, MemoryEstimate) and not found.complete and [row.batch for row in found.rows] == [1]
    assert [event.done for event in events if isinstance(event, Work)] == [0, 1]
    session[0].close()


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        ({"batches": ()}, "whole numbers from 1"),
        ({"batches": (0,)}, "whole numbers from 1"),
        ({"backward": True, "loss": "nope"}, "no loss"),
        ({"backward": True, "optimizer": "Nope()"}, "no optimizer"),
    ],
)
def test_what_cannot_be_understood_is_refused(asked: dict[str, Any], words: str) -> None:
    with pytest.raises(UsageError, match=words):
        estimate(nn.Linear(2, 2), torch.zeros(1, 2), **asked)


def test_a_model_that_fails_is_told_by_its_size() -> None:
    model = nn.Sequential(nn.Linear(4, 4), nn.BatchNorm1d(4)).train()
    one, two = estimate(model, torch.zeros(2, 4), batches=(1, 2)).rows
    assert one.problem is not None and "more than 1 value per channel" in one.problem.what and two.peaks


def test_a_tiny_llama_trains_as_estimated() -> None:
    transformers = pytest.importorskip("transformers")
    config = transformers.LlamaConfig(
        hidden_size=32,
        intermediate_size=64,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=2,
        vocab_size=50,
    )
    model, ids = transformers.LlamaForCausalLM(config).eval(), torch.ones(1, 8, dtype=torch.int64)
    asked = {"kwargs": {"input_ids": ids}, "batches": (1, 4), **ADAM}
    fake, real = (estimate(model, measured=measured, **asked) for measured in (False, True))
    for ours, truth in zip(peaks(fake), peaks(real), strict=True):
        assert ours.total == pytest.approx(truth.total, rel=0.01) and ours.path == truth.path
    assert fake.rows[1].input == "input_ids=4×8 int64" and fake.step == "forward, backward and Adam(lr=0.001)"


def test_scripted_and_lazy_modules_are_refused_with_the_reason() -> None:
    scripted = torch.jit.script(nn.Linear(2, 2))
    with pytest.raises(UsageError, match="where none can be fake"):
        estimate(scripted, torch.zeros(1, 2))
    assert peaks(estimate(scripted, torch.zeros(1, 2), measured=True))[0].total == (4 + 2 + 2 + 2) * 4
    session = Session(lambda event: None)
    session.adopt(nn.LazyLinear(2), (torch.zeros(1, 2),), {}, "net")
    with pytest.raises(UsageError, match="lazy modules have no shapes"):
        answer(session, EstimateMemory(1, (1,)))
    session.close()


def test_compiled_models_and_half_types_run_as_they_were_written() -> None:
    plain = nn.Sequential(nn.Linear(40, 40), nn.ReLU()).to(torch.bfloat16)
    x = torch.zeros(1, 40, dtype=torch.bfloat16)
    (ours,) = peaks(estimate(torch.compile(plain), x))
    assert ours.sizes == peaks(estimate(plain, x))[0].sizes and ours.sizes["parameters"] == (1_600 + 40) * 2
