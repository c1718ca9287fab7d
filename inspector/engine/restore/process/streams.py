"""The standard descriptors of a process that is ours alone."""

from __future__ import annotations

import fcntl
import os
from functools import partial

from .setting import Setting

_ABOVE = 200
"""Descriptors that no model closes by chance."""

STREAMS: list[Setting] = []


def keep_streams() -> None:
    """From now on the standard descriptors are put back after every pass. For a process that is ours alone."""
    for fd, name in enumerate(("standard input", "standard output", "standard error")):
        kept = fcntl.fcntl(fd, fcntl.F_DUPFD_CLOEXEC, _ABOVE)
        STREAMS.append(Setting(name, partial(_read_stream, fd), partial(_put_back, fd, kept)))


def _put_back(fd: int, kept: int, read: object) -> None:
    """Lead the descriptor to where `kept` leads, whatever was read of it."""
    os.dup2(kept, fd)


def _read_stream(fd: int) -> tuple[int, int] | None:
    """What the descriptor leads to; None where it is closed."""
    try:
        found = os.fstat(fd)
    except OSError:
        return None
    return found.st_dev, found.st_ino
