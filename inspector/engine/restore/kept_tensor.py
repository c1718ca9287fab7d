"""One tensor as it was, put back bit for bit, and only where something changed."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from ..values.unwrap import PLAIN, as_plain, count_memory, is_freed, is_lazy, read
from .bits import differ, real_elements, same_bits, same_place, set_version

LOST = "cannot be put back)"
"""How words end that say what stays changed."""

_SPARSE = (torch.sparse_coo, torch.sparse_csr, torch.sparse_csc, torch.sparse_bsr, torch.sparse_bsc)

Memory = tuple[int, int]
"""The bytes of a storage, and the address; -1 bytes where nothing can be asked."""

Graph = tuple[Any, bool]
"""What a tensor was computed by, and whether its gradient is retained."""


@dataclass(slots=True)
class KeptTensor:
    """One parameter, buffer, gradient or tensor in an attribute. `alias` shares its storage, of which `memory` tells;
    `copy` is None past the budget, and where the tensor refuses to be copied. `graph` is None for a leaf."""

    name: str
    tensor: Tensor
    cls: type
    has_data: bool
    alias: Tensor | None
    copy: Tensor | None
    memory: Memory
    graph: Graph | None
    version: int
    requires_grad: bool
    gradient: Tensor | None
    keeps_gradient: bool

    @classmethod
    def of(cls, name: str, tensor: Tensor, gradient: bool = True) -> KeptTensor:
        """Without a copy. With `gradient`, its gradient is kept too: not to be read while another thread runs a
        backward pass."""
        lazy = is_lazy(tensor)
        has_data = not lazy and not read(tensor, "is_meta") and not is_freed(tensor)
        try:
            alias = None if lazy else as_plain(tensor).detach()
        except Exception:  # a tensor may refuse any operation: of this one `restore` can only say that it changed
            alias = None
        memory = _memory_of(alias)
        found = read(tensor, "grad") if gradient and not lazy and keeps_gradient(tensor) else None
        flags = read(tensor, "requires_grad"), found, gradient
        graph, version = _graph_of(tensor), _version_of(tensor)
        return cls(name, tensor, type(tensor), has_data, alias, None, memory, graph, version, *flags)

    def take_copy(self) -> None:
        """Of what it holds now, which is what it is put back to."""
        if self.alias is None or not self.has_data:
            return
        try:
            self.copy = real_elements(self.alias).clone()
        except Exception:  # as in `of`
            self.alias = None
            self.memory = _memory_of(None)
        self.version = _version_of(self.tensor)

    @property
    def is_written(self) -> bool:
        """Its version counter moved, which a write through `.data` and that of a native BatchNorm do not do."""
        return not read(self.tensor, "is_inference")() and read(self.tensor, "_version") != self.version

    def has_changed(self) -> bool:
        """Whether it is another one than it was; of its gradient nothing is asked."""
        tensor = self.tensor
        if type(tensor) is not self.cls or read(tensor, "requires_grad") != self.requires_grad or self.is_written:
            return True
        moved = self.alias is not None and not same_place(tensor, self.alias)
        return moved or _graph_of(tensor) != self.graph or self._has_other_memory() or self.has_other_values()

    def _has_other_memory(self) -> bool:
        return self.alias is not None and _memory_of(self.alias) != self.memory

    def has_other_values(self) -> bool:
        """Something was written where it was; where there is no copy, its version counter says so."""
        if self.alias is None or not self.has_data or is_freed(self.alias):
            return False
        return self.is_written if self.copy is None else not same_bits(self._elements(), self.copy)

    def _elements(self) -> Tensor:
        """What is now where it was. In place, a sparse tensor may take other memory: it is asked itself."""
        alias = self.alias
        assert alias is not None
        return self.tensor.detach() if alias.layout in _SPARSE else real_elements(alias)

    def _write_elements(self, alias: Tensor, copy: Tensor) -> None:
        with torch.inference_mode(read(self.tensor, "is_inference")()), torch.no_grad():
            (self.tensor if alias.layout in _SPARSE else real_elements(alias)).copy_(copy)

    @property
    def place(self) -> Tensor:
        """What shares the memory that it had."""
        return self.tensor if self.alias is None else self.alias

    def has_other_gradient(self) -> bool:
        """Whether its gradient is another one."""
        return keeps_gradient(self.tensor) and read(self.tensor, "grad") is not self.gradient

    def is_steady(self) -> bool:
        """Whether it is a plain tensor with a copy, in the memory that it had, and so may be compared at any moment."""
        alias, copy = self.alias, self.copy
        if alias is None or copy is None or type(alias) not in PLAIN or alias.layout is not torch.strided:
            return False
        return not (alias.is_nested or is_freed(alias) or self._has_other_memory())

    def is_apart(self) -> bool:
        """Whether it is on a device that works on while this process does."""
        return self.copy is not None and _is_apart(self.copy)

    def ask_device(self) -> Tensor | None:
        """Whether something was written where it was, as a tensor on its device that nobody waits for; None where that
        is to be asked by `has_other_values`. It has to be steady."""
        assert self.alias is not None and self.copy is not None
        return differ(real_elements(self.alias), self.copy)

    def restore(self, is_same: bool = False) -> Iterator[str]:
        """Put back all of it; yields what had changed. `is_same`: nothing was written where it was."""
        yield from self.restore_itself(is_same)
        yield from self.restore_gradient()

    def restore_itself(self, is_same: bool = False) -> Iterator[str]:
        """Put back class, storage, contents, version and flags; yields what had changed."""
        tensor = self.tensor
        if type(tensor) is not self.cls:  # a lazy parameter that was materialised
            tensor.data = torch.empty(0, dtype=tensor.dtype, device=tensor.device)
            tensor.__class__ = self.cls
            yield "materialised"
        if self.alias is not None and not same_place(tensor, self.alias):
            tensor.data = self.alias
            yield "storage"
        moved = self._has_other_memory()
        if moved:
            yield self._restore_memory()
        freed = moved and self.alias is not None and is_freed(self.alias)
        if self.alias is not None and self.copy is not None and not (is_same or freed):
            yield from self._restore_values(self.alias, self.copy)
        yield from self._restore_graph()
        if self.is_written:
            yield from self._restore_version()
        if read(tensor, "requires_grad") != self.requires_grad and read(tensor, "is_leaf"):
            tensor.requires_grad_(self.requires_grad)
            yield "requires_grad"

    def _restore_values(self, alias: Tensor, copy: Tensor) -> Iterator[str]:
        if not same_bits(self._elements(), copy):
            self._write_elements(alias, copy)
            yield "values"

    def _restore_memory(self) -> str:
        """It was freed, taken anew, or moved: there is as much again as there was, which may be somewhere else."""
        assert self.alias is not None
        freed = self.has_data and is_freed(self.alias)
        if count_memory(self.alias) != self.memory[0] and not (freed and self.copy is None):
            self.alias.untyped_storage().resize_(self.memory[0])
        now, then = _memory_of(self.alias), self.memory
        self.memory = now  # told once
        return "memory" if now == then and not freed else f"memory ({'freed' if freed else 'moved'}, {LOST}"

    def _restore_graph(self) -> Iterator[str]:
        """A leaf that became a part of a graph is a leaf again; nothing takes one into a graph that it left."""
        now = _graph_of(self.tensor)
        if now == self.graph:
            return
        if self.graph is None:
            self.tensor.detach_()
            yield "graph"
        else:
            self.graph = now
            yield f"graph ({LOST}"

    def restore_gradient(self) -> Iterator[str]:
        """Put back its gradient, where that is kept."""
        if self.keeps_gradient and self.has_other_gradient():
            self.tensor.grad = self.gradient
            yield "grad"

    def _restore_version(self) -> Iterator[str]:
        if self.has_data and self.copy is None:
            self.version = read(self.tensor, "_version")  # told once
            yield f"values (not copied, {LOST}"
        else:
            set_version(self.tensor, self.version)


def _is_apart(tensor: Tensor) -> bool:
    return tensor.device.type not in ("cpu", "meta")


def keeps_gradient(tensor: Tensor) -> bool:
    """Whether a backward pass leaves a gradient on it."""
    return bool(read(tensor, "is_leaf") or read(tensor, "retains_grad"))


def _memory_of(alias: Tensor | None) -> Memory:
    there = -1 if alias is None else count_memory(alias)
    return there, alias.data_ptr() if there > 0 and alias is not None else 0


def _version_of(tensor: Tensor) -> int:
    return 0 if read(tensor, "is_inference")() else read(tensor, "_version")


def _graph_of(tensor: Tensor) -> Graph | None:
    return None if read(tensor, "is_leaf") else (read(tensor, "grad_fn"), read(tensor, "retains_grad"))
