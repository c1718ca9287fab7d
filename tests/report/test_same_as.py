"""What comes again in a large value is referred to, and a reader that follows the references has everything."""

from __future__ import annotations

import json
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from inspector.report import json_report
from inspector.report.json_report import render_json
from inspector.report.json_values import MANY, value_to_json
from tests.documents import read_document
from tests.reports import make_report


class Layer(nn.Module):
    def forward(self, x: Tensor, number: int, past: Any) -> tuple[Tensor, Any]:
        past.layers[number].keys = torch.cat([past.layers[number].keys, x])
        return x + 1, {"a/b~": past, 3: past, "3": past}


class Decoder(nn.Module):
    def __init__(self, layers: int) -> None:
        super().__init__()
        self.layers = nn.ModuleList(Layer() for _ in range(layers))

    def forward(self, x: Tensor) -> Any:
        past = SimpleNamespace(
            layers=[SimpleNamespace(keys=x + number, values=x) for number in range(len(self.layers))]
        )
        for number, layer in enumerate(self.layers):
            x, _ = layer(x, number=number, past=past)
        return x, past


def report_on(layers: int) -> Any:
    return make_report(Decoder(layers), (torch.arange(4.0),), {}, "decoder")


def whole(monkeypatch: pytest.MonkeyPatch, report: Any) -> Any:
    with monkeypatch.context() as patched:
        patched.setattr(json_report.JsonValues, "write", lambda self, value, place: value_to_json(value))
        return read_document(render_json(report))


def find(document: Any, pointer: str) -> Any:
    for step in pointer.split("/")[1:]:
        key = step.replace("~1", "/").replace("~0", "~")
        document = document[int(key) if isinstance(document, list) else key]
    return document


def resolve(document: Any, part: Any) -> Any:
    if isinstance(part, list):
        return [resolve(document, each) for each in part]
    if not isinstance(part, dict):
        return part
    if "same_as" in part:
        found = find(document, part["same_as"])
        assert "items" in found and (found["kind"], found["type"]) == (part["kind"], part["type"])
        return resolve(document, found)
    return {key: resolve(document, each) for key, each in part.items()}


def test_resolved_it_says_all_that_is_said_without_references(monkeypatch: pytest.MonkeyPatch) -> None:
    report = report_on(MANY)
    text = render_json(report)
    document, full = read_document(text), whole(monkeypatch, report)
    assert len(text) < len(json.dumps(full)) / 6
    assert resolve(document, document) == full
    past = document["calls"][0]["output"]["items"][1]["items"]["a/b~"]
    layers = past["items"]["layers"]["items"]
    assert ["same_as" in layer for layer in layers] == [number != 0 for number in range(MANY)]


def test_small_values_are_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    report = report_on(2)
    assert '"same_as"' not in render_json(report)
    assert read_document(render_json(report)) == whole(monkeypatch, report)
