"""`net.pt`: TorchScript archives, scripted or traced.

They are programs, run by torch's own interpreter and never by Python: `torch.jit.load` imports no Python name, and its
unpickler makes tensors, plain values and TorchScript classes only (`__setstate__` in it is TorchScript as well). Such a
program can compute, and with a few operations it can write to any file: those ask for trust, all others do not.
"""

from __future__ import annotations

import re
import warnings
import zipfile
import zlib
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Any

import torch

from ....errors import UsageError
from ....files import check_file
from ....files.purposes import PROGRAM
from ....text import encodable
from ...stored.bloat import most_operations, refuse_bloated
from ...stored.claims import read_claims
from ...stored.opcodes import BloatedError, UnreadableError, tell
from ...stored.saved import look_closely, what_is
from ...usercode import arguments
from ...usercode.reading import read_ahead
from ...usercode.running import reported
from ..target import Built, Loader, Wanted
from .trust import demand

_ON_FILES = re.compile(r"\b(save|from_file|read_file|write_file|rpc_\w+)\b")
_HIDDEN = re.compile(r"getattr\([^)\n]*\\")
"""An attribute whose name is spelled with escapes."""
_SPACES = re.compile(r"(?<![\w.])ops\b(?:\s*\.\s*(\w+))?")
"""Operations by their library; a package called `ops` has a name before it."""
_WORDS = re.compile(r'\s*_\d+ = "(?:[^"\\]|\\.)*"')
"""A line that is one string, as torch prints those of messages; not where the line before goes on in it."""
_KNOWN = frozenset({"aten", "prim", "prims", "quantized", "_quantized", "torchvision", "sparse", "mkldnn", "rngprims"})

NOTE = "TorchScript: torch refuses hooks on it; its tree, parameters, code and output are shown"


def _claims(text: str) -> bool:
    return what_is(text) == "script"


def _build(wanted: Wanted) -> Built:
    path = check_file(wanted.text, PROGRAM)
    look_closely(path)
    for key, _ in wanted.target.arguments:
        raise arguments.refusal(wanted.text, key, [])
    demand(
        wanted,
        "is TorchScript that can do more than compute when it runs, such as write files",
        list(dict.fromkeys(_reasons(path))),
    )
    read_ahead(path, PROGRAM)
    with reported(f"{wanted.text} could not be loaded:"), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that torch.jit is deprecated is no news for somebody who has such a file
        model = torch.jit.load(path, map_location="cpu")  # type: ignore[no-untyped-call]
    return Built(model, (NOTE,))


def _reasons(path: Path) -> Iterator[str]:
    """Operations in the code of an archive that reach beyond the process, read by the reader that torch loads with."""
    try:
        reader = torch._C.PyTorchFileReader(str(path))
        names = reader.get_all_records()
        sums = _read_sums(path)
        for name in names:
            if name.endswith("pkl"):
                data = reader.get_record(name)
                _check_pickle(path, name, data, sums.get(name, ()))
                _check_storages(path, reader, name, data)
        code = [(name, _text(reader, name)) for name in names if name.startswith("code/") and name.endswith(".py")]
    except (RuntimeError, UnicodeDecodeError, zipfile.BadZipFile) as error:  # of a name that is no UTF-8
        raise _unreadable(path, str(error).partition("\n")[0], type(error).__name__) from None
    for name, text in code:
        yield from _in_code(name, text)


def _read_sums(path: Path) -> dict[str, list[int]]:
    """The checksums of the members, which torch does not look at."""
    sums: dict[str, list[int]] = {}
    with zipfile.ZipFile(path) as archive:
        for entry in archive.infolist():
            sums.setdefault(entry.filename.partition("/")[2], []).append(entry.CRC)
    return sums


def _check_pickle(path: Path, name: str, data: bytes, sums: Collection[int]) -> None:
    """torch's unpickler makes room for as many bytes as a string claims to have before it looks for them, and takes
    what lies in a place for what belongs there, which may end the process."""
    if zlib.crc32(data) not in sums:
        raise _unreadable(path, f"{name} in it is damaged", "BadChecksum")
    try:
        tell(data, 0, len(data), most_operations(len(data)))
    except BloatedError as error:
        raise refuse_bloated(path.name, str(error)) from None
    except (UnreadableError, ValueError):  # ValueError: names that are no text
        raise _unreadable(path, f"{name} in it is cut off or damaged", "UnreadableError") from None


def _check_storages(path: Path, reader: Any, name: str, data: bytes) -> None:
    """Those of `data.pkl` lie in `data/`."""
    folder, dot, _ = name.rpartition(".pkl")
    if not dot or folder not in ("data", "constants"):
        return
    try:
        claims = read_claims(data)
    except ValueError as error:
        raise _unreadable(path, f"{name} in it is damaged: {error}", "UnreadableError") from None
    for key, nbytes in claims.items():
        record = f"{folder}/{key}"
        if nbytes and (not reader.has_record(record) or nbytes > _size_of(reader, record)):
            raise _unreadable(path, f"{name} in it claims {nbytes:,} bytes of {record}, which has not so many", "Claim")


def _size_of(reader: Any, record: str) -> int:
    known = getattr(reader, "get_record_size", None)  # of torch 2.7 and later
    return int(known(record)) if known is not None else len(reader.get_record(record))


def _unreadable(path: Path, why: str, kind: str) -> UsageError:
    hint = "save it again with torch.jit.save, or fetch it again"
    return UsageError(encodable(f"{path} cannot be read: {why}", 400), hint=hint, kind=kind)


def _in_code(name: str, code: str) -> Iterator[str]:
    before = ""
    for number, line in enumerate(code.split("\n"), 1):
        before, goes_on = line, before.endswith("\\")
        if _WORDS.fullmatch(line) and not goes_on:
            continue
        unknown = [space for space in _SPACES.findall(line) if space not in _KNOWN]
        if _ON_FILES.search(line) or _HIDDEN.search(line) or unknown:
            yield f"{name}:{number}: {line.strip()}"


def _text(reader: Any, name: str) -> str:
    data: bytes = reader.get_record(name)
    return data.decode("utf-8", "replace")


LOADER = Loader(_claims, _build)
