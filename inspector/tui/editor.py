"""The person's editor, at a line."""

from __future__ import annotations

import contextlib
import os
import shlex
import subprocess
import tempfile
from collections.abc import Mapping

from ..files import read_file
from ..files.purposes import SOURCE

_GOTO = frozenset({"code", "code-insiders", "codium", "cursor", "windsurf"})
_COLON = frozenset({"subl", "zed", "hx", "helix"})
_RETURNING = _GOTO | {"subl", "zed"}
"""Those that leave at once, with the file open in a window: what is written there is read when that is closed."""
_WAIT = "--wait"


def editor_command(file: str, line: int, environment: Mapping[str, str]) -> list[str]:
    """The command that opens `file` at `line` in $VISUAL or $EDITOR. Raises ValueError where that cannot be read as a
    command."""
    command = shlex.split(environment.get("VISUAL") or environment.get("EDITOR") or "vi")
    if not command:
        raise ValueError("$EDITOR is empty")
    file = os.path.abspath(file)  # never taken for an option
    name = os.path.basename(command[0])
    if name in _GOTO:
        return [*command, "--goto", f"{file}:{line}"]
    if name in _COLON:
        return [*command, f"{file}:{line}"]
    return [*command, f"+{line}", file]


def edit(text: str, line: int, environment: Mapping[str, str]) -> str:
    """What becomes of `text`, which is Python, in the person's editor. The file is nobody else's, and does not stay.

    Raises:
        OSError: The editor cannot be started.
        UsageError: The file cannot be read back.
        ValueError: $EDITOR cannot be read as a command, or what was written is not text.
    """
    descriptor, file = tempfile.mkstemp(prefix="hook-", suffix=".py")  # with mode 0600
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as stream:
            stream.write(text)
        subprocess.run(_staying(editor_command(file, line, environment)))
        return read_file(file, SOURCE).decode("utf-8")  # anew: many editors replace the file
    finally:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(file)


def _staying(command: list[str]) -> list[str]:
    """The command, not over before the file is."""
    returns = os.path.basename(command[0]) in _RETURNING and not {_WAIT, "-w"} & set(command)
    return [command[0], _WAIT, *command[1:]] if returns else command
