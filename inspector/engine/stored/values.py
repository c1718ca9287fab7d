"""Files that hold values or images, read without running code from them."""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import Any

import torch

from ...errors import UsageError
from ...text import encodable

IMAGES = frozenset({".png", ".jpg", ".jpeg", ".gif", ".webp"})
PICKLED = frozenset({".pt", ".pth", ".bin", ".ckpt"})


def read_input(path: Path, batch: bool) -> tuple[Any, bool]:
    """The value in a file, and whether it is an image (3×H×W in 0..1, with `batch` 1×3×H×W)."""
    if path.suffix.lower() in IMAGES:
        image = _read_image(path)
        return (image.unsqueeze(0) if batch else image), True
    return read_values(path), False


def read_values(path: Path) -> Any:
    """Tensors, or containers of them, out of a .pt, .npy, .npz or .safetensors file.

    Raises:
        UsageError: The format is not known, or the file holds more than plain values.
    """
    suffix = path.suffix.lower()
    if suffix in PICKLED:
        return _read_pickled(path)
    if suffix in (".npy", ".npz"):
        return _read_numpy(path)
    if suffix == ".safetensors":
        return _read_safetensors(path)
    known = ", ".join(sorted(PICKLED | IMAGES | {".npy", ".npz", ".safetensors"}))
    raise UsageError(encodable(f"files ending in {suffix!r} cannot be read"), where=_show(path), hint=f"known: {known}")


def _read_pickled(path: Path) -> Any:
    try:
        return torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # pickle, zip and tensor errors of many kinds; each means that the file is unfit
        raise UsageError(
            encodable(f"this file cannot be loaded as plain tensors: {_first_line(error)}", 600),
            where=_show(path),
            hint="save a state dict or tensors with torch.save; files that hold code or other objects are refused",
            kind=type(error).__name__,
        ) from None


def _read_numpy(path: Path) -> Any:
    import numpy

    try:
        loaded = numpy.load(path, allow_pickle=False)
        if path.suffix.lower() == ".npy":
            return torch.from_numpy(loaded.copy())
        with loaded:
            return {name: torch.from_numpy(loaded[name].copy()) for name in loaded.files}
    except Exception as error:  # numpy, zip and conversion errors; each means that the file is unfit
        raise _unfit(path, error) from None


def _read_safetensors(path: Path) -> Any:
    try:
        safetensors = importlib.import_module("safetensors.torch")
    except ImportError:
        raise UsageError(
            "reading .safetensors needs the package safetensors", where=_show(path), hint="pip install safetensors"
        ) from None
    try:
        return safetensors.load_file(path, device="cpu")
    except Exception as error:  # the library's own error type is not importable by a stable name
        raise _unfit(path, error) from None


def _read_image(path: Path) -> torch.Tensor:
    from torchvision.io import ImageReadMode, decode_image

    try:
        image: torch.Tensor = decode_image(str(path), mode=ImageReadMode.RGB)
        return image.float() / 255
    except Exception as error:  # decoders report broken files as RuntimeError, ValueError and OSError
        raise _unfit(path, error) from None


def _unfit(path: Path, error: Exception) -> UsageError:
    return UsageError(
        encodable(f"this file cannot be read: {_first_line(error)}", 600), where=_show(path), kind=type(error).__name__
    )


def _first_line(error: Exception) -> str:
    lines = str(error).strip().splitlines()
    return lines[0] if lines else type(error).__name__


def _show(path: Path) -> str:
    return encodable(str(path), 300)
