"""Parameters show what the last backward pass left on them."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from inspector.engine.session import Session
from inspector.records import Run


class Tied(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.first, self.second = nn.Linear(3, 3), nn.Linear(3, 3)
        self.second.weight = self.first.weight

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.second(self.first(x))


def means(session: Session, path: str) -> dict[str, float | None]:
    found = {row.name: row.gradient for row in session.queries.parameters((path,), 9).rows}
    return {name: value.statistics.mean if value and value.statistics else None for name, value in found.items()}


def test_gradients_of_the_last_backward_pass_are_shown() -> None:
    model, x, session = Tied(), torch.randn(2, 3), Session(lambda event: None)
    model.second.bias.grad = torch.full((3,), 7.0)
    session.adopt(model, (x,), {}, "m")
    session.run()
    assert means(session, "second") == {"weight": None, "bias": 7.0}  # what the caller left there
    session.run(Run(1, backward=True))
    assert model.first.weight.grad is None and model.second.bias.grad.tolist() == [7.0] * 3
    shown = {path: means(session, path) for path in ("first", "second")}
    session.close()
    model.zero_grad()
    model(x).mean().backward()
    for path, module in (("first", model.first), ("second", model.second)):
        wanted = {name: parameter.grad.mean().item() for name, parameter in module.named_parameters()}
        assert shown[path] == pytest.approx(wanted, rel=1e-4)


def test_printed_lines_say_which_batch_and_the_first_values() -> None:
    said: list[str] = []
    session = Session(lambda event: said.append(getattr(event, "text", "")))
    session.adopt(nn.Sequential(nn.Identity()), (torch.arange(7.0),), {}, "m")
    session.add_hook("0", "print()")
    session.run()
    session.run(Run(1, batches=2))
    lines = [line.split(": ")[0] + line[line.rindex("  [") :] for line in said if "call 0" in line]
    assert lines[0] == "0 call 0  [0 1 2 3 4 …]"
    assert [line.split("  ")[0] for line in lines[1:]] == ["0 batch 0 call 0", "0 batch 1 call 0"]
