"""The proof that a session left everything as it was: what a model and its process are now, for comparing with `==`.

Used by tests, and free of side effects.
"""

from __future__ import annotations

from collections import OrderedDict
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.parameter import is_lazy

from inspector.engine.modules.tree import named_children, walk
from inspector.engine.restore.bits import real_elements
from inspector.engine.restore.kinds.modules import HELD
from inspector.engine.restore.process.random_states import random_states
from inspector.engine.restore.process.state import SETTINGS
from inspector.engine.restore.reach import tensors_of
from inspector.engine.torch_hooks.dicts import PROCESS, TENSOR_KINDS, Owner, dicts_of, hook_dict
from inspector.engine.values.unwrap import is_freed


def fingerprint(model: nn.Module) -> dict[str, Any]:
    """Tensors by identity, place, version, flags and their bytes; hook dicts with their order, of tensors and of the
    process too; plain attributes by identity, containers and generators by content; random states and settings."""
    tree = walk(model)
    found: dict[str, Any] = {"random": _exact(random_states())}
    found.update({f"setting {setting.name}": setting.read() for setting in SETTINGS if not setting.grows})
    for owner, kinds in PROCESS:
        flags = [vars(owner).get(kind.full) for kind in kinds if kind.full]
        found[f"hooks {owner.__name__}"] = flags, _hooks(owner, dicts_of(kinds))
    with torch._C.DisableTorchFunctionSubclass():
        for name, tensor in tensors_of(tree):
            found[f"tensor {name}"] = _tensor_print(tensor)
    for node in tree.objects():
        found[f"module {'.'.join(tree.paths[node.index])}"] = _module_print(node.module)
    return found


def _tensor_print(tensor: Tensor) -> tuple[Any, ...]:
    if is_lazy(tensor) or tensor.is_meta or is_freed(tensor):
        return type(tensor), tensor.requires_grad
    gradient = None if not tensor.is_leaf or tensor.grad is None else (id(tensor.grad), *_tensor_print(tensor.grad))
    version = None if tensor.is_inference() else tensor._version
    hooks = _hooks(tensor, dicts_of(TENSOR_KINDS))
    return type(tensor), tensor.requires_grad, version, hooks, *_contents(tensor.detach()), gradient


def _hooks(owner: Owner, attributes: tuple[str, ...]) -> list[list[tuple[int, int]]]:
    return [[(hook_id, id(hook)) for hook_id, hook in hook_dict(owner, name).items()] for name in attributes]


def _contents(tensor: Tensor) -> tuple[Any, ...]:
    if tensor.is_quantized:
        tensor = tensor.int_repr()
    if tensor.layout is not torch.strided:
        return tuple(tensor.shape), tensor.dtype, _bytes(tensor.to_dense())
    place = tensor.data_ptr(), tuple(tensor.shape), tensor.stride()
    return *place, tensor.dtype, _bytes(real_elements(tensor))


def _bytes(tensor: Tensor) -> int:
    dense = tensor.cpu().clone(memory_format=torch.contiguous_format)
    return hash(dense.reshape(-1).view(torch.uint8).numpy().tobytes())


def _module_print(module: nn.Module) -> dict[str, Any]:
    attributes = vars(module)
    children = [(name, id(child)) for name, child in named_children(module)]
    found: dict[str, Any] = {"class": type(module), "keys": tuple(attributes), "children": children}
    for key, value in attributes.items():
        if key in HELD and hasattr(value, "items"):
            found[key] = id(value), [(name, id(held)) for name, held in value.items()]
        elif type(value) is torch.Generator:
            found[key] = _exact(value.get_state())
        else:
            found[key] = id(value), _contents_of(value)
    return found


def _contents_of(value: Any) -> list[Any]:
    """The containers inside it, each once, by the identity of what they hold."""
    found: dict[int, Any] = {}
    pending = [value]
    while pending:
        value = pending.pop()
        builtin = next((each for each in _BUILTINS if issubclass(type(value), each)), None)
        if builtin is None or id(value) in found:
            continue
        pairs = list(builtin.items(value) if issubclass(builtin, dict) else enumerate(builtin.__iter__(value)))
        ids = [id(item) for _, item in pairs]
        found[id(value)] = (
            sorted(ids) if builtin is set else (ids, [id(key) for key, _ in pairs if not isinstance(key, int)])
        )
        pending += [item for _, item in pairs]
    return list(found.items())


_BUILTINS: tuple[Any, ...] = (OrderedDict, dict, list, set, tuple)


def _exact(value: Any) -> Any:
    """In full: what tensors and arrays print is abridged."""
    if isinstance(value, Tensor):
        return value.cpu().numpy().tobytes()
    if isinstance(value, dict):
        return {key: _exact(item) for key, item in value.items()}
    if isinstance(value, tuple | list):
        return tuple(_exact(item) for item in value)
    return value.tobytes() if hasattr(value, "tobytes") else value
