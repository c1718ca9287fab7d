"""The model as it was before a pass, put back after it, bit for bit, and only where something changed.

`Keep` holds one copy of every parameter, buffer and gradient for the whole session (within a budget), because a write
through `.data` moves no version counter and can be found only by comparing. `Snapshot` is taken before each pass: what
every module holds by identity, plain containers by content. Nothing here asks a module for an attribute: reading a
parametrized weight computes it and may change buffers.
"""

from __future__ import annotations

import operator
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.parameter import is_lazy

from ..text import encodable
from .hooks.kinds import DICTS
from .modules import ModuleTree, named_children, own_tensors, size_of, walk
from .process import ProcessState

BUDGET = 4 << 30
"""Bytes of tensors copied at most; a larger model is watched by version counters and cannot be put back."""

_HELD = ("_parameters", "_buffers", "_modules", *DICTS)
_CONTAINER_ITEMS = 10_000
_CONTAINER_DEPTH = 4


# ---------------------------------------------------------------- tensors


@dataclass
class _KeptTensor:
    """One parameter, buffer or gradient. `alias` shares its storage; `copy` is None past the budget."""

    name: str
    tensor: Tensor
    cls: type
    alias: Tensor | None
    copy: Tensor | None
    version: int
    requires_grad: bool
    gradient: Tensor | None

    @classmethod
    def of(cls, name: str, tensor: Tensor, copied: bool) -> _KeptTensor:
        lazy = is_lazy(tensor)
        plain = not lazy and not tensor.is_meta
        alias = tensor.detach() if plain else None
        copy = alias.clone() if copied and alias is not None else None
        version = 0 if tensor.is_inference() else tensor._version
        gradient = tensor.grad if tensor.is_leaf and not lazy else None
        return cls(name, tensor, type(tensor), alias, copy, version, tensor.requires_grad, gradient)

    def restore(self) -> Iterator[str]:
        """Put back class, storage, contents, version and flags; yields what had changed."""
        tensor = self.tensor
        if type(tensor) is not self.cls:  # a lazy parameter that was materialised
            tensor.data = torch.empty(0, dtype=tensor.dtype, device=tensor.device)
            tensor.__class__ = self.cls
            yield "materialised"
        if self.alias is not None and not _same_place(tensor, self.alias):
            tensor.data = self.alias
            yield "storage"
        if self.alias is not None and self.copy is not None and not same_bits(self.alias, self.copy):
            with torch.no_grad():
                self.alias.copy_(self.copy)
            yield "values"
        if not tensor.is_inference() and tensor._version != self.version:
            _set_version(tensor, self.version)
            if self.copy is None and self.alias is not None:
                yield "values (too large to put back)"
        if tensor.requires_grad != self.requires_grad:
            tensor.requires_grad_(self.requires_grad)
            yield "requires_grad"
        if tensor.is_leaf and tensor.grad is not self.gradient:
            tensor.grad = self.gradient
            yield "grad"


def _same_place(a: Tensor, b: Tensor) -> bool:
    if a.layout is not torch.strided or a.is_nested:
        return True  # no single storage to compare
    return (a.data_ptr(), a.shape, a.stride(), a.dtype) == (b.data_ptr(), b.shape, b.stride(), b.dtype)


def same_bits(a: Tensor, b: Tensor) -> bool:
    """Equal bit for bit: NaN equals the same NaN, and -0.0 differs from 0.0."""
    if a.shape != b.shape or a.dtype != b.dtype:
        return False
    if a.layout is torch.sparse_coo:
        return same_bits(a._values(), b._values()) and same_bits(a._indices(), b._indices())
    if a.layout is not torch.strided or a.is_nested:
        return same_bits(a.values(), b.values())
    if a.is_quantized:
        a, b = a.int_repr(), b.int_repr()
    if a.is_complex():
        a, b = torch.view_as_real(a.resolve_conj()), torch.view_as_real(b.resolve_conj())
    integer = {1: torch.uint8, 2: torch.int16, 4: torch.int32, 8: torch.int64}[a.element_size()]
    return torch.equal(a.view(integer), b.view(integer))


def _set_version(tensor: Tensor, version: int) -> None:
    """The counter as it was: contents are as they were too, so graphs that saved the tensor stay valid."""
    setter: Any = torch._C._autograd._unsafe_set_version_counter
    try:
        setter((tensor,), (version,))
    except TypeError:  # torch before 2.6 takes one tensor
        setter(tensor, version)


