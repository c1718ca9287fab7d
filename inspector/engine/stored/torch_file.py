"""What `torch.save` wrote, read without running anything of it, and where it can be without reading the tensors.

The pickle of a file is read with every tensor on the meta device; torch tells where in the file each one lies, and
there it is mapped. `mmap=True` would reserve memory for the whole file, and fails on one larger than the memory: it is
left for tensors that cannot be made without values.
"""

from __future__ import annotations

import struct
import sys
import warnings
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from ...errors import UsageError
from ...files import open_file
from ...files.purposes import WEIGHTS
from ...text import encodable
from ..usercode.reading import open_counted
from ..values.nested import tensors_in
from ..values.unread import Held, Unread
from .bloat import explain_size, refuse_bloated
from .claims import read_claims
from .mapped import MappedFile
from .quick_pickle import Quick, unpickle_quickly
from .refusal import explain_refusal
from .saved import FETCH_AGAIN, UNREADABLE, Members, Saved
from .stand_ins import standing_in, without_filling

_PLAIN = (Tensor, torch.nn.Parameter)
_LENGTHS = struct.Struct("<HH")  # of the name and of what follows it, in the header of a zip's member

Seat = Callable[[Tensor], Held]


@dataclass(frozen=True)
class Read:
    """The value of a file. `find` gives the tensor that a tensor in `value` stands for, or where it lies; it raises
    `ValueError` where that is nowhere."""

    path: Path
    value: Any
    find: Seat
    notes: tuple[str, ...] = ()

    def seat(self, tensor: Tensor) -> Held:
        """What `find` gives. Raises `UsageError`, which says what is wrong with the file."""
        try:
            return self.find(tensor)
        except ValueError as error:
            raise _contradict(self.path, f"a tensor {error}") from None


def read_saved(path: Path, saved: Saved) -> Read:
    """The value in a file of the kind "state".

    Raises:
        UsageError: It holds code or objects that torch refuses, or is broken.
    """
    if saved.bloated:
        raise refuse_bloated(path.name, saved.bloated)
    notes = _foreign_note(saved)
    if saved.legacy or saved.compressed:
        why = "in the format of torch before 1.6" if saved.legacy else "compressed"
        value = _read_whole(path, saved)
        return Read(path, value, _as_it_is, (*notes, f"saved {why}: its tensors were read when it was opened"))
    return (
        _read_quickly(path, saved, notes)
        or _read_lazily(path, saved, notes)
        or Read(path, _load(path, saved, mmap=_is_whole(path, saved), map_location="cpu"), _as_it_is, notes)
    )


def _read_quickly(path: Path, saved: Saved, notes: tuple[str, ...]) -> Read | None:
    """None where there is more in the file than plain tensors and values: torch knows the rest, and takes its time."""
    try:
        quick = _unpickle(saved.members, MappedFile(path))
    except (KeyError, *UNREADABLE):
        return None
    return Read(path, quick.value, quick.seat, notes) if quick is not None else None


def _is_whole(path: Path, saved: Saved) -> bool:
    """Whether every storage is known to have been saved to its end: torch maps what lies behind it as well. Raises
    `UsageError` where one is known not to have been."""
    folder = _folder_of(saved.members)
    try:
        claims = read_claims(_read_member(MappedFile(path), *saved.members[f"{folder}/data.pkl"]))
        sizes = [(claimed, saved.members[f"{folder}/data/{key}"][1]) for key, claimed in claims.items()]
    except (KeyError, ValueError):
        return False
    for claimed, size in sizes:
        if claimed > size:
            raise _contradict(path, f"a storage has {claimed:,} bytes, of which {size:,} were saved")
    return True


def _contradict(path: Path, why: str) -> UsageError:
    return UsageError(
        encodable(f"{path.name} is cut off, or contradicts itself: {why}", 400),
        where=encodable(str(path), 300),
        hint=FETCH_AGAIN,
    )


def _folder_of(members: Members) -> str:
    return next(iter(members), "").partition("/")[0]


def _unpickle(members: Members, file: MappedFile) -> Quick | None:
    """Raises `KeyError` where the zip is not laid out as torch does it."""
    folder = _folder_of(members)
    order = f"{folder}/byteorder"
    if order in members and _read_member(file, *members[order]) != sys.byteorder.encode():
        return None
    begin = f"{folder}/data/"
    records = {
        name.removeprefix(begin): _find_place(file, *member)
        for name, member in members.items()
        if name.startswith(begin)
    }
    return unpickle_quickly(_read_member(file, *members[f"{folder}/data.pkl"]), file, records)


def _read_member(file: MappedFile, header: int, size: int) -> bytes:
    start, _ = _find_place(file, header, size)
    return file.read(start, start + size)


def _read_whole(path: Path, saved: Saved) -> Any:
    """The value, with all its tensors in memory. Raises `UsageError`."""
    with open_counted(path, WEIGHTS) as stream:
        value = _load(stream, saved, map_location="cpu")
    check_storages(path, value)
    return value


