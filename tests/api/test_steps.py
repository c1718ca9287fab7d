"""The steps of a block, as `capture` and `hooks` tell of them."""

from __future__ import annotations

import pytest
import torch
from torch import nn

import inspector


class Twice(nn.Module):
    """Calls `act` twice in each of its calls."""

    def __init__(self) -> None:
        super().__init__()
        self.act = nn.Identity()

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.act(self.act(x))


def test_a_capture_tells_the_steps_apart() -> None:
    model = Twice()
    with inspector.capture(model) as cap:
        for width in (1, 2, 3):
            model(torch.ones(width))
    assert cap.steps == 3 and len(cap) == 9
    assert [(call.call, call.step, call.call_in_step) for call in cap.calls if call.path == "act"] == [
        (0, 0, 0), (1, 0, 1), (2, 1, 0), (3, 1, 1), (4, 2, 0), (5, 2, 1),
    ]  # fmt: skip
    assert [call.path for call in cap.step(1)] == ["act", "act", ""]
    assert all(call.output.shape == (2,) for call in cap.step(1)) and cap.step(3) == []  # type: ignore[union-attr]
    assert cap["act", 2].output.shape == (2,), "a number counts the calls of all steps"  # type: ignore[union-attr]
    assert not model._forward_pre_hooks and not model._forward_hooks


def test_a_block_without_a_call_of_the_model_is_in_step_0() -> None:
    model = Twice()
    with inspector.capture(model) as cap:
        model.act(torch.ones(1))
    assert cap.steps == 0 and [call.step for call in cap.calls] == [0]


def test_a_recomputed_call_belongs_to_the_step_of_its_forward() -> None:
    class Checkpointed(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.line = nn.Linear(2, 2)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            made: torch.Tensor = torch.utils.checkpoint.checkpoint(self.line, x, use_reentrant=False)
            return made

    model = Checkpointed()
    with inspector.capture(model, "line") as cap:
        for _ in range(2):
            model(torch.ones(1, 2)).sum().backward()
    assert [(call.step, call.call_in_step) for call in cap.calls] == [(0, 0), (0, 1), (1, 0), (1, 1)]


def test_a_scripted_model_that_takes_no_hooks_is_one_step() -> None:
    model = torch.jit.script(nn.Sequential(nn.Linear(2, 2)))
    with inspector.capture(model) as cap:
        model(torch.ones(1, 2))
    assert cap.steps == 0 and len(cap) == 0


def test_a_view_without_a_terminal_prints_the_calls_of_every_step(capsys: pytest.CaptureFixture[str]) -> None:
    model = Twice()
    with inspector.capture(model) as cap:
        for _ in range(2):
            model(torch.ones(1))
    cap.view()
    rows = [line.split()[1:4] for line in capsys.readouterr().out.splitlines()[1:7]]
    assert rows[:5] == [["#0", "act", "Identity"], ["#0", "act", "#1"], ["#0", "(root)", "Twice"],
                        ["#1", "act", "Identity"], ["#1", "act", "#1"]]  # fmt: skip
