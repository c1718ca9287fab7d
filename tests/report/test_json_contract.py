"""`--print json` against its contract: the schema, and more than a schema can say, for every toy
and for a real run."""

from __future__ import annotations

import copy
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from inspector.engine import session as session_module
from inspector.engine.values.summarize import Summarizer
from inspector.report.json_report import render_json
from inspector.report.json_values import value_to_json
from tests.documents import read_document
from tests.models import build, names
from tests.reports import make_report

ROOT = Path(__file__).parents[2]


def contract(found: Any) -> None:
    """What a schema cannot say of a report: how its parts go together."""
    assert found["torch"] == torch.__version__
    assert found["modules"][0]["path"] == "" and found["modules"][0]["parent"] is None
    assert found["model"]["modules"] == sum(row["alias_of"] is None for row in found["modules"])
    assert all(row["start"] < row["end"] for row in found["calls"])
    assert [row["end"] for row in found["calls"]] == sorted(row["end"] for row in found["calls"])
    numbers = sorted(n for row in found["calls"] for n in (row["start"], row["end"]))
    assert numbers == list(range(2 * len(found["calls"])))


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(session_module.gc, "collect", lambda: 0)


def reported(name: str) -> Any:
    """As `--print json` puts it together, without the processes."""
    model, args, kwargs = build(name)
    return read_document(render_json(make_report(model, args, kwargs, name)))


@pytest.mark.parametrize("name", names(without=("hostile", "big")))
def test_every_toy_keeps_the_contract(name: str) -> None:
    contract(reported(name))


def test_keyword_arguments() -> None:
    found = reported("kw_only")
    root = found["calls"][-1]
    assert root["inputs"] == [] and list(root["kwargs"]) == ["x", "scale", "flag"]
    assert root["kwargs"]["scale"] == {"kind": "scalar", "type": "float", "value": 2.0}


def test_containers() -> None:
    output = reported("out_dict")["output"]
    assert output["kind"] == "mapping" and list(output["items"]) == ["a", "nested", "3"]
    assert output["items"]["nested"]["kind"] == "list" and output["items"]["3"] == {"kind": "none"}
    assert reported("out_namedtuple")["output"]["kind"] == "tuple"
    many = reported("out_many")["output"]["items"]
    assert len(many) == 101 and many[-1] == {"kind": "other", "type": "…", "text": "99900 more"}


def test_what_is_not_finite() -> None:
    output = reported("out_nan_inf")["output"]
    assert (output["nan"], output["inf"], output["zeros"]) == (1, 2, 1)
    assert (output["min"], output["max"]) == (0.0, 1.0)
    assert reported("out_scalars")["output"]["items"][5] == {"kind": "scalar", "type": "float", "value": None}


FIGURES = ("min", "max", "mean", "std", "nan", "inf", "zeros")


def test_what_was_not_measured_is_null_and_never_0() -> None:
    output = reported("meta_model")["output"]
    assert [output[name] for name in FIGURES] == [None] * len(FIGURES) and output["shape"] and output["why"]
    shapes = value_to_json(Summarizer(statistics=False).describe_now(torch.zeros(2)))
    assert [shapes[name] for name in FIGURES] == [None] * len(FIGURES) and "why" not in shapes
    measured = value_to_json(Summarizer().describe_now(torch.zeros(2)))
    assert [measured[name] for name in FIGURES] == [0.0, 0.0, 0.0, 0.0, 0, 0, 2] and "why" not in measured


def test_an_error_keeps_the_calls_before_it() -> None:
    found = reported("raises_midway")
    assert [(row["path"], row["status"]) for row in found["calls"]] == [
        ("a", "ok"), ("bad.0", "raised"), ("bad", "raised"), ("", "raised"),
    ]  # fmt: skip
    assert found["error"]["type"] == "RuntimeError" and found["error"]["path"] == "bad.0"
    assert not found["error"]["message"].startswith("RuntimeError")
    assert found["output"] == {"kind": "none"}
    left = reported("raises_system_exit")
    assert [row["status"] for row in left["calls"]] == ["ok", "unfinished"] and left["error"]["type"] == "SystemExit"


