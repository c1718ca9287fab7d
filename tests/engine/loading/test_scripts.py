"""What a plain script needs to build a target again: the same model, without this package."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
import torch
from torch import nn

from inspector.engine.loading import Loaded, load, write_build
from inspector.records import Target

CODE = """
import torch
from torch import nn

class Net(nn.Module):
    def __init__(self, width=4):
        super().__init__()
        self.lin = nn.Linear(width, width)
    def forward(self, x):
        return self.lin(x)

def build(width=4):
    return Net(width), (torch.ones(1, width),)
"""
HUBCONF = CODE.replace("def build", "def entry").replace("return Net(width), (", "return Net(width), str((") + ")\n"


def run(lines: list[str]) -> nn.Module:
    space = {"torch": torch, "nn": nn, "sys": sys}
    torch.manual_seed(0)
    exec("\n".join(lines), space)
    model = space["model"]
    assert isinstance(model, nn.Module)
    return model


def check(target: Target) -> None:
    loaded = load(target)
    assert isinstance(loaded, Loaded)
    again = run(write_build(loaded.kind, target)).state_dict()
    assert list(again) == list(loaded.model.state_dict())
    assert all(torch.equal(tensor, again[name]) for name, tensor in loaded.model.state_dict().items())


@pytest.mark.parametrize("text", ["user_net.py:Net", "user_net.py::build", "user_net:Net", "user_net:build"])
def test_a_name_in_a_file_or_a_module(text: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "user_net.py").write_text(CODE)
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    check(Target(text, (("width", "6"),)))
    sys.modules.pop("user_net", None)


def test_a_file_alone_does_not_say_what_is_built(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "only.py").write_text(CODE.partition("def build")[0])
    assert write_build("python file", Target("only.py")) == []


def test_an_entry_of_a_hubconf(tmp_path: Path) -> None:
    (tmp_path / "hubconf.py").write_text(HUBCONF)
    check(Target(f"hub:{tmp_path}#entry", (("width", "3"),)))


@pytest.mark.parametrize("text", ["tv:squeezenet1_1", "squeezenet1_1"])
def test_a_name_of_torchvision(text: str) -> None:
    check(Target(text, (("num_classes", "7"),)))


def test_a_name_of_timm() -> None:
    pytest.importorskip("timm")
    check(Target("timm:test_resnet", (("num_classes", "7"),)))


@pytest.mark.parametrize("kind", ["weights", "transformers", "your model", "captured"])
def test_what_no_script_builds(kind: str) -> None:
    assert write_build(kind, Target("x")) == []
