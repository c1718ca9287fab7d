"""Real models, and what is known of them: modules, calls and modules without a call, all without the root."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
import torchvision
from torch import nn
from torch.nn.utils import parametrizations

from inspector.engine.session import Session
from inspector.records import MappingValue, SequenceValue
from inspector.records.badges import has_badge

Built = tuple[nn.Module, tuple[Any, ...], dict[str, Any]]


def resnet18() -> Built:
    return torchvision.models.resnet18(), (torch.randn(1, 3, 224, 224),), {}


def parametrized_resnet18() -> Built:
    model, args, _ = resnet18()
    for block in model.layer1:  # type: ignore[union-attr]
        parametrizations.weight_norm(block.conv1)
        parametrizations.weight_norm(block.conv2)
    parametrizations.spectral_norm(model.fc)  # type: ignore[arg-type]
    return model, args, {}


def faster_rcnn() -> Built:
    model = torchvision.models.detection.fasterrcnn_mobilenet_v3_large_320_fpn(weights=None, weights_backbone=None)
    return model.eval(), ([torch.rand(3, 320, 320)],), {}


def raft_small() -> Built:
    images = torch.randn(1, 3, 128, 128), torch.randn(1, 3, 128, 128)
    return torchvision.models.optical_flow.raft_small(weights=None).eval(), images, {"num_flow_updates": 12}


def transformer_encoder() -> Built:
    layer = nn.TransformerEncoderLayer(64, 4, 128, batch_first=True)
    return nn.TransformerEncoder(layer, 3).eval(), (torch.randn(2, 10, 64),), {}


KNOWN: list[tuple[Callable[[], Built], int, int, int]] = [
    (resnet18, 67, 75, 0),
    (parametrized_resnet18, 82, 85, 5),
    (faster_rcnn, 279, 289, 2),
    (raft_small, 210, 473, 1),
    (transformer_encoder, 31, 27, 4),
]


SLOW = (parametrized_resnet18, faster_rcnn, raft_small)


@pytest.fixture(
    params=[
        pytest.param(known, id=known[0].__name__, marks=[pytest.mark.slow] if known[0] in SLOW else [])
        for known in KNOWN
    ]
)
def ran(request: pytest.FixtureRequest) -> Any:
    build, *counts = request.param
    torch.manual_seed(0)
    model, args, kwargs = build()
    session = Session(lambda event: None)
    with torch.no_grad():
        session.adopt(model, args, kwargs, build.__name__)
    yield build.__name__, session, session.run(), counts
    session.close()


def test_modules_calls_and_what_was_not_called(ran: Any) -> None:
    name, session, ended, (modules, calls, uncalled) = ran
    assert ended.problem is None and not ended.not_restored
    called = {call.index for call in session.runner.last.calls}
    silent = [row for row in session.subject.rows if row.alias_of < 0 and row.index not in called]
    assert (session.subject.info.modules - 1, ended.calls - 1, len(silent)) == (modules, calls, uncalled)
    parts = [
        ".".join(session.subject.tree.paths[row.index]) for row in silent if not has_badge(row.badges, "no forward")
    ]
    assert parts == [f"layers.{i}.self_attn.out_proj" for i in range(3)] * (name == "transformer_encoder")
    assert ended.unobserved == (4 if name == "transformer_encoder" else None)
    _check_values(name, session, ended)


def _check_values(name: str, session: Session, ended: Any) -> None:
    """What naive tools get wrong of each."""
    if name == "resnet18":
        assert sum(1 for row in session.subject.rows if len(session.runner.last.of(row.index)) == 2) == 8
        seen = session.calls_of(("bn1",)).calls[0].output
        assert seen.statistics.min < -1, "as it was before the relu wrote over it"  # type: ignore[union-attr]
    elif name == "faster_rcnn":
        output, given = ended.output, session.runner.last.details(session.runner.last.calls[-1:])[0].inputs[0]
        assert isinstance(given, SequenceValue) and isinstance(output, SequenceValue)
        assert isinstance(output.items[0], MappingValue) and output.items[0].keys == ("boxes", "labels", "scores")
    elif name == "raft_small":
        assert isinstance(ended.output, SequenceValue) and ended.output.length == 12
        root = session.runner.last.details(session.runner.last.calls[-1:])[0]
        assert len(root.inputs) == 2 and root.kwargs.keys == ("num_flow_updates",)
    elif name == "parametrized_resnet18":
        assert session.queries.source(("fc",), "class").notes, "a generated class is said to be one"
