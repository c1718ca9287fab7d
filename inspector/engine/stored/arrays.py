"""`.npy` and `.npz` files. A header may claim an array of any size, so that it is held against the file first."""

from __future__ import annotations

import math
import zipfile
from typing import IO, Any

import numpy
import torch
from numpy.lib import format as npy
from torch import Tensor

from .bloat import explain_bloat

_HEADERS = {(1, 0): npy.read_array_header_1_0, (2, 0): npy.read_array_header_2_0}


class Bloated(Exception):
    """A file that would take far more memory than it has bytes. Carries why."""


def read_array(stream: IO[bytes], size: int) -> Tensor:
    """The array of a .npy file of `size` bytes. Raises `ValueError` and whatever else numpy and torch make of it."""
    shape, _, dtype = _read_header(stream)
    if dtype.hasobject:
        raise ValueError("it holds objects, which are not made")
    if math.prod(shape) * dtype.itemsize > size:
        raise ValueError(f"it claims {math.prod(shape):,} elements of {dtype}, and the file has {size:,} bytes")
    stream.seek(0)
    return torch.from_numpy(npy.read_array(stream, allow_pickle=False).copy())


def read_arrays(stream: IO[bytes], size: int) -> dict[str, Tensor]:
    """The arrays of a .npz file of `size` bytes, by name. Raises as `read_array`, and `Bloated`."""
    with zipfile.ZipFile(stream) as archive:
        why = explain_bloat(archive.infolist(), size)
        if why:
            raise Bloated(why)
        found = {_name(entry): _read_member(archive, entry) for entry in archive.infolist() if _is_array(entry)}
    if not found:
        raise ValueError("there is no array in it")
    return found


def _read_member(archive: zipfile.ZipFile, entry: zipfile.ZipInfo) -> Tensor:
    with archive.open(entry) as member:
        return read_array(member, entry.file_size)


def _is_array(entry: zipfile.ZipInfo) -> bool:
    return entry.filename.endswith(".npy")


def _name(entry: zipfile.ZipInfo) -> str:
    return entry.filename.removesuffix(".npy")


def _read_header(stream: IO[bytes]) -> tuple[tuple[int, ...], bool, numpy.dtype[Any]]:
    version = npy.read_magic(stream)
    read = _HEADERS.get(version)
    if read is None:
        raise ValueError(f"version {'.'.join(map(str, version))} of the format is not known")
    return read(stream)
