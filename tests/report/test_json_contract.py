"""`--print json` against its contract: the schema, and more than a schema can say, for every toy
and for a real run."""

from __future__ import annotations

import subprocess
import sys
import warnings
from pathlib import Path
from typing import Any

import pytest
import torch

from inspector.engine import session as session_module
from inspector.engine.session import Session
from inspector.engine.values.summarize import Summarizer
from inspector.records import Run
from inspector.report.collector import Collector
from inspector.report.json_report import render_json
from inspector.report.json_values import value_to_json
from tests.documents import read_document
from tests.models import build, names

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
    collector = Collector()
    model, args, kwargs = build(name)
    session = Session(collector.take)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        collector.take(session.adopt(model, args, kwargs, name))
        session.announce()
        summary = session.run(Run(session.generation, materialize=True))
    details, places = session.queries.trace(0, len(collector.calls)).calls, session.queries.locations().rows
    report = collector.report(summary, summary.problem, details, places)
    session.close()
    return read_document(render_json(report))


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
