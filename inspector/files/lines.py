"""Lines of source that Python itself would read for a traceback, from whatever file code claims to come from."""

from __future__ import annotations

import linecache
import os
import stat
import sys
from collections.abc import Iterable

from ..raised import errors_before, traceback_of
from .purposes import SOURCE

_MOST = 1_000
"""Errors of one chain that are looked through."""


def keep_from_reading(names: Iterable[str]) -> None:
    """Let no line be read of files that are special or too large: a named pipe would be waited for, without end."""
    for name in names:
        if name not in linecache.cache and any(map(_is_unfit, _places(name))):
            linecache.cache[name] = (0, None, [], name)


def keep_from_reading_for(error: BaseException) -> None:
    """The same for all code that is told of in an error, and in the errors before it."""
    pending = [error]
    seen: set[int] = set()
    while pending and len(seen) < _MOST:
        link = pending.pop()
        if id(link) in seen:
            continue
        seen.add(id(link))
        keep_from_reading(_files_of(link))
        pending += errors_before(link)


def _files_of(error: BaseException) -> set[str]:
    found, traceback = set(), traceback_of(error)
    while traceback is not None:
        found.add(traceback.tb_frame.f_code.co_filename)
        traceback = traceback.tb_next
    if issubclass(type(error), SyntaxError):
        name = SyntaxError.__dict__["filename"].__get__(error)
        found |= {name} if isinstance(name, str) else set()
    return found


def _places(name: str) -> list[str]:
    """Where `linecache` would look."""
    if os.path.isabs(name) or name.startswith("<"):
        return [name]
    return [name, *(os.path.join(folder, name) for folder in sys.path if isinstance(folder, str))]


def _is_unfit(path: str) -> bool:
    try:
        status = os.stat(path)
    except (OSError, ValueError):
        return False
    return not stat.S_ISREG(status.st_mode) or status.st_size > SOURCE.most
