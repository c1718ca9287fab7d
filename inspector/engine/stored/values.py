"""Files that hold values or images, read without running code from them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch

from ...errors import UsageError
from ...files import open_file, read_file
from ...files.purposes import IMAGE, WEIGHTS, Purpose
from ...text import encodable
from . import images
from .arrays import Bloated, read_array, read_arrays
from .bloat import refuse_bloated
from .refusal import explain_refusal
from .safetensors_file import read_safetensors
from .saved import FETCH_AGAIN, look_closely
from .stand_ins import without_filling
from .torch_file import check_storages

PICKLED = frozenset({".pt", ".pth", ".bin", ".ckpt"})


def read_input(path: Path, batch: bool, purpose: Purpose) -> tuple[Any, bool]:
    """The value in a file, and whether it is an image (3×H×W in 0..1, with `batch` 1×3×H×W)."""
    if path.suffix.lower() in images.SUFFIXES:
        image = _read_image(path)
        return (image.unsqueeze(0) if batch else image), True
    return read_values(path, purpose), False


def read_values(path: Path, purpose: Purpose) -> Any:
    """Tensors, or containers of them, out of a .pt, .npy, .npz or .safetensors file; all of them in memory.

    Raises:
        UsageError: The format is not known, or the file holds more than plain values, is broken, or too large.
    """
    suffix = path.suffix.lower()
    if suffix in PICKLED:
        return _read_pickled(path)
    if suffix in (".npy", ".npz"):
        return _read_numpy(path, purpose)
    if suffix == ".safetensors":
        return {name: tensor.clone() for name, tensor in read_safetensors(path).tensors.items()}
    known = ", ".join(sorted(PICKLED | images.SUFFIXES | {".npy", ".npz", ".safetensors"}))
    raise UsageError(encodable(f"files ending in {suffix!r} cannot be read"), where=_show(path), hint=f"known: {known}")


def _read_pickled(path: Path) -> Any:
    if look_closely(path).kind == "unknown":
        raise _not_plain(path, "torch.save did not write it, or it is cut off")
    try:
        with open_file(path, WEIGHTS) as stream, without_filling():
            value = torch.load(stream, map_location="cpu", weights_only=True)
    except Exception as error:  # pickle, zip and tensor errors of many kinds; each means that the file is unfit
        raise _not_plain(path, explain_refusal(error), type(error).__name__) from None
    check_storages(path, value)
    return value


def _not_plain(path: Path, why: str, kind: str = "") -> UsageError:
    return UsageError(
        encodable(f"this file cannot be loaded as plain tensors: {why}", 600),
        where=_show(path),
        hint="save a state dict or tensors with torch.save; files that hold code or other objects are refused",
        kind=kind,
    )


def _read_numpy(path: Path, purpose: Purpose) -> Any:
    size = path.stat().st_size
    try:
        with open_file(path, purpose) as stream:
            return read_array(stream, size) if path.suffix.lower() == ".npy" else read_arrays(stream, size)
    except Bloated as error:
        raise refuse_bloated(path.name, str(error)) from None
    except Exception as error:  # numpy, zip and conversion errors; each means that the file is unfit
        raise _unfit(path, error) from None


def _read_image(path: Path) -> torch.Tensor:
    try:
        return images.decode(read_file(path, IMAGE))
    except UsageError:
        raise
    except Exception as error:  # decoders report broken files as RuntimeError, ValueError and OSError
        raise _unfit(path, error) from None


def _unfit(path: Path, error: Exception) -> UsageError:
    return UsageError(
        encodable(f"this file cannot be read: {_first_line(error)}", 600),
        where=_show(path),
        hint=FETCH_AGAIN,
        kind=type(error).__name__,
    )


def _first_line(error: Exception) -> str:
    lines = str(error).strip().splitlines()
    return lines[0] if lines else type(error).__name__


def _show(path: Path) -> str:
    return encodable(str(path), 300)
