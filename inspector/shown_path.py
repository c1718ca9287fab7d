"""A file of somebody's code as it is written for a person: no longer than it must be to be found from here."""

from __future__ import annotations

import os
import re

_PACKAGES = f"-packages{os.sep}"  # site-packages, dist-packages
_NAMED = re.compile(r"""(\s*File ")([^"]*)(".*)""", re.DOTALL)


def shown_path(file: str) -> str:
    """`file` from the working directory where it is inside it, else with `~` for the home of whoever looks. What is
    installed stays as it is, as does what is no absolute path: `<string>`.

    Args:
        file: A path, also one with a line behind it: `/home/me/net.py:12 in forward`.
    """
    if not os.path.isabs(file) or _PACKAGES in file:
        return file
    for folder, sign in ((_working_directory(), ""), (os.path.expanduser("~"), f"~{os.sep}")):
        inside = folder.rstrip(os.sep) + os.sep
        if inside != os.sep and file.startswith(inside):
            return sign + file.removeprefix(inside)
    return file


def shown_place(line: str) -> str:
    """A line of a traceback with its file so, in either form: `File "/home/me/net.py", line 12, in forward`, or
    `/home/me/net.py:12 in forward`."""
    named = _NAMED.match(line)
    return f"{named[1]}{shown_path(named[2])}{named[3]}" if named is not None else shown_path(line)


def _working_directory() -> str:
    """ "" where it is gone."""
    try:
        return os.getcwd()
    except OSError:
        return ""
