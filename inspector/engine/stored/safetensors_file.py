"""Safetensors files, from their header: an 8-byte length, JSON with names, dtypes, shapes and offsets, then the bytes.

The header is read here and not with the library, which takes a file whole or not at all and says little of what is
wrong with it.
"""

from __future__ import annotations

import math
import struct
from collections import Counter
from dataclasses import dataclass
from operator import attrgetter
from pathlib import Path
from typing import Any, NamedTuple, TypeGuard

import torch
from torch import Tensor

from ...errors import UsageError
from ...files import parse_json
from ...text import encodable
from ...value_text import shape_text
from ..values.unread import Unread
from .mapped import MappedFile
from .quick_header import METADATA, SIZES, parse_quickly
from .saved import FETCH_AGAIN, MAX_HEADER

MAX_DIMENSIONS = 64
"""That torch can compute with."""

_LENGTH = 8

_NAMES = {
    "BOOL": "bool", "U8": "uint8", "I8": "int8", "U16": "uint16", "I16": "int16", "U32": "uint32", "I32": "int32",
    "U64": "uint64", "I64": "int64", "F16": "float16", "BF16": "bfloat16", "F32": "float32", "F64": "float64",
    "C64": "complex64", "F8_E5M2": "float8_e5m2", "F8_E4M3": "float8_e4m3fn", "F8_E8M0": "float8_e8m0fnu",
    "F8_E4M3FNUZ": "float8_e4m3fnuz", "F8_E5M2FNUZ": "float8_e5m2fnuz",
}  # fmt: skip
DTYPES: dict[str, torch.dtype] = {
    name: getattr(torch, dtype)
    for name, dtype in _NAMES.items()
    if isinstance(getattr(torch, dtype, None), torch.dtype)
}


@dataclass(frozen=True)
class Contents:
    """What a safetensors file holds."""

    unread: dict[str, Unread]
    metadata: dict[str, str]
    notes: tuple[str, ...] = ()

    @property
    def tensors(self) -> dict[str, Tensor]:
        """Their values are read when they are looked at."""
        return {name: unread.read() for name, unread in self.unread.items()}


class _Place(NamedTuple):
    """One entry of the header; `start` and `stop` count from the beginning of the file."""

    name: str
    dtype: str
    shape: tuple[int, ...]
    start: int
    stop: int


def read_safetensors(path: Path) -> Contents:
    """Names, shapes and metadata of a file, checked against its size; no tensor is read.

    Raises:
        UsageError: It is no safetensors file, is cut off, or contradicts itself.
    """
    try:
        file = MappedFile(path)
    except OSError as error:
        raise _unfit(path, f"it cannot be opened: {error.strerror}") from None
    try:
        return _read(path, file)
    except BaseException:
        file.close()  # an error holds on to it as long as somebody holds on to the error
        raise


def _read(path: Path, file: MappedFile) -> Contents:
    data, begin = _header(path, file)
    places, metadata = _places(path, data, begin)
    _check_places(path, places, begin, file.size)
    notes = [f"{p.name}: {p.dtype} is no dtype of this torch; shown as bytes" for p in places if p.dtype not in DTYPES]
    unread = {place.name: _unread(file, place) for place in places}
    return Contents(unread, {str(key): str(value) for key, value in metadata.items()}, _few(notes))


def _header(path: Path, file: MappedFile) -> tuple[bytes, int]:
    """The JSON of the header, and where the bytes of the tensors begin."""
    if file.size < _LENGTH:
        raise _unfit(path, f"it has {file.size} bytes, too few for a safetensors header")
    (length,) = struct.unpack("<Q", file.read(0, _LENGTH))
    begin = _LENGTH + length
    if length > MAX_HEADER:
        raise _unfit(path, f"it begins with no safetensors header: {length:,} bytes is more than one may have")
    if begin > file.size:
        raise _unfit(path, f"its header should have {length:,} bytes, but the file ends after {file.size - _LENGTH:,}")
    return file.read(_LENGTH, begin), begin


