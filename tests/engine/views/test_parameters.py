"""What the Parameters panel is told of parameters that are not tensors yet."""

from __future__ import annotations

from torch import nn

from inspector.engine.modules.tree import walk
from inspector.engine.views.parameters import parameters_of
from inspector.records import OtherValue, TensorValue


def test_a_lazy_parameter_is_no_scalar() -> None:
    weight, bias, own = parameters_of(walk(nn.Sequential(nn.LazyLinear(4), nn.PReLU())), (), 20).rows
    assert weight.value == bias.value == OtherValue("UninitializedParameter", "has no shape yet")
    assert isinstance(own.value, TensorValue) and own.value.shape == (1,)
