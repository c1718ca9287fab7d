"""The model as it was before a pass, put back after it, bit for bit, and only where something changed.

`TensorBackup` holds one copy of every tensor for the whole session (within a budget), because a write through `.data`
moves no version counter and can be found only by comparing. `Snapshot` is taken before each pass: what every module
holds by identity, plain containers by content. Nothing here asks a module for an attribute: reading a parametrized
weight computes it and may change buffers.
"""

from __future__ import annotations

import operator
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.parameter import is_lazy

from ...text import encodable
from ..modules.tree import ModuleTree, own_tensors
from ..source.running import in_mro
from ..torch_hooks.dicts import DICTS
from ..values.unwrap import is_freed
from . import containers
from .containers import KeptContainer, identical
from .hooks import KeptHooks
from .process_state import ProcessState

BUDGET = 4 << 30
"""Bytes of tensors copied at most; larger ones are watched by version counters and cannot be put back."""

HELD = ("_parameters", "_buffers", "_modules", *DICTS)
"""Attributes of a module that torch keeps its parts and hooks in."""

_LOST = "cannot be put back)"


@dataclass
class _KeptTensor:
    """One parameter, buffer, gradient or tensor in an attribute. `alias` shares its storage; `copy` is None past the
    budget, and where the tensor refuses to be copied."""

    name: str
    tensor: Tensor
    cls: type
    has_data: bool
    alias: Tensor | None
    copy: Tensor | None
    version: int
    requires_grad: bool
    gradient: Tensor | None

    @classmethod
    def of(cls, name: str, tensor: Tensor, copied: bool) -> _KeptTensor:
        lazy = is_lazy(tensor)
        has_data = not lazy and not tensor.is_meta and not is_freed(tensor)
        alias = copy = None
        try:
            alias = tensor.detach() if has_data else None
            copy = real_elements(alias).clone() if copied and alias is not None else None
        except Exception:  # a tensor may refuse any operation: of this one `restore` can only say that it changed
            alias = None
        version = 0 if tensor.is_inference() else tensor._version
        gradient = tensor.grad if tensor.is_leaf and not lazy else None
        return cls(name, tensor, type(tensor), has_data, alias, copy, version, tensor.requires_grad, gradient)

    @property
    def is_written(self) -> bool:
        """Its version counter moved, which a write through `.data` and that of a native BatchNorm do not do."""
        return not self.tensor.is_inference() and self.tensor._version != self.version

    def restore(self) -> Iterator[str]:
        """Put back class, storage, contents, version and flags; yields what had changed."""
        tensor = self.tensor
        if type(tensor) is not self.cls:  # a lazy parameter that was materialised
            tensor.data = torch.empty(0, dtype=tensor.dtype, device=tensor.device)
            tensor.__class__ = self.cls
            yield "materialised"
        if self.alias is not None and not same_place(tensor, self.alias):
            tensor.data = self.alias
            yield "storage"
        if self.alias is not None and is_freed(self.alias):
            yield f"memory (freed, {_LOST}"
        elif self.alias is not None and self.copy is not None and not same_bits(real_elements(self.alias), self.copy):
            with torch.inference_mode(tensor.is_inference()), torch.no_grad():
                real_elements(self.alias).copy_(self.copy)
            yield "values"
        if self.is_written:
            yield from self._restore_version()
        if tensor.requires_grad != self.requires_grad:
            tensor.requires_grad_(self.requires_grad)
            yield "requires_grad"
        if tensor.is_leaf and tensor.grad is not self.gradient:
            tensor.grad = self.gradient
            yield "grad"

    def _restore_version(self) -> Iterator[str]:
        if self.has_data and self.copy is None:
            self.version = self.tensor._version  # told once
            yield f"values (not copied, {_LOST}"
        else:
            _set_version(self.tensor, self.version)


def real_elements(tensor: Tensor) -> Tensor:
    """The elements of a strided tensor that are really there: of an expanded dimension the first."""
    if tensor.layout is not torch.strided or tensor.is_nested or 0 not in tensor.stride():
        return tensor
    return tensor[tuple(slice(0, 1) if step == 0 else slice(None) for step in tensor.stride())]


def same_place(a: Tensor, b: Tensor) -> bool:
    """Whether both are the same elements of one storage."""
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


class TensorBackup:
    """Copies of the tensors of a model, made once. `not_copied` are the bytes past the budget."""

    def __init__(self, tree: ModuleTree, budget: int = BUDGET) -> None:
        with torch._C.DisableTorchFunctionSubclass():
            found = list(tensors_of(tree))
            found += [(f"{name}.grad", gradient) for name, tensor in found for gradient in _gradient(tensor)]
            sizes = [_stored_bytes(tensor) for _, tensor in found]
            copied = _smallest(sizes, budget)
            self.not_copied = sum(size for index, size in enumerate(sizes) if index not in copied)
            self._tensors = [_KeptTensor.of(*named, index in copied) for index, named in enumerate(found)]
        self._by_id = {id(kept.tensor): kept for kept in self._tensors}

    def accept(self, tensor: Tensor) -> None:
        """What this tensor holds now is what it is restored to from now on."""
        kept = self._by_id.get(id(tensor))
        if kept is not None and kept.copy is not None and kept.alias is not None:
            kept.copy.copy_(real_elements(kept.alias))

    def named_tensors(self) -> list[tuple[str, Tensor]]:
        """The tensors, and what each is called."""
        return [(kept.name, kept.tensor) for kept in self._tensors]

    def restore_restless(self, restless: set[int] | None) -> set[int]:
        """Put back what is in `restless`, and what was written to: much quicker than to compare everything, which is
        done for None. Gives what is restless from now on."""
        with torch._C.DisableTorchFunctionSubclass():
            if restless is None:
                return {id(kept) for kept in self._tensors if _try_restore(kept)}
            for kept in self._tensors:
                if id(kept) in restless or kept.is_written:
                    _try_restore(kept)
        return restless

    def restore(self) -> list[str]:
        """Put back what changed. Returns it in words: "layer1.0.bn1.running_mean: values"."""
        with torch._C.DisableTorchFunctionSubclass():
            return [f"{kept.name}: {what}" for kept in self._tensors for what in _try_restore(kept)]


