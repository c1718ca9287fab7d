"""A budget for what observing takes, where the library observes."""

from __future__ import annotations

import pytest
import torch
from torch import nn

import inspector
from inspector.engine.recording.call_values import OVER_BUDGET
from inspector.errors import InspectorError, UsageError
from inspector.records import TensorValue
from tests.engine.test_session import Slow


@pytest.mark.parametrize("budget", [0.5, "50%"])
def test_a_capture_leaves_out_statistics_past_its_budget_and_says_so(budget: float | str) -> None:
    with inspector.capture(Slow(), budget=budget) as cap:
        cap._tree.root(torch.ones(500_000))
    outputs = [call.output for call in cap.calls]
    assert len(outputs) == 22 and all(isinstance(each, TensorValue) and each.shape == (500_000,) for each in outputs)
    bare = [each for each in outputs if isinstance(each, TensorValue) and each.statistics is None]
    assert {each.why for each in bare} == {OVER_BUDGET} and 10 < len(bare) <= cap.left_out
    assert f"no statistics of {cap.left_out} tensors: left out" in repr(cap)


def test_without_a_budget_nothing_is_left_out() -> None:
    model = Slow()
    with inspector.capture(model) as cap:
        model(torch.ones(50_000))
    assert cap.left_out == 0 and "left out" not in repr(cap)


def test_a_summary_within_a_budget_says_of_how_many_tensors_it_knows_nothing() -> None:
    assert "left out to stay within the budget" in inspector.summary(Slow(), torch.ones(500_000), budget="50%")
    assert "left out" not in inspector.summary(Slow(), torch.ones(50_000))


@pytest.mark.parametrize("budget", ["10", -1, float("nan"), [], "a lot", 1_000])
def test_what_is_no_share_is_refused_before_anything_is_done(budget: object) -> None:
    model = nn.Linear(2, 2)
    for refused in (
        lambda: inspector.capture(model, budget=budget),  # type: ignore[arg-type]
        lambda: inspector.summary(model, torch.ones(1, 2), budget=budget),  # type: ignore[arg-type]
        lambda: inspector.inspect(model, torch.ones(1, 2), budget=budget),  # type: ignore[arg-type]
    ):
        with pytest.raises(UsageError, match="budget") as caught:
            refused()
        assert "budget='10%'" in caught.value.problem.hint
        assert isinstance(caught.value, InspectorError) and not model._forward_hooks
