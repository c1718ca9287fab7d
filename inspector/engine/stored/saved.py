"""What a saved file is, told from its header: names in a zip, first bytes, and what a pickle would import.

Nothing is unpickled and no tensor is read. Suffixes are not looked at: `.pt` is the name of five formats.
"""

from __future__ import annotations

import _compat_pickle
import collections
import io
import itertools
import lzma
import pickletools
import struct
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import IO, Literal

from ...errors import UsageError
from ...files import expand, open_file
from ...files.purposes import WEIGHTS
from .bloat import MAX_IMPORTS, MAX_TEXT, explain_bloat, most_operations, refuse_bloated

Format = Literal["state", "module", "script", "exported", "safetensors", "unknown"]

MAX_PICKLE = 1 << 28
"""Bytes of a pickle that are looked at; that of a state dict with 100,000 tensors has 20 million."""
MAX_HEADER = 100_000_000
"""Bytes of a safetensors header, as its own readers limit it."""

_MAGIC = 0x1950A86A20F9469CFC6C  # the first pickle of a legacy file
_LEGACY_PREAMBLE = 3  # magic number, protocol version and system information, a pickle each
_PREAMBLE_OPERATIONS = 8
"""Within which the magic number comes."""
_MODULE_MARKS = frozenset({"_parameters", "_buffers", "_modules"})  # attributes that a pickled nn.Module has

_EXPORTED = frozenset({"archive_format", "models/model.json", "serialized_exported_program.json"})

_STRINGS = frozenset({"SHORT_BINUNICODE", "BINUNICODE", "BINUNICODE8", "UNICODE"})
_GETS = frozenset({"GET", "BINGET", "LONG_BINGET"})
_PUTS = frozenset({"PUT", "BINPUT", "LONG_BINPUT"})


class _Unreadable(Exception):
    """A pickle that is cut off, too long or no pickle."""


class _Bloated(_Unreadable):
    """A pickle that makes too much. Carries why."""


_UNREADABLE = (
    _Unreadable, OSError, EOFError, zipfile.BadZipFile, zlib.error, lzma.LZMAError, struct.error, ValueError,
    OverflowError, NotImplementedError, RuntimeError,
)  # fmt: skip
"""What reading a zip and a pickle raises where they are broken, encrypted, or packed in a way that is not known."""


@dataclass(frozen=True)
class Saved:
    """`foreign` are the names a pickle would import beyond those that torch holds for plain data."""

    kind: Format
    foreign: tuple[str, ...] = ()
    legacy: bool = False  # pickles and tensors one after another, as before torch 1.6
    compressed: bool = False  # a zip that was packed anew: its tensors do not lie in the file as they are
    bloated: str = ""  # why it is not to be read: it would take far more memory than it has bytes


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


@lru_cache(maxsize=16)
def _look(path: Path, size: int, changed: int) -> Saved:
    """Size and time of change are there to tell a new file from one that was looked at."""
    try:
        with open_file(path, WEIGHTS) as stream:
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
    except _Bloated as error:
        return Saved("state", bloated=str(error))
    except _UNREADABLE:
        return Saved("unknown")
    return Saved("safetensors" if _is_safetensors(start) else "unknown")


def _is_safetensors(start: bytes) -> bool:
    """The length of a JSON object, and its first character."""
    return len(start) > 8 and 2 <= struct.unpack("<Q", start[:8])[0] <= MAX_HEADER and start[8:9] == b"{"


def _in_zip(stream: IO[bytes], size: int) -> Saved:
    with zipfile.ZipFile(stream) as archive:
        bloated = explain_bloat(archive.infolist(), size)
        names = archive.namelist()
        inside = {name.partition("/")[2]: name for name in names}  # all of it lies in one folder
        if _EXPORTED & {*names, *inside}:
            return Saved("exported", bloated=bloated)
        if "constants.pkl" in inside or any(name.startswith("code/") for name in inside):
            return Saved("script", bloated=bloated)
        if "data.pkl" not in inside:
            return Saved("unknown")
        compressed = any(entry.compress_type != zipfile.ZIP_STORED for entry in archive.infolist())
        if bloated:
            return Saved("state", compressed=compressed, bloated=bloated)
        with archive.open(inside["data.pkl"]) as pickled:
            kind, foreign = _in_pickle(_Bounded(pickled, size))
    return Saved(kind, foreign, compressed=compressed)


