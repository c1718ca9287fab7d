"""Real models are as they were once everything that was done to them is undone."""

from __future__ import annotations

import pytest

from inspector.engine.answers import answer
from inspector.engine.session import Session
from inspector.records import AddHook, DisableAll, EditParameters, Run, Target, Undo
from tests.fingerprint import fingerprint

FAMILIES = (
    "alexnet", "convnext_tiny", "densenet121", "efficientnet_b0", "fasterrcnn_mobilenet_v3_large_320_fpn", "googlenet",
    "inception_v3", "lraspp_mobilenet_v3_large", "maxvit_t", "mnasnet0_5", "mobilenet_v2", "mobilenet_v3_small",
    "quantized_mobilenet_v2", "r3d_18", "raft_small", "regnet_y_400mf", "resnet18", "resnext50_32x4d", "s3d",
    "shufflenet_v2_x0_5", "squeezenet1_1", "swin_t", "vgg11", "vit_b_32",
)  # fmt: skip
QUICK = ("mobilenet_v3_small", "shufflenet_v2_x0_5", "squeezenet1_1")

HOOKS = (
    "scale(1.5)", "noise(0.1, seed=1, on='input')", "clamp(-3, 3)", "dropout(0.2)", "scale(2, on='grad')",
    "scale(0.5, on='parameters', call=0)", "prune(0.5, on='output')", "rename('weight', 'w')",
)  # fmt: skip


@pytest.mark.parametrize(
    "name", [name if name in QUICK else pytest.param(name, marks=pytest.mark.slow) for name in FAMILIES]
)
def test_a_torchvision_model_is_as_before_after_undoing_everything(name: str) -> None:
    session = Session(lambda event: None)
    session.open(Target(name, observe=False))
    model = session.subject.tree.root
    before = fingerprint(model)
    session.observe(((),), subtree=True, on=True)
    for hook in HOOKS:
        answer(session, AddHook(1, "*", hook))
    packed = "quantized" in name  # its parameters are no parameters, and without training all it gives is zeros
    if not packed:
        answer(session, EditParameters(1, "*", "scale(1.01)"))
    summary = session.run(Run(1))
    assert summary.problem is None and summary.altering, summary.problem
    deltas = [row.delta for told in session.runner.last.list_calls(1) for row in told.rows if row.delta is not None]
    assert deltas and (packed or any(delta.rel_l2 for delta in deltas))
    answer(session, DisableAll(1))
    while any(not change.undone for change in session.subject.changes().changes):
        answer(session, Undo(1))
    assert fingerprint(model) == before
    session.close()
