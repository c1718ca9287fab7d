"""What is said of calls that activation checkpointing makes again in the backward pass."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint

from inspector.report.json_report import render_json
from tests.documents import read_document
from tests.reports import make_report

X = torch.rand(3, 4, generator=torch.Generator().manual_seed(0))


class Block(nn.Module):
    """Gives a tuple of two."""

    def __init__(self) -> None:
        super().__init__()
        self.wide, self.narrow = nn.Linear(4, 6), nn.Linear(6, 2)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        wide = self.wide(x).tanh()
        return self.narrow(wide), wide


class Net(nn.Module):
    def __init__(self, reentrant: bool) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.reentrant = reentrant
        self.block, self.after = Block(), nn.Linear(2, 2)

    def forward(self, x: Tensor) -> Tensor:
        return self.after(checkpoint(self.block, x * 1, use_reentrant=self.reentrant)[0])


def calls_of(model: nn.Module, x: Tensor = X) -> list[Any]:
    return read_document(render_json(make_report(model, (x.requires_grad_(),), backward=True)))["calls"]


@pytest.mark.parametrize("reentrant", [False, True])
def test_they_carry_that_and_an_output_with_a_shape(reentrant: bool) -> None:
    calls = calls_of(Net(reentrant))
    again = [call for call in calls if call["recomputed"]]
    assert {call["path"] for call in again} == {"block", "block.wide", "block.narrow"}
    assert {call["path"] for call in calls if not call["recomputed"]} == {
        "",
        "block",
        "block.wide",
        "block.narrow",
        "after",
    }
    first = {call["path"]: call["output"] for call in calls if not call["recomputed"]}
    assert first.keys() == {"", "block", "block.wide", "block.narrow", "after"}
    for call in again:
        assert shape_of(call["output"]) == shape_of(first[call["path"]])
    stopped = [call for call in again if "why" in str(call["output"])]
    assert bool(stopped) is not reentrant, "the older kind runs to the end"
    for call in stopped:
        assert "None" in str(call["output"]) and "left there: the shape is that of the first time" in str(
            call["output"]
        )


def shape_of(value: Any) -> Any:
    if value["kind"] == "tuple":
        return [shape_of(item) for item in value["items"]]
    return value["shape"], value["dtype"], value["device"]


class Growing(nn.Module):
    """One module twice, on tensors of two shapes."""

    def __init__(self, rows: int) -> None:
        super().__init__()
        self.act, self.rows = nn.Sequential(nn.Tanh()), rows

    def forward(self, x: Tensor) -> Tensor:
        first = checkpoint(self.act, x * 1, use_reentrant=False)
        return first.sum() + checkpoint(self.act, x[: self.rows] * 1, use_reentrant=False).sum()


def test_where_it_is_not_known_which_call_is_repeated_it_says_so() -> None:
    alike = [call["output"] for call in calls_of(Growing(3)) if call["recomputed"]]
    assert alike and all(output["kind"] == "tensor" and output["shape"] == [3, 4] for output in alike)
    stopped = [call["output"] for call in calls_of(Growing(2)) if call["recomputed"]]
    told = {output["text"] for output in stopped if output["kind"] == "other"}
    assert told == {"recomputed as far as it was needed, and left there: which of 2 calls it repeats is not known"}
