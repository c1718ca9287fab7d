"""The first bad value is named with its module, call and line, and nothing is said of models that are fine."""

from __future__ import annotations

import sys

import pytest
import torch

from inspector.engine.hooks.steps import StepCounter
from inspector.engine.inputs.sample import sample_from_values
from inspector.engine.modules.tree import walk
from inspector.engine.passes.training import loss_of
from inspector.engine.restore.backup import TensorBackup
from inspector.engine.tracing.search import FirstBadSearch
from inspector.records import FirstBadValue

from .faults import FAULTS, Fault, line_of


def search(fault: Fault) -> FirstBadValue:
    torch.manual_seed(0)
    model, args = fault.make()
    tree, steps = walk(model), StepCounter()
    sample = sample_from_values(args, {})
    loss = loss_of(fault.loss) if fault.backward else None
    before = {name: tensor.clone() for name, tensor in model.state_dict().items()}

    def call(copy):
        steps.begin()
        return model(*copy.args, **copy.kwargs)

    found = FirstBadSearch(tree, TensorBackup(tree), sample, call, steps, seed=0, loss=loss)
    outcome = found.run()
    assert outcome.error is None, outcome.error
    for name, tensor in model.state_dict().items():
        torch.testing.assert_close(tensor, before[name], equal_nan=True, rtol=0, atol=0)
    assert all(parameter.grad is None for parameter in model.parameters())
    return found.answer(1, False)


@pytest.mark.parametrize("name", FAULTS)
def test_the_first_bad_value(name: str) -> None:
    where, fault = FAULTS[name]
    answer = search(fault)
    assert answer.found
    assert (answer.phase, ".".join(answer.path), answer.call) == (fault.phase, fault.path, fault.call), answer
    if where is not None:
        assert answer.place is not None and (answer.place.file, answer.place.line) == (
            sys.modules[search.__module__.rpartition(".")[0] + ".faults"].__file__,
            line_of(where),
        )
        if sys.version_info >= (3, 11):
            assert fault.expression in answer.place.expression
    assert fault.says in answer.explanation
