"""What a tensor is, without a look at its numbers."""

from __future__ import annotations

from functools import lru_cache

import torch
from torch import Tensor

from ...raised import message_of, say
from ...records import Statistics, TensorValue
from ...text import encodable
from . import objects
from . import statistics as stats
from .unwrap import is_lazy, is_sharded, numbers_of, read

_LARGEST = 2**63 - 1  # an expanded tensor can count more bytes than a message can say


@lru_cache(maxsize=256)
def _dtype_name(dtype: torch.dtype) -> str:
    return str(dtype).removeprefix("torch.")


@lru_cache(maxsize=256)
def _device_name(device: torch.device) -> str:
    return str(device)


def describe_bare(tensor: Tensor, why: str = "", summary: Statistics | None = None) -> TensorValue:
    """To be called with the functions of subclasses out of the way. `why` says that there are no statistics."""
    plain = type(tensor) is Tensor and tensor.layout is torch.strided and not tensor.is_nested
    return TensorValue(
        tuple(tensor.shape) if plain else shape_of(tensor),
        _dtype_name(tensor.dtype if plain else read(tensor, "dtype")),
        _device_name(tensor.device if plain else read(tensor, "device")),
        tensor.requires_grad if plain else read(tensor, "requires_grad"),
        "Tensor" if plain else objects.name_of_type(tensor),
        "strided" if plain else str(read(tensor, "layout")).removeprefix("torch."),
        min(tensor.numel() * tensor.element_size() if plain else _count_bytes(tensor), _LARGEST),
        summary,
        why,
    )


def _say_refusal(tensor: Tensor, error: Exception) -> str:
    if isinstance(error, NotImplementedError) or "not implemented for" in message_of(error):
        return f"no statistics: torch has no arithmetic for {_dtype_name(read(tensor, 'dtype'))}"
    return f"no statistics: {say(error)}"


def describe_refusing(tensor: Tensor, error: Exception) -> TensorValue:
    """One whose numbers cannot be read, because of `error`."""
    try:
        with torch._C.DisableTorchFunctionSubclass():
            return describe_bare(tensor, encodable(_say_refusal(tensor, error), 200))
    except Exception as error:  # not even a shape
        return TensorValue((), "?", "?", type=objects.name_of_type(tensor), why=encodable(message_of(error), 200))


def shape_of(tensor: Tensor) -> tuple[int, ...]:
    """Symbolic (ragged) sizes become -1."""
    if is_lazy(tensor):
        return ()
    if read(tensor, "is_nested") and read(tensor, "layout") is torch.strided:
        return read(tensor, "size")(0), *[-1] * (read(tensor, "dim")() - 1)
    return tuple(size if type(size) is int else -1 for size in read(tensor, "shape"))


def _count_bytes(tensor: Tensor) -> int:
    """Of what is in this process; nothing where a size is not known yet."""
    if is_lazy(tensor):
        return 0
    if is_sharded(tensor):
        found, _ = numbers_of(tensor)
        tensor = tensor if found is None else found
    layout = read(tensor, "layout")
    if layout is torch.sparse_coo:
        parts = [tensor._values(), tensor._indices()]
    else:
        parts = [tensor.values() if layout in stats.COMPRESSED or read(tensor, "is_nested") else tensor]
    nbytes = sum(read(part, "numel")() * read(part, "element_size")() for part in parts)
    return nbytes if type(nbytes) is int else 0
