"""Parameters that quantized modules keep packed, in objects of C++ that are no tensors."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator

import torch
from torch import Tensor, nn

from ...text import encodable
from ..source.running import variables

_CLASSES = ("__torch__.torch.classes.quantized.", "__torch__.torch.classes.rnn.")
"""torch's own. What anybody else's object does when it is asked is not known."""
_DEEPEST = 8
_PLAIN = frozenset(map(id, (bool, int, float, str, type(None), dict, OrderedDict, set, list, tuple)))
"""Classes of the most of what a module holds, told at a glance where there may be 100,000 modules."""


def packed_parameters(module: nn.Module) -> Iterator[tuple[str, Tensor]]:
    """Copies of what a module itself keeps packed, by names such as `_packed_params.weight`."""
    attributes = variables(module)
    if _PLAIN.issuperset(map(id, map(type, attributes.values()))):
        return
    for key, held in attributes.items():
        if issubclass(type(held), torch.ScriptObject) and _class_of(held).startswith(_CLASSES):
            yield from ((encodable(f"{key}.{name}", 200), tensor) for name, tensor in _unpack(held, 0))


def _class_of(held: torch.ScriptObject) -> str:
    return str(held._type())


def _unpack(held: torch.ScriptObject, depth: int) -> Iterator[tuple[str, Tensor]]:
    """Weight and bias, else what is in its state: what it would be saved as."""
    if "unpack" in held._method_names():  # type: ignore[attr-defined]  # of C++, where no types are
        unpacked = held.unpack()  # type: ignore[attr-defined]  # as above
        parts = (unpacked,) if isinstance(unpacked, Tensor) else unpacked
        yield from ((n, part) for n, part in zip(("weight", "bias"), parts, strict=False) if isinstance(part, Tensor))
    elif depth < _DEEPEST:
        yield from _unpack_state(list(_leaves(held.__getstate__())), depth)  # type: ignore[attr-defined]  # as above


def _unpack_state(leaves: list[object], depth: int) -> Iterator[tuple[str, Tensor]]:
    """Of the objects in it. The tensors beside them are the biases that those hold as well."""
    objects = [leaf for leaf in leaves if isinstance(leaf, torch.ScriptObject)]
    for number, held in enumerate(objects):
        yield from ((f"{number}.{name}", tensor) for name, tensor in _unpack(held, depth + 1))
    if not objects:
        yield from ((str(number), leaf) for number, leaf in enumerate(leaves) if isinstance(leaf, Tensor))


def _leaves(state: object) -> Iterator[object]:
    if isinstance(state, tuple | list):
        for item in state:
            yield from _leaves(item)
    else:
        yield state


def packed_size(tensor: Tensor) -> tuple[int, int]:
    """Elements and bytes; several small elements may share a byte."""
    return tensor.numel(), min(tensor.numel() * tensor.element_size(), tensor.untyped_storage().nbytes())
