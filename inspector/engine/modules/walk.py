"""Modules and tensors of a model, walked by identity: `named_modules` fails on odd keys and recurses on deep nests."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TypeGuard

import torch
from torch import nn

from ..source.running import variables


def modules_of(model: nn.Module) -> Iterator[nn.Module]:
    """Every module once, parents before children, in the order of definition."""
    seen: set[int] = set()
    pending = [model]
    while pending:
        module = pending.pop()
        if id(module) in seen:
            continue
        seen.add(id(module))
        yield module
        pending.extend(reversed(children_of(module)))


def children_of(module: nn.Module) -> list[nn.Module]:
    return [child for child in module._modules.values() if is_module(child)]


def is_module(value: object) -> TypeGuard[nn.Module]:
    """Whether it is one, or stands for one as a proxy does; an object may say of its class what it likes."""
    kind = type(value)
    return issubclass(kind, nn.Module) or (isinstance(value, nn.Module) and "_parameters" in variables(value))


def tensors_of(model: nn.Module) -> Iterator[torch.Tensor]:
    """Parameters and buffers, module by module; a tied one comes as often as it is tied."""
    for module in modules_of(model):
        for store in (module._parameters, module._buffers):
            yield from (tensor for tensor in store.values() if is_tensor(tensor))


def is_tensor(value: object) -> TypeGuard[torch.Tensor]:
    """Whether it is one, whatever it says of its class."""
    return issubclass(type(value), torch.Tensor)


def first_tensor(model: nn.Module) -> torch.Tensor | None:
    return next(tensors_of(model), None)


def first_floating(model: nn.Module) -> torch.Tensor | None:
    return next((tensor for tensor in tensors_of(model) if tensor.is_floating_point()), None)


def embedding_rows(model: nn.Module) -> int:
    """An index below this is valid for every embedding of the model; 10 where there is none."""
    tables = (module for module in modules_of(model) if isinstance(module, (nn.Embedding, nn.EmbeddingBag)))
    return max(1, min((table.num_embeddings for table in tables), default=10))


def own_objects(model: nn.Module) -> dict[int, object]:
    """The modules of a model, its parameters and its buffers by their `id`."""
    held: dict[int, object] = {id(module): module for module in modules_of(model)}
    held.update((id(tensor), tensor) for tensor in tensors_of(model))
    return held