def check_storages(path: Path, value: Any) -> None:
    """A tensor may claim more elements than were saved: torch makes room for them. Raises `UsageError`."""
    storages = {id(storage): storage.nbytes() for storage in map(_storage_of, tensors_in(value)) if storage is not None}
    why = explain_size(storages.values(), path.stat().st_size)
    if why:
        raise refuse_bloated(path.name, why)


def _storage_of(tensor: Tensor) -> torch.UntypedStorage | None:
    plain = type(tensor) in _PLAIN and tensor.layout is torch.strided and not tensor.is_meta
    return tensor.untyped_storage() if plain else None


def _read_lazily(path: Path, saved: Saved, notes: tuple[str, ...]) -> Read | None:
    """None where torch cannot make a tensor of it without values: a quantized, sparse or nested one."""
    try:
        with open_file(path, WEIGHTS) as stream:
            value = _load(stream, saved, map_location="meta")
        seats = _Seats(path)
        for tensor in tensors_in(value):
            seats.check(tensor)
    except (UsageError, _NoSeat, *UNREADABLE):
        return None
    return Read(path, value, seats.seat, notes)


def _load(source: Any, saved: Saved, **how: Any) -> Any:
    """Raises `UsageError`."""
    try:
        with standing_in(saved.foreign), without_filling(), warnings.catch_warnings():
            warnings.simplefilter("ignore")  # on old formats and protocols, which are no concern of who only looks
            return torch.load(source, weights_only=True, **how)
    except Exception as error:  # pickle, zip and tensor errors of many kinds; each means that the file is unfit
        name = str(getattr(source, "name", source))
        raise UsageError(
            encodable(f"{Path(name).name} cannot be read: {explain_refusal(error)}", 600),
            where=encodable(name, 300),
            hint="only tensors and plain values are read; a file that wants other objects must be saved anew",
            kind=type(error).__name__,
        ) from None


def _foreign_note(saved: Saved) -> tuple[str, ...]:
    if not saved.foreign:
        return ()
    more = f" and {len(saved.foreign) - 4} more" if len(saved.foreign) > 4 else ""
    names = ", ".join(saved.foreign[:4])
    return (encodable(f"objects of other classes were not made, and their code was not run: {names}{more}", 400),)


def _as_it_is(tensor: Tensor) -> Tensor:
    return tensor


class _NoSeat(Exception):
    """A tensor that is nowhere in the file as it is."""


class _Seats:
    """Where in the file the tensors lie that were read onto the meta device."""

    def __init__(self, path: Path) -> None:
        """Raises `_NoSeat` where torch's reckoning of places would not hold."""
        self._file = MappedFile(path)
        self._sizes = _records(path, self._file)

    def check(self, tensor: Tensor) -> None:
        """Raises `_NoSeat` where `seat` would."""
        self._start(tensor)

    def seat(self, tensor: Tensor) -> Held:
        start = self._start(tensor)
        self._file.check(tensor.dtype, tensor.shape, start, tensor.stride())
        unread = Unread(self._file, tensor.dtype, tuple(tensor.shape), start, tensor.stride())
        if not tensor.is_conj() and not tensor.is_neg():
            return unread
        seated = unread.read().conj() if tensor.is_conj() else unread.read()
        return torch._neg_view(seated) if tensor.is_neg() else seated

    def _start(self, tensor: Tensor) -> int:
        """The byte of its first element."""
        if type(tensor) not in _PLAIN or tensor.layout is not torch.strided or not tensor.is_meta:
            raise _NoSeat
        if not tensor.numel():
            return 0
        storage = tensor.untyped_storage()
        record = getattr(storage, "_checkpoint_offset", None)  # what was saved without values has none
        if record is None or storage.nbytes() > self._sizes.get(record, -1):
            raise _NoSeat
        return int(record) + int(tensor.storage_offset()) * tensor.dtype.itemsize


def _records(path: Path, file: MappedFile) -> dict[int, int]:
    """Offset and size of each tensor's bytes. Raises `_NoSeat` where they are not in the order in which torch writes
    them and reckons with."""
    with open_file(path, WEIGHTS) as stream, zipfile.ZipFile(stream) as archive:
        entries = [entry for entry in archive.infolist() if "/data/" in entry.filename]
        entries.sort(key=lambda entry: entry.header_offset)
        names = [entry.filename.rpartition("/")[2] for entry in entries]
        if names != [str(number) for number in range(len(names))]:
            raise _NoSeat
        return dict(_find_place(file, entry.header_offset, entry.file_size) for entry in entries)


def _find_place(file: MappedFile, header: int, size: int) -> tuple[int, int]:
    """First byte and size of a member: behind its local header, whose names may be longer than those of the directory.
    Raises `ValueError` where that is beyond the file."""
    name, extra = _LENGTHS.unpack(file.read(header + 26, header + 30))
    start = header + 30 + int(name) + int(extra)
    if start + size > file.size:
        raise ValueError(f"a member ends {start + size - file.size:,} bytes beyond the file")
    return start, size