def _gradient(tensor: Tensor) -> list[Tensor]:
    return [tensor.grad] if tensor.is_leaf and not is_lazy(tensor) and tensor.grad is not None else []


def _smallest(sizes: list[int], budget: int) -> set[int]:
    """Which of `sizes` fit. Small ones first: BatchNorm writes its statistics without moving a version counter."""
    chosen: set[int] = set()
    for index in sorted(range(len(sizes)), key=sizes.__getitem__):
        budget -= sizes[index]
        if budget < 0:
            break
        chosen.add(index)
    return chosen


def _try_restore(kept: _KeptTensor) -> list[str]:
    try:
        return list(kept.restore())
    except Exception as error:  # as in `of`; the others are still put back
        return [f"{type(error).__name__} while comparing ({_LOST}"]


def _stored_bytes(tensor: Tensor) -> int:
    if is_lazy(tensor) or tensor.is_meta or is_freed(tensor):
        return 0
    tensor = real_elements(tensor)
    return tensor.numel() * tensor.element_size()


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


class Snapshot:
    """What every module holds now, the hooks of tensors and of the process, and the settings of the process."""

    def __init__(self, tree: ModuleTree, backup: TensorBackup) -> None:
        self._backup = backup
        self._modules = [_KeptModule(".".join(tree.paths[n.index]) or "(root)", n.module) for n in tree.objects()]
        self._hooks = KeptHooks(backup.named_tensors())
        self._process = ProcessState()
        self._restless: list[_KeptModule] | None = None
        self._restless_tensors: set[int] | None = None

    def restore_restless(self) -> None:
        """Put back, of modules and tensors, what changed when this was called first, and what was written to since: for
        what is done again and again. `restore` finds the rest."""
        if self._restless is None:
            self._restless = [kept for kept in self._modules if kept.restore([])]
        for kept in self._restless:
            kept.restore([])
        self._restless_tensors = self._backup.restore_restless(self._restless_tensors)

    def restore(self) -> tuple[list[str], list[str]]:
        """Put everything back.

        Returns:
            What had changed and was put back, and what cannot be put back, in words.
        """
        gone: list[str] = []
        changed = self._process.restore()
        for kept in self._modules:
            changed += kept.restore(gone)
        changed += self._hooks.restore()
        changed += self._backup.restore()
        lost = [words for words in changed if words.endswith(_LOST)]
        return [words for words in changed if words not in lost], [*gone, *lost]


class _KeptModule:
    """One module's class, attributes and dicts, by identity; plain containers, generators by content."""

    def __init__(self, name: str, module: nn.Module) -> None:
        self.name = name
        self.module = module
        self.cls = type(module)
        self.attributes = dict(vars(module))
        self.held = {key: dict(held) for key in HELD if isinstance(held := self.attributes.get(key), dict)}
        plain = [(key, value) for key, value in self.attributes.items() if key not in HELD]
        self.containers = [
            (key, KeptContainer(found))
            for key, value in plain
            if containers.is_plain(value)
            for found in containers.containers_in(value)
        ]
        self.generators = [(key, g, g.get_state()) for key, g in plain if type(g) is torch.Generator]
        self.iterators = [(key, it, operator.length_hint(it, -1)) for key, it in plain if _is_iterator(it)]

    def restore(self, gone: list[str]) -> list[str]:
        """Returns what was put back; what cannot be is added to `gone`."""
        changed: list[str] = []
        if type(self.module) is not self.cls:
            self.module.__class__ = self.cls
            changed.append("class")
        attributes = vars(self.module)
        if not identical(attributes, self.attributes):
            changed += _differences(attributes, self.attributes)
            _refill(attributes, self.attributes)
        for key, held in self.held.items():
            changed += _put_back(key, attributes[key], held)
        changed += [key for key, container in self.containers if container.restore()]
        for key, generator, state in self.generators:
            if not torch.equal(generator.get_state(), state):
                generator.set_state(state)
                changed.append(key)
        gone += [f"{self.name}: {key} (an iterator that advanced)" for key, it, left in self.iterators
                 if operator.length_hint(it, -1) != left]  # fmt: skip
        return [f"{self.name}: {encodable(str(key), 80)}" for key in dict.fromkeys(changed)]


def _is_iterator(value: object) -> bool:
    """Of Python's own ones, which say how much is left without running anybody's code."""
    cls = type(value)
    own = vars(type)["__module__"].__get__(cls) in ("builtins", "itertools")
    return own and in_mro(cls, "__next__")[1] is not None and in_mro(cls, "__length_hint__")[1] is not None


def _differences(now: dict[Any, Any], then: dict[Any, Any]) -> list[str]:
    missing = object()
    return [str(key) for key in {**then, **now} if now.get(key, missing) is not then.get(key, missing)]


def _refill(now: dict[Any, Any], then: dict[Any, Any]) -> None:
    now.clear()
    now.update(then)


def _put_back(which: str, now: dict[Any, Any], then: dict[Any, Any]) -> list[str]:
    """Make one of torch's own dicts what it was; the names of what had changed in it."""
    if identical(now, then):
        return []
    changed = _differences(now, then) or ["order"]
    _refill(now, then)
    return [which.strip("_").replace("_", " ")] if which in DICTS else changed
