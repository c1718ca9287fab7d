"""What a saved file is, told from its header: names in a zip, first bytes, and what a pickle would import.

Nothing is unpickled and no tensor is read. Suffixes are not looked at: `.pt` is the name of five formats.
"""

from __future__ import annotations

import _compat_pickle
import io
import lzma
import mmap
import struct
import zipfile
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import IO, Literal

from ...errors import UsageError
from ...files import expand, open_file
from ...files.purposes import WEIGHTS
from ..values.collector import without_collector
from .bloat import explain_bloat, most_operations, refuse_bloated
from .opcodes import BloatedError, Bytes, Told, UnreadableError, tell

Format = Literal["state", "module", "script", "exported", "safetensors", "unknown"]

MAX_PICKLE = 1 << 28
"""Bytes of a pickle that are looked at; that of a state dict with 100,000 tensors has 20 million."""
MAX_HEADER = 100_000_000
"""Bytes of a safetensors header, as its own readers limit it."""

FETCH_AGAIN = "fetch it again, or save it anew"
"""What to do about a file that is cut off or contradicts itself."""

_MAGIC = b"\x8a\x0a" + 0x1950A86A20F9469CFC6C.to_bytes(10, "little")  # in the first pickle of a legacy file
_PREAMBLE_BYTES = 64
"""Within which the magic number comes."""
_LEGACY_PREAMBLE = 3  # magic number, protocol version and system information, a pickle each
_MODULE_MARKS = frozenset({"_parameters", "_buffers", "_modules"})  # attributes that a pickled nn.Module has

_EXPORTED = frozenset({"archive_format", "models/model.json", "serialized_exported_program.json"})

UNREADABLE = (
    UnreadableError, OSError, EOFError, zipfile.BadZipFile, zlib.error, lzma.LZMAError, struct.error, ValueError,
    OverflowError, NotImplementedError, RuntimeError,
)  # fmt: skip
"""What reading a zip and a pickle raises where they are broken, encrypted, or packed in a way that is not known."""


Members = Mapping[str, tuple[int, int]]
"""Of a zip in the order of its directory: where the header of each begins, and its bytes. To read a directory of
300,000 takes as long as all else that is done to open it."""


@dataclass(frozen=True)
class Saved:
    """`foreign` are the names a pickle would import beyond those that torch holds for plain data."""

    kind: Format
    foreign: tuple[str, ...] = ()
    legacy: bool = False  # pickles and tensors one after another, as before torch 1.6
    compressed: bool = False  # a zip that was packed anew: its tensors do not lie in the file as they are
    bloated: str = ""  # why it is not to be read: it would take far more memory than it has bytes
    members: Members = field(default_factory=dict, compare=False, repr=False)  # of a zip with a state


def what_is(path: Path | str) -> Format:
    """The kind of a file; "unknown" for what is no file, is broken, or is none of these.

    "state" is a pickle of plain data and tensors, which may hold a few objects of other classes beside them; "module"
    one with an `nn.Module` in it; "script" a TorchScript archive; "exported" a program of `torch.export`.
    """
    return look(path).kind


def look(path: Path | str) -> Saved:
    """`what_is` with what more the header tells."""
    path = expand(path)
    try:
        status = path.stat()
    except (OSError, ValueError):  # ValueError: a null byte in the name
        return Saved("unknown")
    return _look(path, status.st_size, status.st_mtime_ns)


def look_closely(path: Path) -> Saved:
    """`look`, for who is going to read the file. Raises `UsageError` where it would take too much memory."""
    saved = look(path)
    if saved.bloated:
        raise refuse_bloated(path.name, saved.bloated)
    return saved


def look_inside(data: bytes) -> Saved:
    """`look` at a file that lies in another one."""
    return _look_at(io.BytesIO(data), len(data))


@lru_cache(maxsize=4)
def _look(path: Path, size: int, changed: int) -> Saved:
    """Size and time of change are there to tell a new file from one that was looked at."""
    try:
        with open_file(path, WEIGHTS) as stream, without_collector():
            return _look_at(stream, size)
    except (OSError, UsageError):
        return Saved("unknown")


