"""Bytes of the tensors that modules give, each piece of memory once: by whom it was given first."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor
from torch.multiprocessing.reductions import StorageWeakRef

from ..values import nested
from ..values.unwrap import read


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
                if self._is_new(tensor):
                    self._bytes += int(read(tensor, "numel")()) * int(read(tensor, "element_size")())

    def _is_new(self, tensor: Tensor) -> bool:
        try:
            storage: Any = StorageWeakRef(tensor.untyped_storage())  # type: ignore[no-untyped-call]
        except (RuntimeError, NotImplementedError):  # sparse tensors and wrappers have none of their own
            return True
        return self._seen.setdefault(storage.cdata, storage) is storage
