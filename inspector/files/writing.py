"""Files that are written: whole or not at all, private to their owner, and never through a link to somewhere else."""

from __future__ import annotations

import contextlib
import errno
import os
import secrets
from collections.abc import Iterable
from pathlib import Path

from ..errors import UsageError
from ..text import encodable
from .kinds import expand, is_directory, is_there

_HOW = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
_DESCRIPTORS = "/proc/self/fd"
_UNNAMED = getattr(os, "O_TMPFILE", 0) if os.path.isdir(_DESCRIPTORS) else 0
"""Of a file that has no name yet: nothing is left of it, however this process ends. 0 where there are none such."""
_NO_LINKS = (errno.EPERM, errno.ENOTSUP, errno.ENOSYS, errno.EMLINK)
"""What a file system says that has no hard links."""


def check_new(name: str | Path) -> Path:
    """The path of a file that can be made. Raises `UsageError` where one is there, or none can be."""
    path = expand(name)
    try:
        os.lstat(path)
    except FileNotFoundError:
        if not is_directory(path.parent):
            raise _refuse(name, f"there is no directory {path.parent}") from None
        if not os.access(path.parent, os.W_OK | os.X_OK):
            raise _refuse(name, f"nothing may be written in {path.parent}") from None
        return path
    except (OSError, ValueError) as error:
        raise _refuse(name, _reason(error)) from None
    raise UsageError(encodable(f"{name} is there already, and is not replaced", 300), hint="take another name")


def write_new(name: str | Path, data: bytes | Iterable[bytes | memoryview]) -> None:
    """Create a file; one that is there is never replaced, nor is anything else. Raises `UsageError`.

    It is written under another name beside and then gets its own, so that nobody ever sees a part of it.

    Args:
        name: Of the file.
        data: All of it, or one piece after the other. What comes out of the pieces is raised, and nothing is left.
    """
    path = check_new(name)
    try:
        fresh = _write_beside(path, data)
        try:
            _give_name(fresh, path)
        finally:
            with contextlib.suppress(FileNotFoundError):
                fresh.unlink()
    except FileExistsError:
        raise UsageError(
            encodable(f"{name} is there already, and is not replaced", 300), hint="take another name"
        ) from None
    except (OSError, ValueError) as error:
        raise _refuse(name, _reason(error)) from None


def replace_private(file: Path, data: bytes) -> None:
    """Replace a file of ours in one step. Raises `OSError`, and `ValueError` for a name that is none."""
    fresh = _write_beside(file, data)
    try:
        os.replace(fresh, file)
    except OSError:
        fresh.unlink(missing_ok=True)
        raise


def _write_beside(path: Path, data: bytes | Iterable[bytes | memoryview]) -> Path:
    """A new file in the same directory, with a name that is of ours alone."""
    fresh = path.with_name(f"{secrets.token_hex(8)}.new")
    descriptor, named = _open_new(fresh)
    try:
        with os.fdopen(descriptor, "wb") as stream:
            for piece in [data] if isinstance(data, bytes) else data:
                stream.write(piece)
            stream.flush()
            if not named:  # with a folder given, Python lets the link of the descriptor be followed
                os.link(f"{_DESCRIPTORS}/{descriptor}", fresh, src_dir_fd=descriptor, follow_symlinks=True)
    except BaseException:  # the disk may be full, and a person may interrupt
        fresh.unlink(missing_ok=True)
        raise
    return fresh


def _open_new(fresh: Path) -> tuple[int, bool]:
    """A descriptor, and whether the file has its name already."""
    if _UNNAMED:
        with contextlib.suppress(OSError):  # not every file system has such files
            return os.open(fresh.parent, os.O_WRONLY | os.O_CLOEXEC | _UNNAMED, 0o600), False
    return os.open(fresh, _HOW, 0o600), True


def _give_name(fresh: Path, path: Path) -> None:
    """A hard link fails where the name is taken; a renaming would replace what is there."""
    try:
        os.link(fresh, path, follow_symlinks=False)
    except OSError as error:
        if error.errno not in _NO_LINKS:
            raise
        if is_there(path):
            raise FileExistsError from None
        os.rename(fresh, path)


def _reason(error: OSError | ValueError) -> str:
    if isinstance(error, OSError):
        long = error.errno == errno.ENAMETOOLONG
        return "its name is longer than a file may have" if long else error.strerror or type(error).__name__
    return str(error)


def _refuse(name: str | Path, why: str) -> UsageError:
    return UsageError(encodable(f"{str(name)[:200]} cannot be written: {why}", 400), hint="take another name")
