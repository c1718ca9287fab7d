"""An exception may have a message of a hundred million characters."""

from __future__ import annotations

import time

import pytest
import torch
from torch import nn

import inspector
from inspector.errors import InspectorError
from inspector.text import shorten


class Loud(nn.Module):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        raise ValueError("boom " + "y" * 100_000_000)


@pytest.mark.timeout(60)
def test_it_is_shown_bounded_and_at_once() -> None:
    with pytest.raises(InspectorError):
        inspector.summary(nn.Linear(3, 3), torch.ones(1, 4))  # what is imported to explain an error, once
    started = time.process_time()
    with pytest.raises(InspectorError) as caught:
        inspector.summary(Loud(), torch.ones(1, 3))
    assert time.process_time() - started < 10  # it took minutes, in expressions that go over it again and again
    assert "boom yyy" in str(caught.value) and "MB more" in str(caught.value)
    assert len(str(caught.value)) < 10_000


def test_what_is_cut_says_how_much() -> None:
    assert shorten("x" * 10) == "x" * 10
    assert shorten("x" * 12, 10) == "x" * 10 + "… 2 more"
    assert shorten("x" * 100_000_010, 10).endswith("x… 100.0 MB more")
