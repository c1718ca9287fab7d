"""Tensors, as far as they are Python objects: what is in them is for the `TensorBackup`."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor

from .dicts import put_back
from .kind import Budget, Change, Kept, Parts
from .layout import layout_of

read_attributes: Any = vars(Tensor)["__dict__"].__get__
"""What somebody gave to a tensor, past what its class shows."""

_NONE: dict[str, Any] = {}


class HeldTensor(Kept):
    """Attributes that somebody gave to a tensor, and the slots of a subclass."""

    __slots__ = ("attributes", "cls", "filled")

    def __init__(self, owner: Tensor, budget: Budget) -> None:
        super().__init__(owner, budget)
        attributes = read_attributes(owner)
        self.attributes: dict[str, Any] = attributes.copy() if attributes else _NONE
        self.cls = type(owner)
        self.filled = layout_of(self.cls).read_slots(owner)

    @classmethod
    def claims(cls, kind: type) -> bool:
        return issubclass(kind, Tensor)

    def parts(self) -> Parts:
        return (*self.attributes.items(), *self.filled.items()) if self.filled else self.attributes.items()

    def restore(self) -> Iterator[Change]:
        if self.filled and type(self.owner) is self.cls:
            yield from map(Change, layout_of(self.cls).restore_slots(self.owner, self.filled))
        now = read_attributes(self.owner)
        if now or self.attributes:
            yield from map(Change, put_back(now, self.attributes))


class Storage(Kept):
    """The memory of tensors, kept by itself: as a tensor of bytes it is one of the tensors."""

    __slots__ = ()

    @classmethod
    def claims(cls, kind: type) -> bool:
        return issubclass(kind, (torch.UntypedStorage, torch.TypedStorage))

    def parts(self) -> Parts:
        untyped = self.owner if isinstance(self.owner, torch.UntypedStorage) else self.owner._untyped_storage
        if not untyped.nbytes() or untyped.device.type == "meta":
            return ()
        return (("memory", torch.empty(0, dtype=torch.uint8, device=untyped.device).set_(untyped)),)