def _look_at(stream: IO[bytes], size: int) -> Saved:
    try:
        start = stream.read(16)
        if start.startswith(b"PK\x03\x04"):
            return _in_zip(stream, size)
        if start.startswith(b"\x80"):
            stream.seek(0)
            return _in_legacy(stream, size)
    except BloatedError as error:
        return Saved("state", bloated=str(error))
    except UNREADABLE:
        return Saved("unknown")
    return Saved("safetensors" if _is_safetensors(start) else "unknown")


def _is_safetensors(start: bytes) -> bool:
    """The length of a JSON object, and its first character."""
    return len(start) > 8 and 2 <= struct.unpack("<Q", start[:8])[0] <= MAX_HEADER and start[8:9] == b"{"


def _in_zip(stream: IO[bytes], size: int) -> Saved:
    with zipfile.ZipFile(stream) as archive:
        entries = archive.infolist()
        bloated = explain_bloat(entries, size)
        names = [entry.filename for entry in entries]
        if not names:
            return Saved("unknown")
        inside = {name.partition("/")[2]: name for name in names}  # all of it lies in one folder
        if _EXPORTED & {*names, *inside}:
            return Saved("exported", bloated=bloated)
        if "constants.pkl" in inside or any(name.startswith("code/") for name in inside):
            return Saved("script", bloated=bloated)
        pickle_name = f"{names[0].partition('/')[0]}/data.pkl"  # as torch finds it
        if pickle_name not in names:
            return Saved("unknown")
        compressed = any(entry.compress_type != zipfile.ZIP_STORED for entry in entries)
        if bloated:
            return Saved("state", compressed=compressed, bloated=bloated)
        with archive.open(pickle_name) as pickled:
            told = _tell(pickled.read(MAX_PICKLE), 0, size)
        members = {entry.filename: (entry.header_offset, entry.file_size) for entry in entries}
    return Saved(*_describe(told), compressed=compressed, members=members)


def _in_legacy(stream: IO[bytes], size: int) -> Saved:
    data = _all_of(stream)
    if _MAGIC not in data[:_PREAMBLE_BYTES]:
        return Saved("unknown")
    at = 0
    for _ in range(_LEGACY_PREAMBLE):
        at = _tell(data, at, size).end
    told = _tell(data, at, size)
    _tell(data, told.end, size)  # that of the keys of the tensors
    return Saved(*_describe(told), legacy=True)


def _all_of(stream: IO[bytes]) -> Bytes:
    if isinstance(stream, io.BytesIO):
        return stream.getvalue()
    return mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ)


def _tell(data: Bytes, start: int, size: int) -> Told:
    """What a pickle in a file of `size` bytes does. Raises `UnreadableError`."""
    return tell(data, start, start + MAX_PICKLE, most_operations(size), _MODULE_MARKS)


def _describe(told: Told) -> tuple[Format, tuple[str, ...]]:
    """Whether a pickle is that of a module, and what is foreign in it."""
    imported = dict.fromkeys(_modern_name(*each) for each in told.imports)
    foreign = tuple(name for name in imported if name not in _plain_names())
    return "module" if foreign and told.marks == _MODULE_MARKS else "state", foreign


def _modern_name(module: str, name: str) -> str:
    """What Python 2 called `__builtin__.set` is `builtins.set`, for `pickle` and for torch."""
    if (module, name) in _compat_pickle.NAME_MAPPING:
        return ".".join(_compat_pickle.NAME_MAPPING[module, name])
    return f"{_compat_pickle.IMPORT_MAPPING.get(module, module)}.{name}"


@lru_cache(maxsize=1)
def _plain_names() -> frozenset[str]:
    """What `torch.load(weights_only=True)` takes of its own accord."""
    from torch import _weights_only_unpickler as unpickler

    return frozenset(unpickler._get_allowed_globals())
