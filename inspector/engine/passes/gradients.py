"""The gradients that a backward pass left on the parameters, described before they are put back."""

from __future__ import annotations

from torch.nn.parameter import is_lazy

from ...records import TensorValue, Value
from ...text import encodable
from ..modules.tree import ModuleTree, own_tensors
from ..modules.weight_tree import join_name
from ..values.summarize import Summarizer

MEASURED = 50_000_000
"""Elements from which on a model's gradients are described by their shapes alone."""


def describe_gradients(tree: ModuleTree) -> dict[str, TensorValue]:
    """Of each parameter that has one, by its full name. A parameter that several modules share comes under its first
    name."""
    found = {}
    seen: set[int] = set()
    for node in tree.objects():
        for name, parameter in own_tensors(node.module, "_parameters"):
            if id(parameter) not in seen and not is_lazy(parameter) and parameter.is_leaf:
                seen.add(id(parameter))
                if parameter.grad is not None:
                    found[encodable(join_name(tree.paths[node.index], name), 1_000)] = parameter.grad
    summarizer = Summarizer(sum(gradient.numel() for gradient in found.values()) <= MEASURED)
    described: dict[str, Value] = {name: summarizer.describe(gradient) for name, gradient in found.items()}
    summarizer.resolve()
    return {name: value for name, value in described.items() if isinstance(value, TensorValue)}
