"""Lightning modules: their own example input, a pure forward, no trainer."""

from __future__ import annotations

import pytest

from .opening import passed

pytest.importorskip("lightning", reason="lightning is not installed")

NETS = """
import lightning
import torch
from torch import nn


class Net(lightning.LightningModule):
    def __init__(self, width=8):
        super().__init__()
        self.save_hyperparameters()
        self.net = nn.Linear(width, 4)
        self.example_input_array = torch.ones(3, width)

    def forward(self, x, y=0):
        self.log("inside", 1.0)
        return self.net(x) + y

    def training_step(self, batch, index):
        return self(batch).sum()

    def configure_optimizers(self):
        return torch.optim.SGD(self.parameters(), 0.1)


class Several(Net):
    def __init__(self):
        super().__init__()
        self.example_input_array = (torch.ones(2, 8), torch.ones(2, 4))


class Listed(Net):
    def __init__(self):
        super().__init__()
        self.example_input_array = [torch.ones(2, 8), torch.ones(2, 4)]


class Named(Net):
    def __init__(self):
        super().__init__()
        self.example_input_array = {"x": torch.ones(2, 8), "y": torch.ones(2, 4)}


class FromTrainer(Net):
    @property
    def example_input_array(self):
        return self.trainer.datamodule.batch

    @example_input_array.setter
    def example_input_array(self, value):
        pass
"""


@pytest.fixture
def nets(tmp_path):
    (tmp_path / "lit_nets.py").write_text(NETS)
    return f"{tmp_path}/lit_nets.py"


@pytest.mark.parametrize(
    ("name", "text", "origin"),
    [
        ("Net", "3×8 float32", "known for this target"),
        ("Several", "2×8 float32, 2×4 float32", "known for this target"),
        ("Listed", "2×8 float32, 2×4 float32", "known for this target"),
        ("Named", "x=2×8 float32, y=2×4 float32", "known for this target"),
        ("FromTrainer", "1×8 float32", "guessed"),
    ],
)
def test_its_own_example_is_the_input(nets, name, text, origin):
    session = passed(f"{nets}:{name}")
    assert (session.subject.sample.text, session.subject.sample.origin) == (text, origin)


def test_it_is_looked_at_without_a_trainer(nets):
    session = passed(f"{nets}:Net", ("width", "6"))
    assert session.subject.sample.text == "3×6 float32"
    assert session.queries.attributes(()) and session.queries.hooks(()) and session.queries.parameters((), 10)
