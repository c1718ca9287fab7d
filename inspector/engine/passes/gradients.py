"""The gradients that a backward pass left on the parameters, described before they are put back."""

from __future__ import annotations

import math
from collections.abc import Iterator

import torch
from torch import Tensor, nn
from torch.nn.parameter import is_lazy

from ...records import TensorValue, Value
from ...text import encodable
from ..modules.tree import ModuleTree, Node, own_tensors
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


def forget_gradients(tree: ModuleTree) -> None:
    """Those of an earlier backward pass, to which torch would add. Where they are the caller's, the guard of the pass
    puts them back."""
    for node in tree.objects():
        for _, parameter in own_tensors(node.module, "_parameters"):
            if parameter.is_leaf and not is_lazy(parameter) and parameter.grad is not None:
                parameter.grad = None


def compare_with_weights(tree: ModuleTree) -> dict[int, float]:
    """How large the gradients of each node's own weights are, as a multiple of the weights; of several the largest.

    Weights have two and more dimensions: biases and the like begin at zero or one, and are no scale. None are measured
    where a model has more elements than `MEASURED`.
    """
    found = [(node.index, weight, gradient) for node in tree.objects() for weight, gradient in _weights(node)]
    if not found or sum(weight.numel() for _, weight, _ in found) > MEASURED:
        return {}
    norms = torch.stack([_norm(part) for _, *both in found for part in both]).tolist()
    ratios: dict[int, float] = {}
    for (index, _, _), weight, gradient in zip(found, norms[::2], norms[1::2], strict=True):
        if weight and not math.isnan(gradient):
            ratios[index] = max(ratios.get(index, 0.0), gradient / weight)
    return ratios


def _weights(node: Node) -> Iterator[tuple[Tensor, Tensor]]:
    """With their gradients; those of other classes of tensors may refuse to be measured."""
    for _, weight in own_tensors(node.module, "_parameters"):
        if is_lazy(weight) or type(weight) is not nn.Parameter or not weight.is_leaf:
            continue
        gradient = weight.grad
        if type(gradient) is Tensor and gradient.layout is torch.strided and not gradient.is_meta and weight.dim() > 1:
            yield weight, gradient


def _norm(tensor: Tensor) -> Tensor:
    norm: Tensor = torch.linalg.vector_norm(tensor.detach())
    return norm.float().cpu()
