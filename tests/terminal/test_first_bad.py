"""`Z` in a real pseudo-terminal: the module and the line where the first bad value came from."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from .harness import Terminal

FILE = """\
import torch


class Head(torch.nn.Module):
    def forward(self, x):
        shifted = x - x.max()
        return torch.log(shifted * 0)


class Net(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.body, self.head = torch.nn.Linear(4, 4), Head()

    def forward(self, x):
        return self.head(self.body(x))
"""


def test_the_line_is_gone_to(tmp_path: Path) -> None:
    (tmp_path / "net.py").write_text(FILE)
    command = [sys.executable, "-m", "inspector", f"{tmp_path / 'net.py'}:Net", "-i", "2x4"]
    with Terminal(command, environment={"XDG_STATE_HOME": str(tmp_path)}) as terminal:
        terminal.wait_for_text("pass 1")
        terminal.send("Z")
        terminal.wait_for_text("The first bad value")
        terminal.send("\r")
        terminal.wait_for_text("a logarithm of 8 zeros")
        terminal.send("\x1b")
        terminal.wait_for(lambda: "Bad is" not in terminal.text, "the form gone")
        terminal.wait_for_text("torch.log(shifted * 0)")
        terminal.wait_for_text("Head.forward")


MODELS = """\
import torch
import torchvision
import transformers


def resnet():
    model = torchvision.models.resnet18()
    with torch.no_grad():
        model.layer2[0].bn1.running_var.fill_(-1)
    return model, (torch.randn(1, 3, 64, 64),)


def llama():
    config = transformers.LlamaConfig(
        hidden_size=16, intermediate_size=32, num_hidden_layers=2, num_attention_heads=2, vocab_size=50
    )
    torch.manual_seed(0)
    model = transformers.LlamaForCausalLM(config)
    with torch.no_grad():
        model.model.layers[1].mlp.up_proj.weight[0, 0] = float("inf")
    return model, (torch.randint(0, 50, (1, 6)),)


class Loop(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.cell = torch.nn.RNNCell(3, 4)

    def forward(self, x):
        state = x.new_zeros(2, 4)
        for number in range(5):
            state = self.cell(x[number], state)
            state = state / (3.0 - number)
        return state


def loop():
    return Loop(), (torch.randn(5, 2, 3),)


class Raises(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.head = torch.nn.Linear(4, 4)

    def forward(self, x):
        worse = torch.log(x * 0 - 1)
        return self.head(worse[:, :3])


def raises():
    return Raises(), (torch.randn(2, 4),)


class Root(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.scale = torch.nn.Parameter(torch.zeros(4))

    def forward(self, x):
        return torch.sqrt(self.scale.abs() * x.abs())


def root():
    return Root(), (torch.randn(2, 4),)


class Absorbs(torch.nn.Module):
    def forward(self, x):
        logs = torch.log(x * 0)
        large = torch.arange(8.0) * 1e4
        return torch.where(x > 99, logs, x) + large.sum()


def absorbs():
    return Absorbs(), (torch.randn(2, 4),)
"""


@pytest.mark.parametrize(
    ("name", "keys", "says", "line"),
    [
        ("resnet", "\r", "a root of a variance down to -1", "_BatchNorm.forward"),
        ("llama", "\r", "up_proj.weight holds 1 infinite", ""),
        ("loop", "\r", "a division by 0", "state = state / (3.0 - number)"),
        ("raises", "\r", "a logarithm of numbers down to -1", "worse = torch.log(x * 0 - 1)"),
        ("loop", "zeros > 0.99\r", "no operation gave", "state = x.new_zeros(2, 4)"),
        ("absorbs", "zeros > 0.99\r", "the first match", "logs = torch.log(x * 0)"),
        ("absorbs", "std > 1e3\r", "the first match", "large = torch.arange(8.0) * 1e4"),
        ("absorbs", "\r", "nothing bad", ""),
        ("absorbs", "\x1b[B\x1b[B\x1b[B \x12", "a logarithm of 8 zeros", "logs = torch.log(x * 0)"),
        ("root", "\x1b[B \x12", "backward", "return torch.sqrt(self.scale.abs() * x.abs())"),
    ],
)
def test_models_as_people_have_them(tmp_path: Path, name: str, keys: str, says: str, line: str) -> None:
    (tmp_path / "made.py").write_text(MODELS)
    command = [sys.executable, "-m", "inspector", f"{tmp_path / 'made.py'}:{name}"]
    with Terminal(command, columns=100, lines=40, environment={"XDG_STATE_HOME": str(tmp_path)}) as terminal:
        terminal.wait_for(lambda: "pass 1" in terminal.text or "RuntimeError" in terminal.text, "the first pass")
        terminal.send("Z")
        terminal.wait_for_text("The first bad value")
        terminal.send(keys)
        terminal.wait_for_text(says)
        terminal.send("\x1b")
        terminal.wait_for(lambda: "Bad is" not in terminal.text, "the form gone")
        terminal.wait_for_text(line)
        terminal.send("q")
        assert terminal.wait_for_end() == (1 if name == "raises" else 0)
