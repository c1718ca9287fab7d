"""Losses, loaders and optimizers: each that was typed is looked at, and what will not do says so itself."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from inspector.engine.session import Session
from inspector.errors import InspectorError, UsageError
from inspector.records import Run, Target


def opened(*inputs: Tensor) -> tuple[nn.Module, Session]:
    torch.manual_seed(0)
    model, session = nn.Linear(4, 2), Session(lambda event: None)
    session.adopt(model, inputs or (torch.ones(1, 4),), {}, "toy")
    return model, session


def three_pairs() -> list[Any]:
    return [(torch.full((2, 4), float(number)), torch.ones(2).long()) for number in range(3)]


def as_text(output: Tensor) -> str:
    return str(output)


def unreduced(output: Tensor) -> Tensor:
    return output


def detached(output: Tensor) -> Tensor:
    return output.detach().sum()


def test_one_batch_of_a_loader_is_that_of_the_loader() -> None:
    model, session = opened()
    summary = session.run(Run(1, backward=True, loss="cross_entropy", loader=f"{__name__}:three_pairs"))
    with torch.no_grad():
        wanted = nn.functional.cross_entropy(model(torch.zeros(2, 4)), torch.ones(2).long())
    assert summary.problem is None and summary.loss == wanted.item()
    pairs = f"{__name__}:three_pairs"
    by_name = session.run(Run(1, backward=True, loss="torch.nn.functional:cross_entropy", loader=pairs))
    assert by_name.problem is None and by_name.loss == summary.loss
    assert not session.runner.last.repeatable  # another pass may draw others
    assert session.run(Run(1, backward=True, loss="mean")).loss != summary.loss  # the sample's again
    alone = session.run(Run(1, backward=True, loss="torch.nn.functional:cross_entropy", loader="none")).problem
    assert alone is not None and "the input has none" in alone.what
    session.close()


WRONG = [
    {"loader": "json:nothing_of_this"}, {"loader": "json:loads"}, {"loader": "math:pi"}, {"loss": "math:pi"},
    {"optimizer": "Sgd2(lr=1)"},
]  # fmt: skip


@pytest.mark.parametrize("wrong", WRONG, ids=str)
def test_what_one_batch_cannot_use_is_an_error(wrong: dict[str, str]) -> None:
    session = opened()[1]
    with pytest.raises(InspectorError, match=next(iter(wrong.values()))[:4]):
        session.run(Run(1, backward=True, **wrong))
    session.close()


def test_a_loader_that_ends_early_says_what_there_is() -> None:
    session = opened()[1]
    problem = session.run(Run(1, batches=4, loader=f"{__name__}:three_pairs")).problem
    assert problem is not None and (problem.kind, problem.exit_code) == ("UsageError", 2)
    assert problem.what.endswith("three_pairs gave 3 batches of 4") and problem.hint == "ask for 3 batches"
    session.close()


@pytest.mark.parametrize(
    ("loss", "gave"),
    [("as_text", "gave str,"), ("unreduced", "gave a tensor of 2 numbers,"), ("detached", "gave a tensor without")],
)
def test_a_loss_that_no_backward_pass_can_start_from_says_what_it_gave(loss: str, gave: str) -> None:
    session = opened()[1]
    problem = session.run(Run(1, backward=True, loss=f"{__name__}:{loss}")).problem
    assert problem is not None and (problem.kind, problem.exit_code) == ("UsageError", 2)
    assert gave in problem.what and "mean() or .sum()" in problem.hint
    session.close()


def test_on_the_meta_device_a_backward_pass_has_shapes_and_no_loss(tmp_path: Path) -> None:
    session = Session(lambda event: None)
    target = Target("tests/models.py:mlp", device="meta", record=("0",), save=str(tmp_path / "new.safetensors"))
    session.open(target)
    summary = session.run(Run(1, backward=True))
    assert summary.problem is None and summary.loss is None
    with pytest.raises(UsageError, match="no values: the model is on the meta device"):
        session.save(target.save)
    assert not list(tmp_path.iterdir())
    session.close()


def test_nothing_recorded_names_the_modules_that_were_to_be(tmp_path: Path) -> None:
    session = Session(lambda event: None)
    target = Target("tests/models.py:mlp", record=("0",), save=str(tmp_path / "new.safetensors"))
    session.open(target)
    with pytest.raises(UsageError) as raised:
        session.save(target.save)
    assert raised.value.problem.hint == "0 was not called, or gave no tensor"
    session.close()