class Keep:
    """Copies of all tensors of a model, made once; `refresh` takes today's contents as the ones to go back to."""

    def __init__(self, tree: ModuleTree, budget: int = BUDGET) -> None:
        found = list(_tensors(tree))
        self.nbytes = sum(size_of(tensor)[1] for _, tensor in found)
        self.copied = self.nbytes <= budget
        self._tensors = [_KeptTensor.of(name, tensor, self.copied) for name, tensor in found]
        self._gradients = [
            _KeptTensor.of(f"{kept.name}.grad", kept.gradient, self.copied)
            for kept in self._tensors
            if kept.gradient is not None
        ]

    def restore(self) -> list[str]:
        """Put back what changed. Returns it in words: "layer1.0.bn1.running_mean: values"."""
        return [f"{kept.name}: {what}" for kept in self._tensors + self._gradients for what in kept.restore()]


def _tensors(tree: ModuleTree) -> Iterator[tuple[str, Tensor]]:
    seen: set[int] = set()
    for node in tree.objects():
        if isinstance(node.module, torch.jit.ScriptModule):
            continue  # every look makes a new Python tensor; the storage is what counts, and _script_tensors has it
        for which in ("_parameters", "_buffers"):
            for name, tensor in own_tensors(node.module, which):
                if id(tensor) not in seen:
                    seen.add(id(tensor))
                    yield ".".join((*tree.paths[node.index], name)), tensor
    yield from _script_tensors(tree)


def _script_tensors(tree: ModuleTree) -> Iterator[tuple[str, Tensor]]:
    """The parameters and buffers of the outermost ScriptModules, which list those of their children too."""
    for node in tree.objects():
        above = tree.nodes[node.parent].module if node.parent >= 0 else None
        if isinstance(node.module, torch.jit.ScriptModule) and not isinstance(above, torch.jit.ScriptModule):
            prefix = ".".join(tree.paths[node.index])
            for name, tensor in (*node.module.named_parameters(), *node.module.named_buffers()):
                yield f"{prefix}.{name}" if prefix else name, tensor


# ---------------------------------------------------------------- modules


class Snapshot:
    """What every module holds now, and the settings of the process."""

    def __init__(self, tree: ModuleTree, keep: Keep) -> None:
        self._keep = keep
        self._modules = [_KeptModule(".".join(tree.paths[n.index]) or "(root)", n.module) for n in tree.objects()]
        self._process = ProcessState()

    def restore(self) -> tuple[list[str], list[str]]:
        """Put everything back.

        Returns:
            What had changed and was put back, and what cannot be put back, in words.
        """
        gone: list[str] = []
        changed = self._process.restore()
        for kept in self._modules:
            changed += kept.restore(gone)
        changed += self._keep.restore()
        lost = [words for words in changed if words.endswith("(too large to put back)")]
        return [words for words in changed if words not in lost], [*gone, *lost]


class _KeptModule:
    """One module's class, attributes and dicts, by identity; plain containers, generators by content."""

    def __init__(self, name: str, module: nn.Module) -> None:
        self.name = name
        self.module = module
        self.cls = type(module)
        self.attributes = dict(vars(module))
        self.held = {key: dict(held) for key in _HELD if isinstance(held := self.attributes.get(key), dict)}
        plain = [(key, value) for key, value in self.attributes.items() if key not in _HELD]
        self.containers = [(key, _Container(value)) for key, value in plain if isinstance(value, list | dict | set)]
        self.generators = [(key, g, g.get_state()) for key, g in plain if isinstance(g, torch.Generator)]
        self.iterators = [(key, it, operator.length_hint(it, -1)) for key, it in plain if _is_iterator(it)]

    def restore(self, gone: list[str]) -> list[str]:
        """Yields what was put back; what cannot be is added to `gone`."""
        changed: list[str] = []
        if type(self.module) is not self.cls:
            self.module.__class__ = self.cls
            changed.append("class")
        attributes = vars(self.module)
        if not _identical(attributes, self.attributes):
            changed += _differences(attributes, self.attributes)
            _refill(attributes, self.attributes)
        changed += [key for key, held in self.held.items() if _put_back(attributes[key], held)]
        changed += [key for key, container in self.containers if container.restore()]
        for key, generator, state in self.generators:
            if not torch.equal(generator.get_state(), state):
                generator.set_state(state)
                changed.append(key)
        gone += [f"{self.name}: {key} (an iterator that advanced)" for key, it, left in self.iterators
                 if operator.length_hint(it, -1) != left]  # fmt: skip
        return [f"{self.name}: {encodable(str(key), 80)}" for key in changed]


