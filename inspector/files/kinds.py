"""What there is under a name, asked without ever raising and without opening it."""

from __future__ import annotations

import os
import stat
from pathlib import Path

_SPECIAL = {
    stat.S_IFIFO: "a named pipe",
    stat.S_IFSOCK: "a socket",
    stat.S_IFCHR: "a device",
    stat.S_IFBLK: "a device",
}


def is_file(name: str | Path) -> bool:
    """A regular file. A name that no file can have (too long, with a null character) is the name of none."""
    return os.path.isfile(expand(name))


def is_directory(name: str | Path) -> bool:
    return os.path.isdir(expand(name))


def is_there(name: str | Path) -> bool:
    """Something of any kind, a link that leads nowhere too."""
    try:
        return os.path.lexists(expand(name))
    except ValueError:
        return False


def describe_special(mode: int) -> str:
    """What is no regular file and no directory, in words; "" for these two."""
    if stat.S_ISREG(mode) or stat.S_ISDIR(mode):
        return ""
    return _SPECIAL.get(stat.S_IFMT(mode), "a special file")


def expand(name: str | Path) -> Path:
    """With `~` in full; one of a person that is not known stays as typed."""
    try:
        return Path(os.path.expanduser(name))
    except ValueError:  # the name of a person cannot be looked up with a null character in it
        return Path(name)