def _places(path: Path, data: bytes, begin: int) -> tuple[list[_Place], dict[str, Any]]:
    """What a header says, and the metadata in it."""
    quick = parse_quickly(data)
    header: dict[str, Any] = {METADATA: _parse(path, quick[1] or b"{}")} if quick is not None else _parse(path, data)
    if not isinstance(header, dict):
        raise _unfit(path, "its header is no JSON object")
    metadata = header.pop(METADATA, {})
    if not isinstance(metadata, dict):
        raise _unfit(path, f"its {METADATA} is no object")
    if quick is None:
        return [_place(path, name, entry, begin) for name, entry in header.items()], metadata
    return [
        _Place(name, entry.dtype, entry.shape, begin + entry.data_offsets[0], begin + entry.data_offsets[1])
        for name, entry in quick[0].items()
    ], metadata


def _parse(path: Path, data: bytes) -> Any:
    try:
        return parse_json(data, _unique)
    except ValueError as error:
        raise _unfit(path, f"its header cannot be read: {error}") from None


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        ((twice, _),) = Counter(name for name, _ in pairs).most_common(1)
        raise ValueError(f"the name {twice!r} is there twice")
    return found


def _place(path: Path, name: str, entry: Any, begin: int) -> _Place:
    fields: dict[str, Any] = entry if isinstance(entry, dict) else {}
    dtype, shape, offsets = fields.get("dtype"), fields.get("shape"), fields.get("data_offsets")
    if not isinstance(dtype, str) or not _are_sizes(shape) or not _are_sizes(offsets) or len(offsets) != 2:
        raise _unfit(path, f"the entry {name!r} of its header is not a dtype, a shape and two offsets")
    return _Place(name, dtype, tuple(shape), begin + offsets[0], begin + offsets[1])


def _are_sizes(value: Any) -> TypeGuard[list[int]]:
    return isinstance(value, list) and all(type(size) is int and 0 <= size < SIZES for size in value)


def _can_be(shape: tuple[int, ...]) -> bool:
    """Sizes of which torch can make a tensor: it counts elements in 64 bits, also where one size is 0."""
    return len(shape) <= MAX_DIMENSIONS and math.prod(max(size, 1) for size in shape) < 1 << 59


def _check_places(path: Path, places: list[_Place], begin: int, size: int) -> None:
    takes: dict[tuple[str, tuple[int, ...]], int] = {}  # bytes of what was found right
    for place in places:
        form, held = (place.dtype, place.shape), place.stop - place.start
        if takes.get(form) != held or place.stop > size:
            _check_place(path, place, begin, size)
            takes[form] = held
    last: _Place | None = None
    filled = (place for place in places if place.start < place.stop)
    for place in sorted(filled, key=attrgetter("start")):
        if last is not None and place.start < last.stop:
            raise _unfit(path, f"the tensors {last.name!r} and {place.name!r} overlap")
        last = place


def _check_place(path: Path, place: _Place, begin: int, size: int) -> None:
    held = place.stop - place.start
    if held < 0:
        raise _unfit(path, f"the tensor {place.name!r} ends before it begins")
    if place.stop > size:
        raise _unfit(
            path,
            f"the tensor {place.name!r} lies at bytes {place.start - begin:,} to {place.stop - begin:,}, "
            f"but the file holds {size - begin:,} after its header",
            hint="it is cut off or was not fully downloaded: fetch it again",
        )
    if not _can_be(place.shape):
        raise _unfit(path, f"the tensor {place.name!r} cannot be {_brief(place.shape)}: torch does not count so far")
    dtype = DTYPES.get(place.dtype)
    if dtype is not None and math.prod(place.shape) * dtype.itemsize != held:
        what = f"{shape_text(place.shape)} {place.dtype}"
        raise _unfit(path, f"the tensor {place.name!r} is {what}, which does not take {held:,} bytes")


def _brief(shape: tuple[int, ...]) -> str:
    return f"{shape_text(shape[:8])}{'×…' if len(shape) > 8 else ''}"


def _unread(file: MappedFile, place: _Place) -> Unread:
    dtype = DTYPES.get(place.dtype)
    if dtype is None:
        return Unread(file, torch.uint8, (place.stop - place.start,), place.start)
    return Unread(file, dtype, place.shape, place.start)


def _few(notes: list[str], shown: int = 5) -> tuple[str, ...]:
    more = (f"and {len(notes) - shown} more of them",) if len(notes) > shown else ()
    return (*notes[:shown], *more)


def _unfit(path: Path, why: str, hint: str = FETCH_AGAIN) -> UsageError:
    return UsageError(
        encodable(f"{path.name} is no sound safetensors file: {why}", 600), where=encodable(str(path), 300), hint=hint
    )