class _Bounded:
    """The next `MAX_PICKLE` bytes of a stream, and the operations in them: a pickle may claim a string as long as the
    file, and may make an object with every byte.

    Args:
        stream: Stands at the beginning of a pickle.
        size: Of the file that it is in.
    """

    def __init__(self, stream: IO[bytes], size: int) -> None:
        self._stream = stream
        self._left = MAX_PICKLE
        self.most = self.operations = most_operations(size)

    def read(self, size: int) -> bytes:
        return self._take(self._stream.read(self._within(size)))

    def readline(self) -> bytes:
        return self._take(self._stream.readline(min(self._left, 1 << 16)))

    def count(self) -> None:
        """One more operation."""
        self.operations -= 1
        if self.operations < 0:
            raise _Bloated(f"its pickle makes more than {self.most:,} objects")

    def _within(self, size: int) -> int:
        if not 0 <= size <= self._left:
            raise _Unreadable
        if size > MAX_TEXT:
            raise _Bloated(f"a value in its pickle takes {size:,} bytes")
        return size

    def _take(self, found: bytes) -> bytes:
        self._left -= len(found)
        return found


def _in_legacy(stream: IO[bytes], size: int) -> Saved:
    bounded = _Bounded(stream, size)
    if _MAGIC not in [argument for _, argument in itertools.islice(_operations(bounded), _PREAMBLE_OPERATIONS)]:
        return Saved("unknown")
    stream.seek(0)
    bounded = _Bounded(stream, size)
    for _ in range(_LEGACY_PREAMBLE):
        _skip(bounded)
    kind, foreign = _in_pickle(bounded)
    _skip(bounded)  # that of the keys of the tensors
    return Saved(kind, foreign, legacy=True)


def _skip(stream: _Bounded) -> None:
    """Read one pickle, for what it may make."""
    collections.deque(_operations(stream), maxlen=0)


def _in_pickle(stream: _Bounded) -> tuple[Format, tuple[str, ...]]:
    """Whether a pickle is that of a module, and what is foreign in it."""
    imported: dict[str, None] = {}
    marks: set[str] = set()
    for name, is_import in _names(stream):
        if is_import:
            imported[name] = None
        elif name in _MODULE_MARKS:
            marks.add(name)
        if len(imported) > MAX_IMPORTS:
            raise _Bloated(f"its pickle imports more than {MAX_IMPORTS:,} names")
    foreign = tuple(name for name in imported if name not in _plain_names())
    return "module" if foreign and marks == _MODULE_MARKS else "state", foreign


def _names(stream: _Bounded) -> Iterator[tuple[str, bool]]:
    """The strings of a pickle, and what it would import: ("collections.OrderedDict", True).

    A STACK_GLOBAL takes its two strings from the stack, where they were just put or fetched from the memo.
    """
    memo: dict[int, str] = {}
    last: list[str] = ["", ""]
    for name, argument in _operations(stream):
        if name == "GLOBAL":
            module, _, attribute = str(argument).partition(" ")
            yield _modern_name(module, attribute), True
        elif name == "STACK_GLOBAL":
            yield _modern_name(*last), True
        elif name in _STRINGS:
            last = [last[1], str(argument)]
            yield last[1], False
        elif name == "MEMOIZE":
            memo[len(memo)] = last[1]
        elif name in _PUTS and isinstance(argument, int):
            memo[argument] = last[1]
        elif name in _GETS and isinstance(argument, int):
            last = [last[1], memo.get(argument, "")]


def _modern_name(module: str, name: str) -> str:
    """What Python 2 called `__builtin__.set` is `builtins.set`, for `pickle` and for torch."""
    if (module, name) in _compat_pickle.NAME_MAPPING:
        return ".".join(_compat_pickle.NAME_MAPPING[module, name])
    return f"{_compat_pickle.IMPORT_MAPPING.get(module, module)}.{name}"


def _operations(stream: _Bounded) -> Iterator[tuple[str, object]]:
    """Up to the end of one pickle. Raises `_Unreadable`."""
    try:
        for opcode, argument, _ in pickletools.genops(stream):  # type: ignore[arg-type]  # it reads and reads lines
            stream.count()
            yield opcode.name, argument
    except _Bloated:
        raise
    except _UNREADABLE as error:
        raise _Unreadable from error


@lru_cache(maxsize=1)
def _plain_names() -> frozenset[str]:
    """What `torch.load(weights_only=True)` takes of its own accord."""
    from torch import _weights_only_unpickler as unpickler

    return frozenset(unpickler._get_allowed_globals())
