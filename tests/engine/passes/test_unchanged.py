"""Outputs that did not change are known to be the same without any arithmetic, and said to be so."""

from __future__ import annotations

import math

import pytest
import torch

from inspector.engine.passes import baseline
from inspector.engine.passes.baseline import Baseline, Comparison
from inspector.engine.recording.call import Call
from inspector.records import Delta


def _compare(then: torch.Tensor, now: torch.Tensor) -> Delta | None:
    before, call = Baseline(), Call(1, 0, 0, 0)
    before.see(call, then)
    comparison = Comparison(before, None)
    comparison.see(call, now)
    comparison.settle()
    return call.delta


def test_what_did_not_change_is_not_computed_with(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(baseline, "_row", None)
    for same in (torch.rand(3), torch.tensor([-0.0]), torch.ones(2, dtype=torch.half)):
        assert _compare(same, same.clone()) == Delta(0.0, 1.0, 0.0)


def test_what_changed_in_one_element_is() -> None:
    then = torch.tensor([3.0, 4.0])
    delta = _compare(then, torch.tensor([3.0, 5.0]))
    assert delta is not None and delta.rel_l2 == pytest.approx(0.2) and delta.max_abs == 1.0


@pytest.mark.parametrize("value", [torch.nan, torch.inf])
def test_what_is_not_finite_is_never_known_to_be_the_same(value: float) -> None:
    then = torch.tensor([value])
    delta = _compare(then, then.clone())
    assert delta is not None and math.isnan(delta.rel_l2)
