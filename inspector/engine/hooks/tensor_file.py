"""Tensors in files: one that is put in, and those that were recorded."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

from torch import Tensor

from ...errors import UsageError
from ...files import check_file, expand, write_new
from ...files.purposes import TENSORS
from ...text import encodable
from ..stored.safetensors_file import read_safetensors
from ..stored.safetensors_writing import to_pieces
from ..stored.values import read_values


def read_tensor(name: str, key: str = "") -> Tensor:
    """One tensor of a file. Raises `UsageError`."""
    found = read_tensors(name)
    if not key and len(found) == 1:
        return next(iter(found.values()))
    if key not in found:
        keys = ", ".join(list(found)[:12])
        what = f"{name} has no tensor {key!r}" if key else f"{name} holds {len(found)} tensors"
        raise UsageError(encodable(what, 300), hint=encodable(f"give one as key=: {keys}", 400))
    return found[key]


def read_tensors(name: str) -> dict[str, Tensor]:
    """All tensors of a .safetensors file, or of a .pt file with a tensor or a flat dict of them."""
    path = check_file(name, TENSORS)
    value = read_values(path, TENSORS)
    found = {"": value} if isinstance(value, Tensor) else value if isinstance(value, Mapping) else {}
    return {str(key): tensor for key, tensor in found.items() if isinstance(tensor, Tensor)}


def read_notes(name: str) -> dict[str, str]:
    """What a .safetensors file that was read says of itself; nothing where it is another file."""
    path = expand(name)
    return read_safetensors(path).metadata if path.suffix.lower() == ".safetensors" else {}


def write_tensors(
    path: Path,
    tensors: Mapping[str, Tensor],
    notes: dict[str, str] | None = None,
    pace: Callable[[Iterable[bytes | memoryview], int], Iterable[bytes | memoryview]] = lambda data, total: data,
) -> None:
    """A new .safetensors file; one that is there is never replaced.

    Args:
        path: Of the file.
        tensors: By name.
        notes: What the file says of itself.
        pace: Gives what is written, and how many bytes that is, piece by piece; it may raise to stop it.

    Raises:
        UsageError: It cannot be written, or there are no values to write.
    """
    if any(tensor.is_meta for tensor in tensors.values()):
        raise UsageError(
            "what was recorded has no values: the model is on the meta device", hint="-d cpu runs it with values"
        )
    total = sum(tensor.numel() * tensor.element_size() for tensor in tensors.values())
    write_new(path, pace(to_pieces(tensors, notes), total))
