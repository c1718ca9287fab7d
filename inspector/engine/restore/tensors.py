"""Every tensor that a model holds, and what each is called."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor, nn

from ...text import encodable
from ..modules.tree import ModuleTree, own_tensors
from . import containers
from .modules import HELD


def tensors_of(tree: ModuleTree) -> Iterator[tuple[str, Tensor]]:
    """Every tensor of the model by its dotted name, each once: parameters, buffers, and those in plain attributes."""
    seen: set[int] = set()
    for node in tree.objects():
        if isinstance(node.module, torch.jit.ScriptModule):
            continue  # every look makes a new Python tensor; the storage is what counts, and _script_tensors has it
        for name, tensor in _held_tensors(node.module):
            if id(tensor) not in seen:
                seen.add(id(tensor))
                yield ".".join((*tree.paths[node.index], name)), tensor
    yield from _script_tensors(tree)


def _held_tensors(module: nn.Module) -> Iterator[tuple[str, Tensor]]:
    for which in ("_parameters", "_buffers"):
        yield from own_tensors(module, which)
    for key, value in list(vars(module).items()):
        if issubclass(type(value), Tensor):
            yield encodable(key), value
        elif key not in HELD and containers.is_plain(value):
            inside = (item for found in containers.containers_in(value) for item in containers.items_of(found))
            yield from ((f"{encodable(key)}[…]", item) for item in inside if issubclass(type(item), Tensor))


def _script_tensors(tree: ModuleTree) -> Iterator[tuple[str, Tensor]]:
    """The parameters and buffers of the outermost ScriptModules, which list those of their children too."""
    for node in tree.objects():
        above = tree.nodes[node.parent].module if node.parent >= 0 else None
        if isinstance(node.module, torch.jit.ScriptModule) and not isinstance(above, torch.jit.ScriptModule):
            prefix = ".".join(tree.paths[node.index])
            for name, tensor in (*node.module.named_parameters(), *node.module.named_buffers()):
                yield f"{prefix}.{name}" if prefix else name, tensor
