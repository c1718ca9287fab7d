"""Parameters that quantized modules keep packed are counted as those of the modules they were made from."""

from __future__ import annotations

import warnings

import pytest
import torch
from torch import nn

from inspector.engine.modules.holdings import Holdings
from inspector.engine.modules.packed import packed_parameters
from inspector.engine.modules.tree import walk
from inspector.engine.views.parameters import parameters_of
from inspector.report.json_report import render_json
from tests.documents import read_document
from tests.reports import make_report

quantization = torch.ao.quantization


@pytest.fixture(autouse=True)
def quiet() -> object:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # torch says that it will leave these modules to torchao
        yield


def sizes(model: nn.Module) -> tuple[int, int]:
    """Elements, and bytes with one for each element of a weight and four for each of a bias."""
    held = dict(model.named_parameters())
    weights = sum(p.numel() for name, p in held.items() if "weight" in name)
    biases = sum(p.numel() for name, p in held.items() if "bias" in name)
    return weights + biases, weights + 4 * biases


def buffer_bytes(model: nn.Module) -> int:
    """Of scales and zero points."""
    return sum(buffer.numel() * buffer.element_size() for buffer in model.buffers())


LAYERS = (nn.Linear(4, 8), nn.Linear(4, 8, bias=False), nn.LSTM(8, 5, 2), nn.GRU(4, 4), nn.GRUCell(3, 2))


@pytest.mark.parametrize("layer", LAYERS)
def test_dynamic_ones_hold_what_the_float_ones_did(layer: nn.Module) -> None:
    kinds = {nn.Linear, nn.LSTM, nn.GRU, nn.GRUCell}
    model = quantization.quantize_dynamic(nn.Sequential(layer, nn.ReLU()), kinds)
    held = Holdings(walk(model))
    assert (held.parameters[0], held.nbytes[0] - buffer_bytes(model)) == sizes(layer)
    assert sum(held.own_parameters) == held.parameters[0] and held.own_parameters[0] == 0


def test_static_ones_and_what_is_fused() -> None:
    model = nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU(), nn.Flatten(), nn.Linear(4 * 36, 2)).eval()
    whole = nn.Sequential(quantization.QuantStub(), *model, quantization.DeQuantStub()).eval()
    whole = quantization.fuse_modules(whole, [["1", "2"]])
    whole.qconfig = quantization.default_qconfig
    ready = quantization.prepare(whole)
    ready(torch.randn(1, 3, 8, 8))
    converted = quantization.convert(ready)
    found = read_document(render_json(make_report(converted, (torch.randn(1, 3, 8, 8),))))
    rows = {row["path"]: row for row in found["modules"]}
    conv, linear = converted[1], converted[4]
    assert rows["1"]["own_parameters"] == conv.weight().numel() + conv.bias().numel() == 3 * 4 * 9 + 4
    assert rows["4"]["parameters"] == linear.weight().numel() + linear.bias().numel()
    assert found["model"]["parameters"] == sizes(model)[0] and found["model"]["trainable"] == 0
    assert found["model"]["bytes"] == sizes(model)[1] + buffer_bytes(converted)


def test_small_elements_share_bytes() -> None:
    model = nn.Sequential(nn.EmbeddingBag(10, 4))
    model.qconfig = quantization.float_qparams_weight_only_qconfig_4bit
    held = Holdings(walk(quantization.convert(quantization.prepare(model))))
    assert (held.parameters[0], held.nbytes[0]) == (40, 20)


def test_they_are_listed_with_their_values() -> None:
    model = quantization.quantize_dynamic(nn.Sequential(nn.Linear(4, 8)), {nn.Linear})
    shown = {row.name: row for row in parameters_of(walk(model), ("0",), 20).rows}
    weight = shown["_packed_params._packed_params.weight"]
    assert weight.value.shape == (8, 4) and weight.value.dtype == "qint8" and not weight.trainable
    dense = model[0].weight().dequantize()
    assert weight.value.statistics.max == pytest.approx(dense.max().item())
    assert weight.value.statistics.of == "dequantized values"


def test_other_modules_have_none() -> None:
    holder = nn.Linear(2, 2)
    holder.table = object()
    assert list(packed_parameters(holder)) == []