def _is_iterator(value: object) -> bool:
    return hasattr(type(value), "__next__") and hasattr(type(value), "__length_hint__")


def _identical(now: dict[Any, Any], then: dict[Any, Any]) -> bool:
    """The same keys in the same order with the very same values; never asks values whether they are equal."""
    if len(now) != len(then):
        return False
    pairs = zip(now.items(), then.items(), strict=True)
    return all(a is b and (key == other) for (key, a), (other, b) in pairs)


def _differences(now: dict[Any, Any], then: dict[Any, Any]) -> list[str]:
    missing = object()
    return [str(key) for key in {**then, **now} if now.get(key, missing) is not then.get(key, missing)]


def _refill(now: dict[Any, Any], then: dict[Any, Any]) -> None:
    now.clear()
    now.update(then)


def _put_back(now: dict[Any, Any], then: dict[Any, Any]) -> bool:
    if _identical(now, then):
        return False
    _refill(now, then)
    return True


class _Container:
    """A list, dict or set somebody keeps on a module: its items, and those of plain containers inside it."""

    def __init__(self, value: Any, depth: int = _CONTAINER_DEPTH) -> None:
        self._value = value
        self._items: Any = value.copy() if len(value) <= _CONTAINER_ITEMS else None
        items = () if self._items is None or depth == 0 else value.values() if isinstance(value, dict) else value
        self._inner = [_Container(item, depth - 1) for item in items if type(item) in (list, dict, set)]

    def restore(self) -> bool:
        changed = self._items is not None and not self._same()
        if changed:
            self._value.clear()
            (self._value.extend if isinstance(self._value, list) else self._value.update)(self._items)
        return any([inner.restore() for inner in self._inner]) or changed

    def _same(self) -> bool:
        now, then = self._value, self._items
        if isinstance(now, dict):
            return _identical(now, then)
        return len(now) == len(then) and all(a is b for a, b in zip(_ordered(now), _ordered(then), strict=True))


def _ordered(items: Any) -> Any:
    return items if isinstance(items, list) else sorted(items, key=id)


# ---------------------------------------------------------------- the proof


def fingerprint(model: nn.Module) -> dict[str, Any]:
    """Everything of a model and its process that a session must leave as it was, for comparing with `==`.

    Tensors by identity, version, flags and a hash of their bytes; hook dicts with their order; plain attributes by
    identity or content; random states. Used by tests, and free of side effects.
    """
    from .process import random_states

    tree = walk(model)
    found: dict[str, Any] = {"random": repr(random_states())}
    for name, tensor in _tensors(tree):
        found[f"tensor {name}"] = _tensor_print(tensor)
    for node in tree.objects():
        found[f"module {'.'.join(tree.paths[node.index])}"] = _module_print(node.module)
    return found


def _tensor_print(tensor: Tensor) -> tuple[Any, ...]:
    lazy = is_lazy(tensor)
    if lazy or tensor.is_meta:
        return type(tensor), tensor.requires_grad
    gradient = None if not tensor.is_leaf or tensor.grad is None else _tensor_print(tensor.grad)
    version = None if tensor.is_inference() else tensor._version
    return type(tensor), tuple(tensor.shape), tensor.requires_grad, version, _bytes_hash(tensor), gradient


def _bytes_hash(tensor: Tensor) -> int:
    dense = tensor.detach()
    if dense.is_quantized:
        dense = dense.int_repr()
    if dense.layout is not torch.strided:
        dense = dense.to_dense()
    return hash(dense.cpu().contiguous().reshape(-1).view(torch.uint8).numpy().tobytes())


def _module_print(module: nn.Module) -> dict[str, Any]:
    attributes = vars(module)
    found: dict[str, Any] = {"class": type(module), "keys": tuple(attributes), "children": list(named_children(module))}
    for key, value in attributes.items():
        if key in _HELD:
            found[key] = [(k, id(v)) for k, v in value.items()]
        elif isinstance(value, list | dict | set | torch.Generator):
            found[key] = repr(value.get_state() if isinstance(value, torch.Generator) else value)
        else:
            found[key] = id(value)
    return found
