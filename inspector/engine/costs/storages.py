"""Which memory tensors hold while operations run, by what it is for, and the moment when it was most.

A mode of torch's dispatcher sees every tensor that an operation gives, in a backward pass as well, and nothing is put
on the model. Memory is counted by storage, until that is freed: views and in-place operations add none. What a kernel
takes and gives back within one operation is not seen.
"""

from __future__ import annotations

import weakref
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Literal, get_args

import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode, is_traceable_wrapper_subclass
from torch.utils._pytree import tree_leaves

from ...records.estimates import Phase

Category = Literal["parameters", "buffers", "input", "gradients", "optimizer", "activations", "temporary"]
"""`activations` are what forward and loss made, the output too; `temporary` is what the backward pass and the
optimizer made and is neither a gradient of a parameter nor the optimizer's state."""
CATEGORIES: tuple[Category, ...] = get_args(Category)

_MADE: dict[Phase, Category] = {
    "forward": "activations",
    "loss": "activations",
    "backward": "temporary",
    "optimizer": "temporary",
}

_CUDA_BLOCK = 512
"""Bytes: torch's allocator hands out whole blocks on a GPU."""


@dataclass(eq=False)
class Holding:
    """One storage that is alive. `born` numbers the operation that it was first seen after."""

    ref: weakref.ref[torch.UntypedStorage]
    device: torch.device
    category: Category
    nbytes: int
    born: int


@dataclass
class Peak:
    """The moment when most was held on one device: bytes by category, after which operation, and where that ran."""

    sizes: dict[Category, int] = field(default_factory=dict)
    total: int = 0
    operation: int = 0
    phase: Phase = "forward"
    module: int | None = None  # row of the module tree


class StorageTracker(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Counts what is held from the first `hold` on, and inside `with` also what operations make.

    Args:
        find_module: Which module runs now; asked at each new peak.
        check: Called at each operation; what it raises ends the run.

    `peaks` are those since, by device; `phase` is what runs, said by whoever runs it.
    """

    def __init__(self, find_module: Callable[[], int | None], check: Callable[[], None]) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.peaks: dict[torch.device, Peak] = defaultdict(Peak)
        self.phase: Phase = "forward"
        self._find_module = find_module
        self._check = check
        self._held: dict[int, Holding] = {}  # by the `id` of the storage, which lives as long
        self._sizes: dict[torch.device, dict[Category, int]] = {}
        self._operation = 0

    def hold(self, tensor: Tensor, category: Category) -> None:
        """Count a tensor's memory under `category`, from now on and in the peak, where it was alive then."""
        for storage, device in _storages(tensor):
            known = self._held.get(id(storage))
            if known is None:
                self._take(storage, device, category)
            elif known.category != category:
                self._move(known, category)
        self._compare()

    def __torch_dispatch__(self, function: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        self._check()
        output = function(*args, **(kwargs or {}))
        self._operation += 1
        module = self._find_module()
        for leaf in tree_leaves(output):
            if isinstance(leaf, Tensor):
                self._meet(leaf)
        self._compare(module)
        return output

    def forget(self) -> None:
        """Count nothing any more; the peaks stay."""
        self._held.clear()
        self._sizes.clear()

    def _meet(self, tensor: Tensor) -> None:
        for storage, device in _storages(tensor):
            known = self._held.get(id(storage))
            if known is None:
                self._take(storage, device, _MADE[self.phase])
            elif (nbytes := _size(storage, device)) != known.nbytes:  # an operation may resize what it is given
                self._sizes[known.device][known.category] += nbytes - known.nbytes
                known.nbytes = nbytes

    def _take(self, storage: torch.UntypedStorage, device: torch.device, category: Category) -> None:
        ref = weakref.ref(storage, partial(self._free, id(storage)))
        nbytes = _size(storage, device)
        self._held[id(storage)] = Holding(ref, device, category, nbytes, self._operation)
        self._sizes.setdefault(device, dict.fromkeys(CATEGORIES, 0))[category] += nbytes

    def _free(self, key: int, _: object) -> None:
        holding = self._held.pop(key, None)
        if holding is not None:
            self._sizes[holding.device][holding.category] -= holding.nbytes

    def _move(self, holding: Holding, category: Category) -> None:
        sizes, peak = self._sizes[holding.device], self.peaks[holding.device]
        was, holding.category = holding.category, category
        sizes[was] -= holding.nbytes
        sizes[category] += holding.nbytes
        if holding.born <= peak.operation and peak.sizes.get(was, 0) >= holding.nbytes:
            peak.sizes[was] -= holding.nbytes
            peak.sizes[category] += holding.nbytes

    def _compare(self, module: int | None = None) -> None:
        for device, sizes in self._sizes.items():
            total = sum(sizes.values())
            if total > self.peaks[device].total:
                self.peaks[device] = Peak(dict(sizes), total, self._operation, self.phase, module)


def _size(storage: torch.UntypedStorage, device: torch.device) -> int:
    nbytes = storage.nbytes()
    return -(-nbytes // _CUDA_BLOCK) * _CUDA_BLOCK if device.type == "cuda" else nbytes


def _storages(tensor: Tensor) -> Iterator[tuple[torch.UntypedStorage, torch.device]]:
    """What a tensor's numbers are in, and on which device; of one that is made of others, of those."""
    if is_traceable_wrapper_subclass(tensor):
        for name in tensor.__tensor_flatten__()[0]:
            yield from _storages(getattr(tensor, name))
    elif tensor.layout is torch.sparse_coo:
        yield from _storages(tensor._values())
        yield from _storages(tensor._indices())
    else:
        try:
            storage = tensor.untyped_storage()
        except (NotImplementedError, RuntimeError):  # opaque memory, such as oneDNN's, tells of no storage
            return
        yield storage, tensor.device
