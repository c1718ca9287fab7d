"""What has no state that could change."""

from __future__ import annotations

import enum
import types
from typing import Any

import torch

from .origin import is_own_class

_ATOMS = (
    bool, int, float, complex, str, bytes, type(None), type(...), type(NotImplemented), object, range, slice,
    torch.dtype, torch.device, torch.Size, torch.layout, torch.memory_format,
)  # fmt: skip

ATOMS: frozenset[int] = frozenset(map(id, _ATOMS))
"""The most of what a module holds, known at a glance: the `id` of each type, since a metaclass may have a hash of its
own."""


_CONSTANTS = (
    torch.SymInt, torch.SymFloat, torch.SymBool,
    types.CodeType, types.FrameType, types.TracebackType,
)  # fmt: skip


def is_atom(value: Any) -> bool:
    """Whether it is of one of these types."""
    return id(type(value)) in ATOMS


def is_constant(kind: type) -> bool:
    """Whether nobody changes things of this type, or they lead to all of a program. Members of the model's own enums
    may have attributes."""
    if issubclass(kind, enum.Enum):
        return not is_own_class(kind)
    return id(kind) in ATOMS or issubclass(kind, _CONSTANTS)
