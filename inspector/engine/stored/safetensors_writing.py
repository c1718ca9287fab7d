"""Safetensors files, piece by piece: what the library makes is all of it at once, in memory beside the tensors."""

from __future__ import annotations

import json
import struct
from collections.abc import Iterator, Mapping

import torch
from torch import Tensor

from ...errors import UsageError
from ...text import encodable
from .quick_header import METADATA
from .safetensors_file import DTYPES

_NAMES = {dtype: name for name, dtype in DTYPES.items()}
_ALIGNED = 8
"""Bytes of which the header is a multiple."""


def to_pieces(tensors: Mapping[str, Tensor], notes: Mapping[str, str] | None = None) -> Iterator[bytes | memoryview]:
    """The header, then each tensor, which is copied to the host when its turn comes.

    Raises:
        UsageError: The format has no place for one of them.
    """
    order = sorted(tensors, key=lambda name: (-tensors[name].element_size(), name))  # so that each is aligned
    yield _write_header({name: tensors[name] for name in order}, notes)
    for name in order:
        yield _to_bytes(tensors[name]).numpy().data


def _to_bytes(tensor: Tensor) -> Tensor:
    dense = tensor.detach().cpu().resolve_conj().resolve_neg().contiguous()
    return dense.reshape(-1).view(torch.uint8) if dense.numel() else torch.empty(0, dtype=torch.uint8)


def _write_header(tensors: Mapping[str, Tensor], notes: Mapping[str, str] | None) -> bytes:
    header: dict[str, object] = {METADATA: dict(notes)} if notes else {}
    start = 0
    for name, tensor in tensors.items():
        if tensor.dtype not in _NAMES or tensor.layout != torch.strided:
            what = f"{name} is {tensor.layout} of {tensor.dtype}, for which safetensors files have no place"
            raise UsageError(encodable(what, 300), hint="record other modules")
        stop = start + tensor.numel() * tensor.element_size()
        header[name] = {"dtype": _NAMES[tensor.dtype], "shape": list(tensor.shape), "data_offsets": [start, stop]}
        start = stop
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % _ALIGNED)
    return struct.pack("<Q", len(text)) + text
