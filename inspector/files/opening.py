"""Files that are read because somebody named them."""

from __future__ import annotations

import difflib
import errno
import itertools
import os
import stat
from pathlib import Path
from typing import BinaryIO

from ..errors import UsageError
from ..text import encodable
from .kinds import describe_special, expand
from .purposes import Purpose

_LISTED = 5_000
"""Names of a directory that are looked at for a hint."""
_SHOWN = 5


def check_file(name: str | Path, purpose: Purpose) -> Path:
    """The path of a regular file that is there and not too large; `UsageError` where there is none such."""
    path = expand(name)
    try:
        _check(name, path, os.stat(path), purpose)
    except (OSError, ValueError) as error:
        raise explain(name, path, error) from None
    return path


def open_file(name: str | Path, purpose: Purpose) -> BinaryIO:
    """A regular file, opened. Raises `UsageError`.

    It is asked before (a device may act on being opened) and again afterwards (it may be another one by then).
    """
    path = check_file(name, purpose)
    try:
        stream = open(path, "rb", opener=_open)  # noqa: SIM115  # the caller closes it
    except (OSError, ValueError) as error:
        raise explain(name, path, error) from None
    try:
        _check(name, path, os.fstat(stream.fileno()), purpose)
    except BaseException:
        stream.close()
        raise
    return stream


def read_file(name: str | Path, purpose: Purpose) -> bytes:
    """All bytes of a regular file. Raises `UsageError`, also where it grew too large while it was read."""
    with open_file(name, purpose) as stream:
        try:
            data = stream.read(purpose.most + 1)
        except OSError as error:
            raise explain(name, expand(name), error) from None
    _check_size(name, len(data), purpose)
    return data


def _open(path: str, flags: int) -> int:
    """Opening a named pipe would wait for somebody who writes to it."""
    return os.open(path, flags | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC)


def _check(name: str | Path, path: Path, status: os.stat_result, purpose: Purpose) -> None:
    if stat.S_ISDIR(status.st_mode):
        raise UsageError(encodable(f"{name} is a directory, not a file", 500), hint=_list_files(path))
    special = describe_special(status.st_mode)
    if special:
        ends = stat.S_ISFIFO(status.st_mode)  # what comes out of a device need not
        copied = f"put what comes out of it into a file: cat {name} > FILE"
        raise UsageError(
            encodable(f"{name} is {special}, not a regular file", 500),
            hint=encodable(copied if ends else "name a regular file", 300),
        )
    _check_size(name, status.st_size, purpose)


def _check_size(name: str | Path, size: int, purpose: Purpose) -> None:
    if size > purpose.most:
        raise UsageError(
            encodable(f"{name} is too large for {purpose.what}", 500),
            where=f"it has {size:,} bytes, and may have {purpose.most:,}",
            hint="check that it is the file you mean",
        )


def explain(name: str | Path, path: Path, error: OSError | ValueError) -> UsageError:
    """Why a file cannot be had."""
    code = error.errno if isinstance(error, OSError) else None
    if code == errno.ENOENT and os.path.islink(path):
        return UsageError(
            encodable(f"{name} is a link to {os.readlink(path)}, which is not there", 500),
            hint=encodable(f"ls -l {path}", 300),
        )
    if code in (errno.ENOENT, errno.ENOTDIR):
        return UsageError(encodable(f"there is no file {name}", 500), hint=_nearest(path))
    if code == errno.ENAMETOOLONG:
        return UsageError(
            encodable(f"this name is longer than a file may have: {name}", 300), hint="check what was typed"
        )
    if code == errno.ELOOP:
        return UsageError(encodable(f"{name} is a link that leads to itself", 500), hint="name the file itself")
    if code in (errno.EACCES, errno.EPERM):
        return UsageError(
            encodable(f"{name} may not be read: {os.strerror(code)}", 500),
            hint=encodable(f"ls -l {path} says who may", 300),
        )
    why = error.strerror if isinstance(error, OSError) and error.strerror else error
    return UsageError(encodable(f"{name} cannot be opened: {why}", 500), hint="check the name")


def _list_files(path: Path) -> str:
    names = sorted(str(path / entry.name) for entry in _entries(path) if entry.is_file())
    more = ", …" if len(names) > _SHOWN else ""
    return encodable(f"name one in it: {', '.join(names[:_SHOWN])}{more}" if names else "name a file in it", 500)


def _nearest(path: Path) -> str:
    if not os.path.isdir(path.parent):
        return encodable(f"there is no directory {path.parent}", 300)
    close = difflib.get_close_matches(path.name[:255], [entry.name for entry in _entries(path.parent)], 1)
    listed = f"ls {path.parent} shows what is there"
    return encodable(f"did you mean {path.with_name(close[0])}?" if close else listed, 300)


def _entries(directory: Path) -> list[os.DirEntry[str]]:
    try:
        with os.scandir(directory) as entries:
            return list(itertools.islice(entries, _LISTED))
    except OSError:
        return []
