"""Bytes of the tensors that modules give, each piece of memory once: by whom it was given first."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor
from torch.multiprocessing.reductions import StorageWeakRef

from ..values import nested
from ..values.unwrap import read

_MOST = 1 << 53
"""Bytes of a tensor that is in no memory we know of, and says that it is larger than any."""


class ActivationClock:
    """Counts bytes in place of time. It holds no memory: a weak reference keeps the address of a storage from being
    given to another one, and not what is in it."""

    def __init__(self) -> None:
        self._bytes = 0
        self._seen: dict[int, StorageWeakRef] = {}

    def begin(self, inputs: object) -> None:
        """The pass begins: its inputs are nobody's output, whoever hands them on."""
        self.see(inputs)
        self._bytes = 0

    def now(self) -> int:
        return self._bytes

    def read(self, marks: Sequence[int]) -> Sequence[int]:
        return marks

    def see(self, output: object) -> None:
        """A module has given this."""
        with torch._C.DisableTorchFunctionSubclass():
            for tensor in nested.tensors_in(output):
                self._bytes += self._count_new(tensor)

    def _count_new(self, tensor: Tensor) -> int:
        """Its bytes, of one that repeats its elements those that are there; none where they were seen before."""
        nbytes = int(read(tensor, "numel")()) * int(read(tensor, "element_size")())
        try:
            memory = read(tensor, "untyped_storage")()
            storage: Any = StorageWeakRef(memory)  # type: ignore[no-untyped-call]
        except (RuntimeError, NotImplementedError):  # sparse tensors and wrappers have none of their own
            return min(nbytes, _MOST)
        return min(nbytes, memory.nbytes()) if self._seen.setdefault(storage.cdata, storage) is storage else 0