def test_aliases() -> None:
    rows = {row["path"]: row for row in reported("two_names")["modules"]}
    assert rows["2"]["alias_of"] == "0" and rows["2"]["calls"] == rows["0"]["calls"] == 2


def test_sources_and_sites_are_places_in_files() -> None:
    found = reported("shared_relu")
    rows = {row["path"]: row for row in found["modules"]}
    lines = Path(rows[""]["source"]["file"]).read_text().splitlines()
    assert lines[rows[""]["source"]["line"] - 1] == "class SharedRelu(nn.Module):"
    site = found["calls"][0]["site"]
    assert "self.relu(self.b(self.relu(self.a(x))))" in lines[site["line"] - 1]
    assert found["calls"][-1]["site"] is None


def test_resnet18_from_the_command_line() -> None:
    command = [sys.executable, "-m", "inspector", "resnet18", "--print", "json", "-i", "1x3x64x64"]
    ran = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, timeout=200, stdin=subprocess.DEVNULL)
    assert ran.returncode == 0, ran.stderr
    found = read_document(ran.stdout)
    contract(found)
    assert found["model"] == {
        "class": "ResNet", "modules": 68, "parameters": 11_689_512, "trainable": 11_689_512, "buffers": 60,
        "bytes": 46_796_608,
    }  # fmt: skip
    assert [row["path"] for row in found["calls"]][:4] == ["conv1", "bn1", "relu", "maxpool"]
    assert len(found["calls"]) == 76 and found["calls"][-1]["path"] == ""
    assert found["calls"][4]["site"]["file"].endswith("resnet.py")
    assert found["output"]["shape"] == [1, 1000] and found["error"] is None


def train(model: nn.Module, x: torch.Tensor) -> tuple[float, dict[str, torch.Tensor], dict[str, torch.Tensor]]:
    """By hand: the loss, the gradients of the parameters and of the outputs."""
    outputs: dict[str, torch.Tensor] = {}
    for name, module in model.named_modules():
        module.register_forward_hook(lambda module, args, output, name=name: outputs.__setitem__(name, output))
    output = model(x)
    for each in outputs.values():
        each.retain_grad()
    loss = output.mean()
    loss.backward()
    parameters = {name: parameter.grad for name, parameter in model.named_parameters() if parameter.grad is not None}
    return loss.item(), parameters, {name: each.grad for name, each in outputs.items() if each.grad is not None}


def same(found: Any, gradient: torch.Tensor) -> bool:
    expected = [gradient.min(), gradient.max(), gradient.mean(), gradient.std(correction=0)]
    figures = torch.tensor([found[name] for name in ("min", "max", "mean", "std")])
    return found["shape"] == list(gradient.shape) and torch.allclose(figures, torch.stack(expected))


def test_loss_and_gradients_are_those_of_a_backward_pass_by_hand() -> None:
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(4, 8), nn.Tanh(), nn.Linear(8, 2))
    model[2].bias.requires_grad_(False)
    x = torch.randn(3, 4)
    loss, parameters, outputs = train(copy.deepcopy(model), x)
    found = read_document(render_json(make_report(model, (x,), backward=True)))
    assert found["loss"] == pytest.approx(loss, rel=1e-6) and found["batches"] == 1
    assert list(found["gradients"]) == ["0.weight", "0.bias", "2.weight"] == list(parameters)
    assert all(same(found["gradients"][name], gradient) for name, gradient in parameters.items())
    for call in found["calls"]:
        (gradient,) = call["gradients"]
        assert same(gradient, outputs[call["path"]])
    assert all(parameter.grad is None for parameter in model.parameters())


def test_without_a_backward_pass_there_is_no_gradient() -> None:
    found = reported("mlp")
    assert (found["loss"], found["batches"], found["gradients"]) == (None, 1, {})
    assert all(call["gradients"] == [] and call["recomputed"] is False for call in found["calls"])


def test_what_a_pass_changed_is_a_hint() -> None:
    hints = reported("batchnorm_train")["hints"]
    assert any(hint["kind"] == "restored" and "running_mean" in hint["text"] for hint in hints)
