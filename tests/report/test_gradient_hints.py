"""Reports say of gradients what the panel says: in the tree and in JSON."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.documents import read_document

MODELS = """
import torch
from torch import nn
torch.manual_seed(0)
def tanh(): return nn.Sequential(*(part for _ in range(30) for part in (nn.Linear(64, 64), nn.Tanh())))
def large():
    model = nn.Sequential(*(nn.Linear(64, 64) for _ in range(30)))
    with torch.no_grad():
        for linear in model:
            linear.weight.mul_(3)
    return model
"""


def report(folder: Path, name: str, form: str, *options: str) -> str:
    (folder / "deep.py").write_text(MODELS)
    command = [sys.executable, "-m", "inspector", f"deep.py:{name}", "-i", "8x64", "--print", form, *options]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=200, check=True).stdout


@pytest.mark.parametrize(("name", "said"), [("tanh", "vanishing"), ("large", "exploding")])
def test_a_report_says_what_the_panel_says(name: str, said: str, tmp_path: Path) -> None:
    hints = read_document(report(tmp_path, name, "json", "--backward"))["hints"]
    texts = [hint["text"] for hint in hints if hint["kind"] == "gradients"]
    assert texts[0].startswith(f"gradients {said}: the gradient of the first of 30 layers is ")
    assert " of the last layer's, " in texts[0] or " times the last layer's, " in texts[0]
    assert len(texts) == (2 if name == "large" else 1)
    if name == "large":
        assert "in 30 modules far above the weights, most in " in texts[1]
        assert all(text in report(tmp_path, name, "tree", "--backward") for text in texts)


def test_a_configuration_says_from_which_on(tmp_path: Path) -> None:
    (tmp_path / "config.toml").write_text("[thresholds]\nexploding = 1e30\nvanishing = 1e30")
    for name in ("tanh", "large"):
        said = report(tmp_path, name, "json", "--backward", "--config", "config.toml")
        assert not [hint for hint in read_document(said)["hints"] if hint["kind"] == "gradients"]


def test_without_a_backward_pass_nothing_is_said_of_gradients(tmp_path: Path) -> None:
    assert "gradients" not in report(tmp_path, "tanh", "tree")
